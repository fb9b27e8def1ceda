"""Train three classic image classifiers on the same photographs, and see which one wins, at what cost."""

from dlcore.ui.shell.page import show

TITLE = "VGG, ResNet, ResNeXt"
ICON = ":material/compare:"

show(
    "architectures",
    data="dlcore.ui.modalities.images:data",
    results="dlcore.ui.compare.comparison:results",
    try_it="dlcore.ui.modalities.classification:try_it",
    explain="dlcore.ui.modalities.explain:explain",
)
