"""A network that reads step by step, forward and back through time, and how long it can remember."""

from dlcore.ui.page import show

TITLE = "A recurrent network by hand"
ICON = ":material/replay:"

show(
    "rnn",
    opens_on="rnn",  # the one by hand comes first
    data="dlcore.ui.panels.rnn_data:data",
    results="dlcore.ui.panels.rnn_results:results",
    try_it="dlcore.ui.panels.rnn_try:try_it",
    explain="dlcore.ui.panels.rnn_walk:explain",
)
