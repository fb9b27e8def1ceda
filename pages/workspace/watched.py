"""Training loops of scripts and notebooks, live, and runs imported from other trackers."""

from dlcore.ui.shell.page import show

TITLE = "Watched runs"
ICON = ":material/visibility:"

show(
    "watched",
    panels={
        "train": "dlcore.ui.pages.watched.panels:live",
        "results": "dlcore.ui.pages.watched.panels:results",
    },
    labels={"train": "Live"},
    first_panel="train",
)
