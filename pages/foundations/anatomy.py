"""Take any network apart: its layers, parameters and computational graph; and see what an autoencoder finds strange."""

from dlcore.ui.page import show

TITLE = "Anatomy of a network"
ICON = ":material/account_tree:"

show(
    "anatomy",
    step_by_step="dlcore.ui.panels.anatomy:step_by_step",
    data="dlcore.ui.panels.anatomy_autoencoder:data",
    results="dlcore.ui.panels.anatomy_autoencoder:results",
    try_it="dlcore.ui.panels.anatomy_try:try_it",
    explain="dlcore.ui.panels.anatomy_answers:explain",
)
