"""See where the gradient vanishes in a deep network, and which change restores it."""

from dlcore.ui.shell.page import show

TITLE = "Vanishing gradients"
ICON = ":material/trending_down:"

show(
    "gradients",
    opens_on="vgg_deep",
    labels={"predict": "Experiment"},
    panels={
        "data": "dlcore.ui.modalities.overview:data",
        "results": "dlcore.ui.pages.gradients.panels:results",
        "predict": "dlcore.ui.pages.gradients.predict:predict",
        "explain": "dlcore.ui.modalities.explain:explain",
    },
)
