"""A Transformer that reads one sequence and writes another: dates, reversing, sorting, symbol by symbol."""

from dlcore.ui.page import show

TITLE = "Sequence to sequence"
ICON = ":material/translate:"

show(
    "seq2seq",
    data="dlcore.ui.panels.seq2seq_data:data",
    results="dlcore.ui.panels.seq2seq_results:results",
    try_it="dlcore.ui.panels.seq2seq_try:try_it",
    explain="dlcore.ui.panels.seq2seq_explain:explain",
)
