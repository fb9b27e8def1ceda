"""Find the days on which New York's taxis behaved unusually, with autoencoders that never saw a label."""

from dlcore.ui.page import show

TITLE = "Anomaly detection"
ICON = ":material/monitoring:"

show(
    "anomaly",
    data="dlcore.ui.panels.series:data",
    results="dlcore.ui.panels.series:results",
    try_it="dlcore.ui.panels.series:try_it",
    explain="dlcore.ui.modalities.explain:explain",
)
