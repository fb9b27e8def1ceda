"""A network in NumPy alone learns to read digits; open every number of its way forward and back."""

from dlcore.ui.shell.page import show

TITLE = "Backpropagation by hand"
ICON = ":material/function:"

show(
    "backprop",
    data="dlcore.ui.modalities.classification:data",
    results="dlcore.ui.modalities.classification:results",
    try_it="dlcore.ui.pages.backprop.predict:try_it",
    explain="dlcore.ui.pages.backprop.walk:explain",
)
