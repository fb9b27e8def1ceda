"""Tell ten kinds of clothing apart on small grey pictures, with three dense layers and nothing else."""

from dlcore.ui.shell.page import show

TITLE = "Fashion classifier"
ICON = ":material/checkroom:"

show(
    "fashion",
    data="dlcore.ui.modalities.classification:data",
    results="dlcore.ui.compare.comparison:results",
    try_it="dlcore.ui.modalities.classification:try_it",
    explain="dlcore.ui.modalities.explain:explain",
)
