"""What a pretrained BERT makes of one sentence: where its heads look, and what it would put into a blank."""

import re
from dataclasses import dataclass

import numpy as np
import torch

from dlcore.core.errors import DataError
from dlcore.data.sources import bert_weights
from dlcore.data.text import corpora as text
from dlcore.data.text.bert_tokens import WordPieceTokenizer
from dlcore.inference.predict import evaluation_mode
from dlcore.models import bert, masked_bert
from dlcore.models.bert import Bert
from dlcore.models.masked_bert import MaskedBert

MOST = 64
"""Pieces read of a sentence."""
BLANK = re.compile(r"\[MASK\]|_{2,}", re.IGNORECASE)
"""How a blank is written."""


@dataclass(frozen=True)
class SentenceReader:
    """A pretrained BERT with its pieces; `filler` has the head that fills blanks, None where the weights have none."""

    checkpoint: bert_weights.Checkpoint
    pieces: WordPieceTokenizer
    network: Bert
    filler: MaskedBert | None


@dataclass(frozen=True)
class FilledBlank:
    """A blank: the likeliest pieces, each with its probability, the likeliest first."""

    guesses: tuple[tuple[str, float], ...]


def reader(name: str) -> SentenceReader:
    """The BERT of that name, ready to read.

    Raises:
        DataMissingError: it is not on this machine.
    """
    checkpoint = bert_weights.require(name)
    state = checkpoint.state()
    pieces = WordPieceTokenizer(checkpoint)
    if masked_bert.has_head(state):
        filler = masked_bert.pretrained(checkpoint.config, state)
        return SentenceReader(checkpoint, pieces, filler.bert, filler)
    return SentenceReader(checkpoint, pieces, bert.pretrained(checkpoint.config, state), None)


def attend(found: SentenceReader, said: str) -> tuple[list[str], np.ndarray]:
    """The T tokens that it reads of a text, [CLS] and [SEP] among them, and where each looks (L, H, T, T)."""
    (ids,) = found.pieces.encode([said], length=MOST)
    words = ["[CLS]", *found.pieces.tokens(said)[: len(ids) - 2], "[SEP]"]
    with evaluation_mode(found.network):
        return words, found.network.attentions(torch.from_numpy(ids[None]))[0].numpy()


def fill_blanks(found: SentenceReader, said: str, *, top: int = 5) -> tuple[FilledBlank, ...]:
    """What it would put into each blank of a text, written `[MASK]` or `__`, the others being blank too.

    Raises:
        DataError: there is no blank, nothing beside it, or this BERT has no head that fills blanks.
    """
    if found.filler is None:
        raise DataError(
            f"{found.checkpoint.name} came without the head that fills blanks: take one that has it, "
            "`python -m dlcore data get bert:bert-base-uncased` (440 MB)."
        )
    parts = BLANK.split(text.clean_text(said))
    if len(parts) < 2 or not "".join(parts).strip():
        raise DataError("there is no blank to fill: write a sentence with [MASK], or __, in place of a word.")
    ids = [found.pieces.first]
    for place, part in enumerate(parts):
        ids += [found.pieces.mask] if place else []
        ids += found.pieces.encode([part], length=MOST)[0][1:-1].tolist() if part.strip() else []
    ids = [*ids[: MOST - 1], found.pieces.last]
    blanks = [place for place, number in enumerate(ids) if number == found.pieces.mask]
    if not blanks:
        raise DataError(f"the blank comes after the {MOST} pieces that are read: shorten the sentence before it.")
    with evaluation_mode(found.filler):
        chances = found.filler(torch.tensor([ids]))[0, blanks].softmax(dim=-1).topk(top)
    return tuple(
        FilledBlank(tuple((found.pieces.words[number], share) for number, share in zip(numbers, shares, strict=True)))
        for numbers, shares in zip(chances.indices.tolist(), chances.values.tolist(), strict=True)
    )
