"""A pretrained BERT on one sentence: attention of its heads, and masked language modeling."""

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
"""Maximum number of tokens of a sentence."""
BLANK = re.compile(r"\[MASK\]|_{2,}", re.IGNORECASE)
"""Text forms of a mask token."""


@dataclass(frozen=True)
class SentenceReader:
    """A pretrained BERT with its tokenizer; `filler` has the masked-language-model head, None without one."""

    checkpoint: bert_weights.Checkpoint
    pieces: WordPieceTokenizer
    network: Bert
    filler: MaskedBert | None


@dataclass(frozen=True)
class FilledBlank:
    """A mask token: most probable tokens and their probabilities, highest first."""

    guesses: tuple[tuple[str, float], ...]


def reader(name: str) -> SentenceReader:
    """Load the BERT with that name.

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


def attend(reader: SentenceReader, sentence: str) -> tuple[list[str], np.ndarray]:
    """Tokens (T) of a text, including [CLS] and [SEP], and attention weights (L, H, T, T)."""
    (ids,) = reader.pieces.encode([sentence], length=MOST)
    words = ["[CLS]", *reader.pieces.tokens(sentence)[: len(ids) - 2], "[SEP]"]
    with evaluation_mode(reader.network):
        return words, reader.network.attentions(torch.from_numpy(ids[None]))[0].numpy()


def fill_blanks(reader: SentenceReader, sentence: str, *, top: int = 5) -> tuple[FilledBlank, ...]:
    """Predictions for each mask (`[MASK]` or `__`) of a text.

    Raises:
        DataError: no mask, no other word, or no masked-language-model head.
    """
    if reader.filler is None:
        raise DataError(
            f"{reader.checkpoint.name} has no masked-language-model head: run "
            "`dlcore data get bert:bert-base-uncased` (440 MB)."
        )
    parts = BLANK.split(text.clean_text(sentence))
    if len(parts) < 2 or not "".join(parts).strip():
        raise DataError("no mask in the text: write [MASK] or __ in place of a word.")
    ids = [reader.pieces.first]
    for place, part in enumerate(parts):
        ids += [reader.pieces.mask] if place else []
        ids += reader.pieces.encode([part], length=MOST)[0][1:-1].tolist() if part.strip() else []
    ids = [*ids[: MOST - 1], reader.pieces.last]
    blanks = [place for place, number in enumerate(ids) if number == reader.pieces.mask]
    if not blanks:
        raise DataError(f"the mask is after the first {MOST} tokens, which are read: shorten the text before it.")
    with evaluation_mode(reader.filler):
        chances = reader.filler(torch.tensor([ids]))[0, blanks].softmax(dim=-1).topk(top)
    return tuple(
        FilledBlank(tuple((reader.pieces.words[number], share) for number, share in zip(numbers, shares, strict=True)))
        for numbers, shares in zip(chances.indices.tolist(), chances.values.tolist(), strict=True)
    )
