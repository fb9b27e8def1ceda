"""A Transformer that writes sequences, learnt from scratch; and a BERT that has read much, taught to sort texts."""

from dlcore.ui.shell.page import chosen_part, show

TITLE = "Sequence to sequence, and BERT"
ICON = ":material/translate:"
PARTS = {
    "seq2seq": (
        "Sequence to sequence",
        "A Transformer that reads one sequence and writes another: dates, reversing, sorting, symbol by symbol.",
    ),
    "bert": (
        "Fine-tuning BERT",
        "A BERT that has read millions of sentences learns to sort texts from a few hundred examples.",
    ),
}

if chosen_part("seq2seq") == "seq2seq":
    show(
        "seq2seq",
        opens_on="transformer",  # dates come first
        panels={
            "data": "dlcore.ui.pages.seq2seq.data:data",
            "results": "dlcore.ui.pages.seq2seq.results:results",
            "predict": "dlcore.ui.pages.seq2seq.predict:try_it",
            "explain": "dlcore.ui.pages.seq2seq.explain:explain",
        },
    )
else:
    show(
        "bert",
        opens_on="last_layers",  # the best one
        panels={
            "data": "dlcore.ui.modalities.overview:data",
            "results": "dlcore.ui.pages.bert.results:results",
            "predict": "dlcore.ui.modalities.predict:predict",
            "explain": "dlcore.ui.pages.bert.explain:explain",
        },
    )
