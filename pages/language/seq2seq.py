"""A Transformer that reads one sequence and writes another: dates, reversing, sorting, symbol by symbol."""

import streamlit as st

from dlcore.ui.page import show

TITLE = "Sequence to sequence"
ICON = ":material/translate:"

st.session_state.setdefault("last-run-of-seq2seq", "reference:seq2seq/transformer")  # dates come first
show(
    "seq2seq",
    data="dlcore.ui.panels.seq2seq_data:data",
    results="dlcore.ui.panels.seq2seq_results:results",
    try_it="dlcore.ui.panels.seq2seq_try:try_it",
    explain="dlcore.ui.panels.seq2seq_explain:explain",
)
