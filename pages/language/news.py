"""Tell world, sports, business and science news apart with an encoder written out after the paper."""

from dlcore.ui.shell.page import show

TITLE = "News with a Transformer"
ICON = ":material/newspaper:"

show(
    "news",
    data="dlcore.ui.modalities.classification:data",
    results="dlcore.ui.compare.comparison:results",
    try_it="dlcore.ui.modalities.classification:try_it",
    explain="dlcore.ui.modalities.explain:explain",
)
