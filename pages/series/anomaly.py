"""Detect unusual parts of a time series with autoencoders and nearest windows, without labels."""

from dlcore.ui.shell.page import show

TITLE = "Anomaly detection in time series"
ICON = ":material/monitoring:"

show(
    "anomaly",
    panels={
        "data": "dlcore.ui.pages.anomaly.panels:data",
        "results": "dlcore.ui.pages.anomaly.benchmark:results",
        "predict": "dlcore.ui.pages.anomaly.panels:predict",
        "explain": "dlcore.ui.modalities.explain:explain",
    },
)
