"""Find the days on which New York's taxis behaved unusually, with autoencoders that never saw a label."""

from dlcore.ui.shell.page import show

TITLE = "Anomaly detection"
ICON = ":material/monitoring:"

show(
    "anomaly",
    panels={
        "data": "dlcore.ui.pages.anomaly.panels:data",
        "results": "dlcore.ui.pages.anomaly.panels:results",
        "predict": "dlcore.ui.pages.anomaly.panels:try_it",
        "explain": "dlcore.ui.modalities.explain:explain",
    },
)
