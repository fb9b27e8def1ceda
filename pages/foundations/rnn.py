"""A network that reads step by step, forward and back through time, and how long it can remember."""

import streamlit as st

from dlcore.ui.page import show

TITLE = "A recurrent network by hand"
ICON = ":material/replay:"

st.session_state.setdefault("last-run-of-rnn", "reference:rnn/rnn")  # the one by hand comes first
show(
    "rnn",
    data="dlcore.ui.panels.rnn_data:data",
    results="dlcore.ui.panels.rnn_results:results",
    try_it="dlcore.ui.panels.rnn_try:try_it",
    explain="dlcore.ui.panels.rnn_walk:explain",
)
