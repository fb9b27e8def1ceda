"""A network that reads step by step, forward and back through time, and how long it can remember."""

from dlcore.ui.shell.page import show

TITLE = "A recurrent network by hand"
ICON = ":material/replay:"

show(
    "rnn",
    opens_on="rnn",  # the one by hand comes first
    labels={"predict": "Experiment"},
    panels={
        "data": "dlcore.ui.pages.rnn.data:data",
        "results": "dlcore.ui.pages.rnn.results:results",
        "predict": "dlcore.ui.pages.rnn.predict:try_it",
        "explain": "dlcore.ui.pages.rnn.walk:explain",
    },
)
