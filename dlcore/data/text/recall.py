"""Associative recall, a synthetic task for attention: pairs `a3 b7 c1` and a query for the digit of one letter.

Positions do not matter: the model must look up the pair with the query's letter. A simple form of Graves et al.,
"Neural Turing Machines", 2014, section 4.3.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dlcore.core.errors import DataError

LETTERS = "abcdefghij"
DIGITS = "0123456789"
PAD, QUESTION = 0, 1
"""Ids of values other than digits: padding and query. Letters begin at 1, digits at 2."""
MIN_PAIRS = 2
Place = Literal["last", "first"]


@dataclass(frozen=True)
class RecallSequences:
    """Encoded sequences: letters and values (N, T) int64 with padding; answers (N,) 0 to 9."""

    letters: np.ndarray
    values: np.ndarray
    answers: np.ndarray

    @property
    def checksum(self) -> str:
        """The sha256 of all arrays."""
        parts = (self.letters, self.values, self.answers)
        return "sha256:" + hashlib.sha256(b"".join(part.astype("<i8").tobytes() for part in parts)).hexdigest()


def make_sequences(rows: int, *, pairs: int, question: Place, seed: int) -> RecallSequences:
    """Generate `rows` sequences of 2 to `pairs` pairs with distinct letters and a query for one of them."""
    random = np.random.default_rng(seed)
    counts = random.integers(MIN_PAIRS, pairs + 1, rows)
    order = random.random((rows, len(LETTERS))).argsort(axis=1)[:, :pairs]  # distinct letters in random order
    digits = random.integers(0, len(DIGITS), (rows, pairs))
    is_pair = np.arange(pairs) < counts[:, None]
    query = (random.random(rows) * counts).astype(np.int64)
    every = np.arange(rows)
    letters, values = np.zeros((2, rows, pairs + 1), dtype=np.int64)
    shift = 1 if question == "first" else 0
    letters[:, shift : pairs + shift] = np.where(is_pair, order + 1, PAD)
    values[:, shift : pairs + shift] = np.where(is_pair, digits + 2, PAD)
    at = np.zeros(rows, dtype=np.int64) if shift else counts
    letters[every, at] = order[every, query] + 1
    values[every, at] = QUESTION
    return RecallSequences(letters, values, digits[every, query])


def parse_sequence(text: str, *, pairs: int) -> tuple[np.ndarray, np.ndarray]:
    """Parse `a3 b7 a?` to letters and values (1, T).

    Raises:
        DataError: A word is neither a pair nor the query, or there are too many pairs.
    """
    words = [word for word in re.split(r"[\s,;]+", text.strip().lower()) if word]
    for word in words:
        if len(word) != 2 or word[0] not in LETTERS or word[1] not in DIGITS + "?":
            raise DataError(f"'{word[:20]}' is not valid: write a letter a-j and a digit, as in a3 b7 a?.")
    if sum(word[1] == "?" for word in words) != 1:
        raise DataError("there must be one question, a letter and a question mark: a3 b7 c1 b?.")
    if not 1 <= len(words) - 1 <= pairs:
        raise DataError(f"there are {len(words) - 1} pairs: this model reads 1 to {pairs}.")
    letters = np.array([[LETTERS.index(word[0]) + 1 for word in words]], dtype=np.int64)
    values = np.array([[QUESTION if word[1] == "?" else DIGITS.index(word[1]) + 2 for word in words]], dtype=np.int64)
    return letters, values


def format_sequence(letters: np.ndarray, values: np.ndarray) -> list[str]:
    """Format one sequence (T,) as words."""
    ends = ("", "?", *DIGITS)
    return [LETTERS[a - 1] + ends[b] for a, b in zip(letters.tolist(), values.tolist(), strict=True) if b != PAD]
