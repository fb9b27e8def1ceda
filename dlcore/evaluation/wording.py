"""How unlike the training texts a text is written: other letters than its language has, or other subjects."""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dlcore.core.errors import DataError

READ = 600
"""Characters of a text that are compared."""
FIT_TEXTS, EXCERPT_WORDS = 4000, (6, 25)
"""Training texts that are read, and the length of the excerpts that stand for short texts."""
LETTERS = 28
"""Space, a to z, any other letter; further codes are digits, punctuation and the start."""
BITS, GRAMS = 13, (3, 5)
"""Hash buckets and lengths of the character n-grams that tell subjects apart."""
CAUGHT, SHORT_FLAGGED, MOST_FLAGGED = 0.90, 0.05, 0.025
"""Share of unseen general English to flag, share of excerpts that may be flagged, and largest share of validation."""
LANGUAGE_FLAGGED = 0.01
"""Share of validation excerpts whose letters are flagged."""
_START, _STEP = 35, 24.0
_PRIOR, _USUAL = 10, 2.0
"""Letters of usual English, and their loss in nats, that are added to each text: the mean of a few letters varies."""


@dataclass(frozen=True)
class WordingModel:
    """Character statistics of the training texts.

    trigrams (28 ** 3,): minus log-likelihood of a letter after the two before it, in 1/24 nat.
    topic (2 ** 13,) int8 times `scale` (1,) plus `bias` (1,): logistic regression on hashed character n-grams, general
    English (positive) against training texts (negative).
    """

    trigrams: np.ndarray
    topic: np.ndarray
    scale: np.ndarray
    bias: np.ndarray

    @classmethod
    def fit(cls, texts: Sequence[str], background: Sequence[str], *, seed: int = 0) -> "WordingModel":
        """Fit on training texts, and on sentences of general English."""
        rng = np.random.default_rng(seed)
        sampled = [texts[row] for row in rng.permutation(len(texts))[:FIT_TEXTS]]
        short = excerpts(sampled, rng)
        weights, bias = _fit_topic([*short, *sampled[: len(sampled) // 4]], background)
        scale = np.abs(weights).max() / 127 + 1e-12
        return cls(
            _fit_trigrams([*sampled, *background]),
            np.rint(weights / scale).astype(np.int8),
            np.array([scale], np.float32),
            np.array([bias], np.float32),
        )

    def measure(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """Return `language` (N,), mean loss per letter in nats, and `topic` (N,), the log-odds of
        general English."""
        language, topic = np.empty(len(texts), np.float32), np.empty(len(texts), np.float32)
        weights = self.topic * self.scale
        for place, text in enumerate(texts):
            codes = _encode(text)
            trigrams = _trigrams(codes)
            loss = self.trigrams[trigrams].sum() / _STEP
            language[place] = (loss + _PRIOR * _USUAL) / (len(trigrams) + _PRIOR)
            buckets, counts = _hashed(codes)
            topic[place] = (weights[buckets] * counts).sum() + self.bias[0]
        return {"language": language, "topic": topic}

    def limits(self, validation: Sequence[str], background: Mapping[str, np.ndarray]) -> dict[str, float]:
        """Return the limit of each measure, from validation texts and the topics of unseen general English.

        The limit of `topic` flags at most 2.5 % of validation; below that, as much as 90 % of general English or a
        twentieth of short excerpts of validation texts.
        """
        short = self.measure(excerpts(validation, np.random.default_rng(0)))
        whole = self.measure(validation)
        desired = min(
            float(np.quantile(background["topic"], 1 - CAUGHT)), float(np.quantile(short["topic"], 1 - SHORT_FLAGGED))
        )
        return {
            "language": float(
                max(np.quantile(short["language"], 1 - LANGUAGE_FLAGGED), np.quantile(whole["language"], 0.99))
            ),
            "topic": max(desired, float(np.quantile(whole["topic"], 1 - MOST_FLAGGED))),
        }

    def as_arrays(self) -> dict[str, np.ndarray]:
        """Return its arrays by name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "WordingModel":
        """Create from the arrays that `as_arrays` returns.

        Raises:
            DataError: an array is missing or has another shape.
        """
        shapes = {"trigrams": (LETTERS**3,), "topic": (2**BITS,), "scale": (1,), "bias": (1,)}
        for name, shape in shapes.items():
            if name not in arrays or arrays[name].shape != shape:
                raise DataError(f"the wording model needs an array '{name}' of shape {shape}.")
        return cls(**{name: arrays[name] for name in shapes})


def fit_wording(
    train: Sequence[str], validation: Sequence[str], background: Sequence[str]
) -> tuple[WordingModel, dict[str, float]]:
    """Return the model of the training texts, and the limits of its measures.

    Each half of the general English is measured by a model that was fitted on the other.
    """
    halves = (background[::2], background[1::2])
    unseen = [WordingModel.fit(train, halves[half]).measure(halves[1 - half])["topic"] for half in (0, 1)]
    model = WordingModel.fit(train, background)
    return model, model.limits(validation, {"topic": np.concatenate(unseen)})


def excerpts(texts: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Return each text, or a random excerpt of a longer one: what a person would type."""
    shortened = []
    for text in texts:
        words = text.split()
        count = int(rng.integers(*EXCERPT_WORDS, endpoint=True))
        first = int(rng.integers(max(1, len(words) - count + 1)))
        shortened.append(" ".join(words[first : first + count]) if len(words) > EXCERPT_WORDS[1] else text)
    return shortened


def _codes() -> np.ndarray:
    """Return the code (0x110000,) of each character."""
    table = np.full(0x110000, 27, np.int64)  # any other letter
    table[:128] = 34
    table[0x2010:0x2030], table[[0xA0, 0xAB, 0xBB]] = 34, 34
    for place, letters in enumerate(zip(string.ascii_lowercase, string.ascii_uppercase, strict=True), start=1):
        table[[ord(letter) for letter in letters]] = place
    table[[ord(digit) for digit in string.digits]] = 28
    table[[ord(space) for space in string.whitespace]] = 0
    for place, mark in enumerate("?!.,'", start=29):
        table[ord(mark)] = place
    return table


_CODES = _codes()


def _encode(text: str) -> np.ndarray:
    """Return the codes of the first characters of a text; runs of spaces are one, and none is before punctuation,
    which some corpora set apart."""
    points = np.frombuffer(text[:READ].encode("utf-32-le", "replace"), np.uint32)
    codes = np.r_[_START, 0, _CODES[points], 0]
    codes = codes[np.r_[True, (codes[1:] != 0) | (codes[:-1] != 0)]]
    is_apart = (codes[:-1] == 0) & (codes[1:] > LETTERS) & (codes[1:] < _START)
    return np.asarray(codes[np.r_[~is_apart, True]])


def _trigrams(codes: np.ndarray) -> np.ndarray:
    letters = np.where(codes < LETTERS, codes, 0)
    letters = letters[np.r_[True, (letters[1:] != 0) | (letters[:-1] != 0)]]
    return np.asarray((letters[:-2] * LETTERS + letters[1:-1]) * LETTERS + letters[2:])


def _fit_trigrams(texts: Sequence[str]) -> np.ndarray:
    """Trigram model with interpolated back-off."""
    trigrams = np.concatenate([_trigrams(_encode(text)) for text in texts])
    counts = np.bincount(trigrams, minlength=LETTERS**3).reshape((LETTERS,) * 3).astype(np.float64)
    single = counts.sum(axis=(0, 1)) + 1
    single /= single.sum()
    pairs = counts.sum(axis=0) + 5 * single
    pairs /= pairs.sum(axis=1, keepdims=True)
    triples = counts + 5 * pairs
    triples /= triples.sum(axis=2, keepdims=True)
    return np.clip(np.rint(-np.log(triples) * _STEP), 0, 255).astype(np.uint8).ravel()


def _hashed(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the buckets of a text's n-grams and their counts, of Euclidean length 1."""
    wide = codes.astype(np.uint64)
    parts = []
    for size in GRAMS:
        count = max(0, len(wide) - size + 1)
        hashes = np.full(count, size, np.uint64)
        for place in range(size):
            hashes = (hashes * np.uint64(0x100000001B3)) ^ wide[place : place + count]  # FNV-1
        parts.append((hashes * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - BITS))
    buckets, counts = np.unique(np.concatenate(parts).astype(np.int64), return_counts=True)
    return buckets, counts / max(1e-9, float(np.linalg.norm(counts)))


def _fit_topic(texts: Sequence[str], background: Sequence[str]) -> tuple[np.ndarray, float]:
    """Return weights (2 ** BITS,) and bias of the log-odds of general English."""
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression

    rows = [_hashed(_encode(text)) for text in (*texts, *background)]
    ends = np.cumsum([0, *(len(buckets) for buckets, _ in rows)])
    counts, buckets = (np.concatenate([row[part] for row in rows]) for part in (1, 0))
    features = sparse.csr_matrix((counts, buckets, ends), shape=(len(rows), 2**BITS))
    targets = np.r_[np.zeros(len(texts)), np.ones(len(background))]
    model = LogisticRegression(C=10, class_weight="balanced", max_iter=200).fit(features, targets)
    return model.coef_[0], float(model.intercept_[0])
