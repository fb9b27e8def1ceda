"""Fine-tune a pretrained BERT to classify texts from a few hundred examples."""

from dlcore.ui.shell.page import show

TITLE = "Fine-tuning BERT"
ICON = ":material/tune:"

show(
    "bert",
    opens_on="last_layers",  # the best one
    first_panel="predict",
    panels={
        "data": "dlcore.ui.modalities.overview:data",
        "results": "dlcore.ui.pages.bert.results:results",
        "predict": "dlcore.ui.modalities.predict:predict",
        "explain": "dlcore.ui.pages.bert.explain:explain",
    },
)
