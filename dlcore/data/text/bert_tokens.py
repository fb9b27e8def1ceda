"""WordPiece tokenization with the vocabulary of a pretrained BERT."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from dlcore.data.sources.bert_checkpoint import SPECIAL, Checkpoint

Keep = Literal["start", "end", "both"]
"""Truncation of long texts: keep the start, the end, or a quarter from the start and three from the end."""
PAD = 0
START_DIVISOR = 4
"""With `both`, a quarter of the tokens is from the start (Sun et al. 2019, table 2: 128 and 382)."""


class WordPieceTokenizer:
    """The WordPiece tokenizer of BERT (Devlin et al. 2019)."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        """Texts are lowercased if the vocabulary has no capitals."""
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
        """Encode each text to ids (T,) int64, T at most `length`: [CLS], its truncated word pieces, [SEP]."""
        # a single text uses no threads: forking the process then raises no warning
        encoded = (
            [self._tokenizer.encode(texts[0])] if len(texts) == 1 else self._tokenizer.encode_batch_fast(list(texts))
        )
        return [
            np.array(
                [self.first, *(encoding.ids[i] for i in kept_positions(len(encoding.ids), length - 2, keep)), self.last]
            )
            for encoding in encoded
        ]

    def tokens(self, text: str) -> list[str]:
        """Return the word pieces of a text without [CLS] and [SEP]; unknown words unchanged."""
        encoding = self._tokenizer.encode(text)
        spans = zip(encoding.ids, encoding.tokens, encoding.offsets, strict=True)
        return [text[start:stop] if number == self.unknown else token for number, token, (start, stop) in spans]


def kept_positions(count: int, limit: int, keep: Keep) -> list[int]:
    """Return the positions that remain of `count` tokens after truncation to `limit`."""
    if count <= limit:
        return list(range(count))
    head = {"start": limit, "end": 0, "both": limit // START_DIVISOR}[keep]
    return [*range(head), *range(count - (limit - head), count)]


def pad(ids: Sequence[np.ndarray], *, length: int = 0) -> np.ndarray:
    """Pad ids to (N, T) int64 with 0 at the end; T is the longest row, at least `length`."""
    longest = max([length, *(len(row) for row in ids)])
    rows = np.zeros((len(ids), longest), dtype=np.int64)
    for i, row in enumerate(ids):
        rows[i, : len(row)] = row
    return rows
