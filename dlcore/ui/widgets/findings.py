"""How one test of an explanation went, as a badge and a sentence."""

import streamlit as st

from dlcore.explanation.findings import SanityCheck

CHECK_STYLE = {
    "passed": ("green", ":material/check_circle:"),
    "in part": ("orange", ":material/rule:"),
    "failed": ("red", ":material/cancel:"),
    "not told": ("gray", ":material/help:"),
}


def show_check(finding: SanityCheck) -> None:
    """The test's name with its verdict, and the sentence behind it."""
    colour, icon = CHECK_STYLE[finding.kind]
    left, right = st.columns([2, 5], gap="small")
    left.badge(finding.name, icon=icon, color=colour)  # type: ignore[arg-type]
    right.markdown(finding.sentence)
