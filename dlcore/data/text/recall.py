"""A synthetic task that needs attention: pairs such as `a3 b7 c1`, and the question which digit stood with a letter.

What a token says is in it, where it stands is no matter: whoever answers must look up the one pair that has the
question's letter (associative recall, Graves et al., "Neural Turing Machines", 2014, section 4.3, in its
plainest form).
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
"""Numbers of the values that are no digit: nothing there, and a question. Letters begin at 1, digits at 2."""
LEAST_PAIRS = 2
Place = Literal["last", "first"]


@dataclass(frozen=True)
class RecallSequences:
    """Sequences as numbers: letters and values (N, T) int64, PAD where a sequence has ended; answers (N,) 0 to 9."""

    letters: np.ndarray
    values: np.ndarray
    answers: np.ndarray

    @property
    def checksum(self) -> str:
        """The sha256 of all numbers."""
        parts = (self.letters, self.values, self.answers)
        return "sha256:" + hashlib.sha256(b"".join(part.astype("<i8").tobytes() for part in parts)).hexdigest()


def make_sequences(rows: int, *, pairs: int, question: Place, seed: int) -> RecallSequences:
    """`rows` sequences of 2 to `pairs` pairs with different letters, and one question about a letter that was there."""
    random = np.random.default_rng(seed)
    counts = random.integers(LEAST_PAIRS, pairs + 1, rows)
    order = random.random((rows, len(LETTERS))).argsort(axis=1)[:, :pairs]  # different letters, in any order
    digits = random.integers(0, len(DIGITS), (rows, pairs))
    place = np.arange(pairs)
    there = place < counts[:, None]
    asked = (random.random(rows) * counts).astype(np.int64)
    every = np.arange(rows)
    letters, values = np.zeros((2, rows, pairs + 1), dtype=np.int64)
    shift = 1 if question == "first" else 0
    letters[:, shift : pairs + shift] = np.where(there, order + 1, PAD)
    values[:, shift : pairs + shift] = np.where(there, digits + 2, PAD)
    at = np.zeros(rows, dtype=np.int64) if shift else counts
    letters[every, at] = order[every, asked] + 1
    values[every, at] = QUESTION
    return RecallSequences(letters, values, digits[every, asked])


def parse_sequence(text: str, *, pairs: int) -> tuple[np.ndarray, np.ndarray]:
    """`a3 b7 a?` as letters and values (1, T).

    Raises:
        DataError: a word is neither a pair nor the one question, or there are too many.
    """
    words = [word for word in re.split(r"[\s,;]+", text.strip().lower()) if word]
    for word in words:
        if len(word) != 2 or word[0] not in LETTERS or word[1] not in DIGITS + "?":
            raise DataError(f"'{word[:20]}' is not understood: write a letter a-j and a digit, as in a3 b7 a?.")
    if sum(word[1] == "?" for word in words) != 1:
        raise DataError("there must be one question, a letter and a question mark: a3 b7 c1 b?.")
    if not 1 <= len(words) - 1 <= pairs:
        raise DataError(f"there are {len(words) - 1} pairs: this model reads 1 to {pairs}.")
    letters = np.array([[LETTERS.index(word[0]) + 1 for word in words]], dtype=np.int64)
    values = np.array([[QUESTION if word[1] == "?" else DIGITS.index(word[1]) + 2 for word in words]], dtype=np.int64)
    return letters, values


def format_sequence(letters: np.ndarray, values: np.ndarray) -> list[str]:
    """One sequence (T,) as it is written."""
    ends = ("", "?", *DIGITS)
    return [LETTERS[a - 1] + ends[b] for a, b in zip(letters.tolist(), values.tolist(), strict=True) if b != PAD]
