"""Pairs of texts for sequence to sequence: letters to reverse, digits to sort, and days in words to write as ISO dates.

All three are synthetic: made here, from a seed. The test part is drawn first and is the same for every run; what is in
it, or in the validation part, never comes in training.
"""

import datetime
import hashlib
import json
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Task = Literal["dates_in_words", "reversing", "sorting"]
PAD, UNKNOWN, START, END = 0, 1, 2, 3
SPECIAL = 4
"""Numbers that are no symbol; symbols begin here."""
SHORTEST = 2
"""Symbols of the shortest item to reverse or to sort."""
TEST_SEED = 2**31
"""No run's seed reaches so far."""
FIRST_DAY, LAST_DAY = datetime.date(1900, 1, 1), datetime.date(2099, 12, 31)


@dataclass(frozen=True)
class SequencePairs:
    """N sources and what is to be written for each; `kinds` (N,) is the form of a date, or an item's length."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    kinds: np.ndarray

    def __len__(self) -> int:
        return len(self.sources)

    @property
    def checksum(self) -> str:
        """The sha256 of all texts."""
        return "sha256:" + hashlib.sha256(json.dumps([self.sources, self.targets]).encode()).hexdigest()


@dataclass(frozen=True)
class SequenceSplits:
    """Three parts that share no item (of dates: no day), and items longer than any of them (empty for dates)."""

    train: SequencePairs
    validation: SequencePairs
    test: SequencePairs
    longer: SequencePairs


@dataclass(frozen=True)
class SplitSizes:
    """How many items of each part; the `longest` item to reverse or sort; `each`: items of each length beyond it."""

    train: int
    validation: int
    test: int
    longest: int
    each: int


def make_splits(task: Task, sizes: SplitSizes, *, seed: int) -> SequenceSplits:
    """The parts of one task; training and validation follow from the seed, the test part does not."""
    return _dates(sizes, seed) if task == "dates_in_words" else _symbols(task, sizes, seed)


# --- symbols to reverse or to sort ------------------------------------------------------------------------------------

SYMBOLS = {"reversing": string.ascii_lowercase, "sorting": string.digits}
SOLVED: dict[str, Callable[[str], str]] = {
    "reversing": lambda item: item[::-1],
    "sorting": lambda item: "".join(sorted(item)),
}
"""The one line that solves a task; the network is shown examples instead."""


def _symbols(task: Task, sizes: SplitSizes, seed: int) -> SequenceSplits:
    fixed, own = np.random.default_rng(TEST_SEED), np.random.default_rng(seed)
    span = (SHORTEST, sizes.longest)
    test = _drawn(task, sizes.test, span, fixed, without=set())
    validation = _drawn(task, sizes.validation, span, own, without=set(test))
    train = _drawn(task, sizes.train, span, own, without={*test, *validation})
    longer = [
        item
        for length in range(sizes.longest + 1, 2 * sizes.longest + 1)
        for item in _drawn(task, sizes.each, (length, length), fixed, without=set())
    ]
    return SequenceSplits(*(_solved(task, part) for part in (train, validation, test, longer)))


def _drawn(
    task: Task, rows: int, span: tuple[int, int], random: np.random.Generator, *, without: set[str]
) -> list[str]:
    """Items of any length of the span, each as likely; one that is to be left out is drawn anew."""
    symbols, found = np.array(list(SYMBOLS[task])), list[str]()
    while len(found) < rows:
        item = "".join(random.choice(symbols, random.integers(span[0], span[1] + 1)))
        if item not in without:
            found.append(item)
    return found


def _solved(task: Task, items: Sequence[str]) -> SequencePairs:
    lengths = np.array([len(item) for item in items], dtype=np.int64)
    return SequencePairs(tuple(items), tuple(SOLVED[task](item) for item in items), lengths)


# --- dates ------------------------------------------------------------------------------------------------------------

_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ONES = (
    "",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
    "twenty": "twentieth",
    "thirty": "thirtieth",
}

FORMS = (
    "23 september 2026",
    "september 23, 2026",
    "wed 23 sep 2026",
    "wednesday, september 23rd, 2026",
    "the 23rd of september 2026",
    "the twenty-third of september 2026",
    "september the twenty-third, twenty twenty-six",
    "23.9.2026",
)
"""The ways in which a day is written, by the example of one."""


def format_date(day: datetime.date, form: int) -> str:
    """A day as the form of that number writes it, in small letters."""
    n, month, year, weekday = day.day, _MONTHS[day.month - 1], day.year, _DAYS[day.weekday()]
    ending = "th" if 11 <= n <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return (
        f"{n} {month} {year}",
        f"{month} {n}, {year}",
        f"{weekday[:3]} {n} {month[:3]} {year}",
        f"{weekday}, {month} {n}{ending}, {year}",
        f"the {n}{ending} of {month} {year}",
        f"the {ordinal(n)} of {month} {year}",
        f"{month} the {ordinal(n)}, {year_to_words(year)}",
        f"{n}.{day.month}.{year}",
    )[form]


def number_to_words(number: int) -> str:
    """1 to 99 in words."""
    if number < len(_ONES):
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return f"{_TENS[tens]}-{_ONES[ones]}" if ones else _TENS[tens]


def ordinal(number: int) -> str:
    """1 to 99 as an ordinal in words: twenty-third."""
    before, dash, last = number_to_words(number).rpartition("-")
    return f"{before}{dash}{_ORDINALS.get(last, last + 'th')}"


def year_to_words(year: int) -> str:
    """1900 to 2099 as they are said: nineteen eighty-four, two thousand and five, twenty twenty-six."""
    century, rest = divmod(year, 100)
    if century == 20 and rest < 10:
        return f"two thousand and {number_to_words(rest)}" if rest else "two thousand"
    said = number_to_words(century)
    if rest == 0:
        return f"{said} hundred"
    return f"{said} oh {number_to_words(rest)}" if rest < 10 else f"{said} {number_to_words(rest)}"


def _dates(sizes: SplitSizes, seed: int) -> SequenceSplits:
    """Days of two centuries: those of the test part and of the validation part come in no form in training."""
    count = (LAST_DAY - FIRST_DAY).days + 1
    fixed, own = np.random.default_rng(TEST_SEED), np.random.default_rng(seed)
    days = fixed.permutation(count)
    test, rest = days[: sizes.test], own.permutation(days[sizes.test :])
    validation, left = rest[: sizes.validation], rest[sizes.validation :]
    train = own.choice(left, sizes.train)
    return SequenceSplits(
        _day_pairs(train, own), _day_pairs(validation, own), _day_pairs(test, fixed), _day_pairs(test[:0], own)
    )


def _day_pairs(places: np.ndarray, random: np.random.Generator) -> SequencePairs:
    forms = random.integers(0, len(FORMS), len(places))
    days = [FIRST_DAY + datetime.timedelta(days=int(place)) for place in places]
    sources = tuple(format_date(day, int(form)) for day, form in zip(days, forms, strict=True))
    return SequencePairs(sources, tuple(day.isoformat() for day in days), forms)


# --- symbols as numbers -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Alphabet:
    """The symbols of one side. Numbers: 0 nothing, 1 a symbol not known, 2 start, 3 end, then the symbols in order."""

    symbols: str

    @classmethod
    def fit(cls, texts: Sequence[str]) -> "Alphabet":
        """Every symbol that comes in the texts."""
        return cls("".join(sorted(set("".join(texts)))))

    def __len__(self) -> int:
        return SPECIAL + len(self.symbols)

    def encode(self, texts: Sequence[str], *, length: int, ends: bool = False) -> np.ndarray:
        """Texts as numbers (N, length) int64, cut there; with `ends` the end is written where there is room."""
        known = {symbol: SPECIAL + place for place, symbol in enumerate(self.symbols)}
        found = np.zeros((len(texts), length), dtype=np.int64)
        for row, text in enumerate(texts):
            numbers = [known.get(symbol, UNKNOWN) for symbol in text] + ([END] if ends else [])
            found[row, : len(numbers)] = numbers[:length]
        return found

    def decode(self, ids: Sequence[int]) -> str:
        """Numbers as a text, up to the end; what is no symbol shows as the sign of an unknown one."""
        out = []
        for number in ids:
            if number in (PAD, END):
                break
            out.append(self.symbols[number - SPECIAL] if number >= SPECIAL else "\N{REPLACEMENT CHARACTER}")
        return "".join(out)

    def name(self, number: int) -> str:
        """One number as a person reads it."""
        special: dict[int, str] = {PAD: "nothing", UNKNOWN: "unknown", START: "start", END: "end"}
        return special[number] if number < SPECIAL else self.symbols[number - SPECIAL].replace(" ", "␣")


def decoder_inputs(targets: np.ndarray) -> np.ndarray:
    """What the decoder is given (N, L) to write the targets (N, L): the start, and each target but the last."""
    shifted: np.ndarray = np.concatenate([np.full((len(targets), 1), START, dtype=np.int64), targets[:, :-1]], axis=1)
    shifted[shifted == END] = PAD  # after the end nothing is asked
    return shifted


def as_preprocessing(source: Alphabet, target: Alphabet, **more: Any) -> dict[str, Any]:
    """Both alphabets, JSON-able."""
    return {"source_symbols": source.symbols, "target_symbols": target.symbols, **more}
