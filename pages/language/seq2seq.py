"""Translate sequences with a Transformer trained from scratch, and fine-tune a pretrained BERT."""

from dlcore.ui.shell.page import chosen_part, show

TITLE = "Sequence to sequence, and BERT"
ICON = ":material/translate:"
PARTS = {
    "seq2seq": (
        "Sequence to sequence",
        "Translate one sequence into another with a Transformer: dates, reversing, sorting.",
    ),
    "bert": (
        "Fine-tuning BERT",
        "Fine-tune a pretrained BERT to classify texts from a few hundred examples.",
    ),
}

if chosen_part("seq2seq") == "seq2seq":
    show(
        "seq2seq",
        opens_on="transformer",
        first_panel="predict",
        panels={
            "data": "dlcore.ui.pages.seq2seq.data:data",
            "results": "dlcore.ui.pages.seq2seq.results:results",
            "predict": "dlcore.ui.pages.seq2seq.predict:predict",
            "explain": "dlcore.ui.pages.seq2seq.explain:explain",
        },
    )
else:
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
