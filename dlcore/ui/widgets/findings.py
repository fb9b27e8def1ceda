"""Sanity checks of an explanation as badges with a sentence."""

from collections.abc import Iterable

import streamlit as st

from dlcore.core.markdown import as_text
from dlcore.explanation.findings import SanityCheck

CHECK_STYLE = {
    "passed": ("green", ":material/check_circle:"),
    "mixed": ("orange", ":material/rule:"),
    "failed": ("red", ":material/cancel:"),
    "not applicable": ("gray", ":material/help:"),
}


def show_checks(checks: Iterable[SanityCheck]) -> None:
    """Draw name, status and sentence of each check."""
    for check in checks:
        color, icon = CHECK_STYLE[check.status]
        left, right = st.columns([2, 5], gap="small")
        left.badge(f"{check.name}: {check.status}", icon=icon, color=color)  # type: ignore[arg-type]
        right.markdown(as_text(check.sentence))
