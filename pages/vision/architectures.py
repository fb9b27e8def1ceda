"""Train three classic image classifiers on the same photos; compare accuracy, speed and size."""

from dlcore.ui.shell.page import show

TITLE = "VGG, ResNet, ResNeXt"
ICON = ":material/compare:"

show(
    "architectures",
    panels={
        "data": "dlcore.ui.modalities.overview:data",
        "train": "dlcore.ui.train.train:train_models",
        "results": "dlcore.ui.compare.comparison:results_of_models",
        "predict": "dlcore.ui.compare.answers:predict",
        "explain": "dlcore.ui.modalities.explain:explain",
    },
)
