"""Texts cut into the pieces that a pretrained BERT knows, under its own ids."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from dlcore.data.sources.bert_weights import SPECIAL, Checkpoint

Keep = Literal["start", "end", "both"]
"""Which part of a longer text is read: its start, its end, or a quarter from its start and the rest from its end."""
PAD = 0
START_SHARE = 4
"""Of what is kept with `both`, one part in so many is from the start (Sun et al. 2019, table 2: 128 and 382)."""


class WordPieceTokenizer:
    """The words and pieces of words that a BERT knows, cut as in its paper (Devlin et al. 2019)."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        """Letters are made small where the vocabulary has no capitals."""
        self.words = checkpoint.vocabulary
        ids = {word: number for number, word in enumerate(self.words)}
        _, self.unknown, self.first, self.last, self.mask = (ids[word] for word in SPECIAL)
        capitals = any(word != word.lower() for word in self.words if not word.startswith("["))
        self._tokenizer = Tokenizer(models.WordPiece(ids, unk_token=SPECIAL[1], max_input_chars_per_word=100))
        self._tokenizer.normalizer = normalizers.BertNormalizer(lowercase=not capitals)
        self._tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, texts: Sequence[str], *, length: int, keep: Keep = "start") -> list[np.ndarray]:
        """Each text's ids (T,) int64, T at most `length`: [CLS], what is kept of its pieces, [SEP]."""
        # one by one texts cost no threads, and a process that never used them can be forked without a warning
        encoded = (
            [self._tokenizer.encode(texts[0])] if len(texts) == 1 else self._tokenizer.encode_batch_fast(list(texts))
        )
        return [
            np.array(
                [self.first, *(one.ids[place] for place in kept_positions(len(one.ids), length - 2, keep)), self.last]
            )
            for one in encoded
        ]

    def tokens(self, text: str) -> list[str]:
        """The pieces of a text, without [CLS] and [SEP]; what is unknown as it was written."""
        one = self._tokenizer.encode(text)
        spans = zip(one.ids, one.tokens, one.offsets, strict=True)
        return [text[start:stop] if number == self.unknown else token for number, token, (start, stop) in spans]


def kept_positions(count: int, most: int, keep: Keep) -> list[int]:
    """Places that are kept of `count` pieces when `most` of them are read."""
    if count <= most:
        return list(range(count))
    head = {"start": most, "end": 0, "both": most // START_SHARE}[keep]
    return [*range(head), *range(count - (most - head), count)]


def pad(ids: Sequence[np.ndarray], *, length: int = 0) -> np.ndarray:
    """(N, T) int64, padded at the end with 0; T is the longest row, or `length` where that is more."""
    longest = max([length, *(len(row) for row in ids)])
    rows = np.zeros((len(ids), longest), dtype=np.int64)
    for place, row in enumerate(ids):
        rows[place, : len(row)] = row
    return rows
