"""A recurrent network in NumPy: backpropagation through time, and how long it remembers."""

from dlcore.ui.shell.page import show

TITLE = "Recurrent networks from scratch"
ICON = ":material/replay:"

show(
    "rnn",
    opens_on="rnn",
    first_panel="explain",
    labels={"predict": "Experiment", "explain": "Step by step"},
    panels={
        "data": "dlcore.ui.pages.rnn.data:data",
        "results": "dlcore.ui.pages.rnn.results:results",
        "predict": "dlcore.ui.pages.rnn.predict:predict",
        "explain": "dlcore.ui.pages.rnn.walk:explain",
    },
)
