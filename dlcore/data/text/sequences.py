"""Synthetic sequence-to-sequence tasks: reverse letters, sort digits, and convert dates in words to ISO dates.

The test split is generated first and is the same for every run; its items and those of validation
are never in training.
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
"""The number of special ids; symbols begin here."""
MIN_LENGTH = 2
"""Symbols of the shortest item to reverse or sort."""
TEST_SEED = 2**31
"""Larger than any run's seed."""
FIRST_DAY, LAST_DAY = datetime.date(1900, 1, 1), datetime.date(2099, 12, 31)


@dataclass(frozen=True)
class SequencePairs:
    """N sources with their targets; `kinds` (N,) is the format of a date, or the length of an item."""

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
    """Three disjoint splits (dates: disjoint days), and items longer than all of them (empty for dates)."""

    train: SequencePairs
    validation: SequencePairs
    test: SequencePairs
    longer: SequencePairs


@dataclass(frozen=True)
class SplitSizes:
    """Items per split; `longest`: maximum length to reverse or sort; `each`: items of each greater length."""

    train: int
    validation: int
    test: int
    longest: int
    each: int


def make_splits(task: Task, sizes: SplitSizes, *, seed: int) -> SequenceSplits:
    """Generate the splits of a task; the seed affects training and validation only."""
    return _dates(sizes, seed) if task == "dates_in_words" else _symbols(task, sizes, seed)


# --- symbols to reverse or to sort ------------------------------------------------------------------------------------

SYMBOLS = {"reversing": string.ascii_lowercase, "sorting": string.digits}
SOLVED: dict[str, Callable[[str], str]] = {
    "reversing": lambda item: item[::-1],
    "sorting": lambda item: "".join(sorted(item)),
}
"""The program that solves a task; networks learn it from examples."""


def _symbols(task: Task, sizes: SplitSizes, seed: int) -> SequenceSplits:
    fixed, seeded = np.random.default_rng(TEST_SEED), np.random.default_rng(seed)
    span = (MIN_LENGTH, sizes.longest)
    test = _sample_items(task, sizes.test, span, fixed, without=set())
    validation = _sample_items(task, sizes.validation, span, seeded, without=set(test))
    train = _sample_items(task, sizes.train, span, seeded, without={*test, *validation})
    longer = [
        item
        for length in range(sizes.longest + 1, 2 * sizes.longest + 1)
        for item in _sample_items(task, sizes.each, (length, length), fixed, without=set())
    ]
    return SequenceSplits(*(_solve(task, part) for part in (train, validation, test, longer)))


def _sample_items(
    task: Task, rows: int, span: tuple[int, int], random: np.random.Generator, *, without: set[str]
) -> list[str]:
    """Sample items with uniform length within the span, none of `without`."""
    symbols, items = np.array(list(SYMBOLS[task])), list[str]()
    while len(items) < rows:
        item = "".join(random.choice(symbols, random.integers(span[0], span[1] + 1)))
        if item not in without:
            items.append(item)
    return items


def _solve(task: Task, items: Sequence[str]) -> SequencePairs:
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
"""Date formats, by example."""


def format_date(day: datetime.date, form: int) -> str:
    """Format a date in one of the formats, in lowercase."""
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


def reads_back(source: str, answer: str) -> bool:
    """Return whether a day (2026-09-23) in a known format, or in digits from day or year on, is the source.

    False for impossible dates, wrong weekdays and formats that are not known: nothing says what they mean.
    """
    try:
        day = datetime.date.fromisoformat(answer)
    except ValueError:
        return False
    digits = (
        f"{day.day:02}.{day.month:02}.{day.year}",
        day.isoformat(),
        f"{day.day}-{day.month}-{day.year}",
        f"{day.day:02}-{day.month:02}-{day.year}",
    )
    known = (*(format_date(day, form) for form in range(len(FORMS))), *digits)
    return " ".join(source.lower().split()) in known


def number_to_words(number: int) -> str:
    """Convert 1 to 99 to words."""
    if number < len(_ONES):
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return f"{_TENS[tens]}-{_ONES[ones]}" if ones else _TENS[tens]


def ordinal(number: int) -> str:
    """Convert 1 to 99 to an ordinal in words: twenty-third."""
    before, dash, last = number_to_words(number).rpartition("-")
    return f"{before}{dash}{_ORDINALS.get(last, last + 'th')}"


def year_to_words(year: int) -> str:
    """Convert 1900 to 2099 to words: nineteen eighty-four, two thousand and five, twenty twenty-six."""
    century, remainder = divmod(year, 100)
    if century == 20 and remainder < 10:
        return f"two thousand and {number_to_words(remainder)}" if remainder else "two thousand"
    words = number_to_words(century)
    if remainder == 0:
        return f"{words} hundred"
    return f"{words} oh {number_to_words(remainder)}" if remainder < 10 else f"{words} {number_to_words(remainder)}"


def _dates(sizes: SplitSizes, seed: int) -> SequenceSplits:
    """Generate dates of two centuries; days of validation and test do not occur in training in any format."""
    count = (LAST_DAY - FIRST_DAY).days + 1
    fixed, seeded = np.random.default_rng(TEST_SEED), np.random.default_rng(seed)
    days = fixed.permutation(count)
    test, other = days[: sizes.test], seeded.permutation(days[sizes.test :])
    validation, remaining = other[: sizes.validation], other[sizes.validation :]
    train = seeded.choice(remaining, sizes.train)
    return SequenceSplits(
        _day_pairs(train, seeded), _day_pairs(validation, seeded), _day_pairs(test, fixed), _day_pairs(test[:0], seeded)
    )


def _day_pairs(offsets: np.ndarray, random: np.random.Generator) -> SequencePairs:
    forms = random.integers(0, len(FORMS), len(offsets))
    days = [FIRST_DAY + datetime.timedelta(days=int(offset)) for offset in offsets]
    sources = tuple(format_date(day, int(form)) for day, form in zip(days, forms, strict=True))
    return SequencePairs(sources, tuple(day.isoformat() for day in days), forms)


# --- symbols as numbers -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Alphabet:
    """The symbols of one side. Ids: 0 padding, 1 unknown, 2 start, 3 end, then the symbols in order."""

    symbols: str

    @classmethod
    def fit(cls, texts: Sequence[str]) -> "Alphabet":
        """Collect all symbols of the texts."""
        return cls("".join(sorted(set("".join(texts)))))

    def __len__(self) -> int:
        return SPECIAL + len(self.symbols)

    def encode(self, texts: Sequence[str], *, length: int, ends: bool = False) -> np.ndarray:
        """Encode texts to ids (N, length) int64, truncated; `ends` appends the end symbol if it fits."""
        known = {symbol: SPECIAL + k for k, symbol in enumerate(self.symbols)}
        ids = np.zeros((len(texts), length), dtype=np.int64)
        for row, text in enumerate(texts):
            numbers = [known.get(symbol, UNKNOWN) for symbol in text] + ([END] if ends else [])
            ids[row, : len(numbers)] = numbers[:length]
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Decode ids up to the end symbol; special ids become the replacement character."""
        out = []
        for number in ids:
            if number in (PAD, END):
                break
            out.append(self.symbols[number - SPECIAL] if number >= SPECIAL else "\N{REPLACEMENT CHARACTER}")
        return "".join(out)

    def name(self, number: int) -> str:
        """Return the display name of an id."""
        special: dict[int, str] = {PAD: "nothing", UNKNOWN: "unknown", START: "start", END: "end"}
        return special[number] if number < SPECIAL else self.symbols[number - SPECIAL].replace(" ", "␣")


def decoder_inputs(targets: np.ndarray) -> np.ndarray:
    """Shift targets (N, L) right: the start symbol, then all targets but the last (teacher forcing)."""
    shifted: np.ndarray = np.concatenate([np.full((len(targets), 1), START, dtype=np.int64), targets[:, :-1]], axis=1)
    shifted[shifted == END] = PAD  # no prediction after the end
    return shifted


def as_preprocessing(source: Alphabet, target: Alphabet, **more: Any) -> dict[str, Any]:
    """Return both alphabets as JSON-serializable values."""
    return {"source_symbols": source.symbols, "target_symbols": target.symbols, **more}
