"""A tour of a page at the first visit: a few dismissible steps that point at its parts, drawn in the browser."""

import json

import streamlit as st

from dlcore.ui.components.mount import script_urls
from dlcore.ui.shell.security import inline_script

_PANEL = ".st-key-panel button, .st-key-panel label"
_STEPS = {
    "anomaly": [
        {"target": ".dlt-value", "says": "Drag the line in the chart, or type here: all counts follow."},
        {"target": '[class*="st-key-run-of-"]', "says": "Here is every run of this page: references and your own."},
        {"target": _PANEL, "text": "Train", "says": "Train a network on this machine and watch it live."},
        {"target": _PANEL, "text": "Explain", "says": "Ask which part of the input raised an alarm."},
    ]
}
"""Page -> its steps: a selector, the text of the element where several match, and what is said."""
_SCRIPTS = {
    slug: inline_script(
        f"import(new URL({script_urls('tour')[0]!r}, document.baseURI).href)"
        f".then((module) => module.offerTour({json.dumps(steps)}));"
    )
    for slug, steps in _STEPS.items()
}


def offer(slug: str) -> None:
    """Offer the tour of a page, if it has one; call it after the page is drawn."""
    if slug in _SCRIPTS:
        with st.sidebar.container(key="tour"):
            st.html(_SCRIPTS[slug], unsafe_allow_javascript=True)
