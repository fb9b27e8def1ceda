"""Sequence-to-sequence tasks: correct targets, disjoint splits, alphabets."""

import datetime

import numpy as np
import pytest

from dlcore.data.text import sequences
from dlcore.data.text.sequences import FORMS, Alphabet, SplitSizes

SIZES = SplitSizes(train=3000, validation=200, test=400, longest=8, each=5)
TASKS = ("dates_in_words", "reversing", "sorting")


@pytest.mark.parametrize("form", range(len(FORMS)))
def test_each_date_format_matches_its_example(form):
    assert sequences.format_date(datetime.date(2026, 9, 23), form) == FORMS[form]


@pytest.mark.parametrize(
    ("year", "words"),
    [
        (1900, "nineteen hundred"),
        (1905, "nineteen oh five"),
        (1911, "nineteen eleven"),
        (1984, "nineteen eighty-four"),
        (2000, "two thousand"),
        (2005, "two thousand and five"),
        (2012, "twenty twelve"),
        (2026, "twenty twenty-six"),
        (2090, "twenty ninety"),
        (2099, "twenty ninety-nine"),
    ],
)
def test_years_in_words(year, words):
    assert sequences.year_to_words(year) == words


def test_days_in_words():
    ordinals = [sequences.ordinal(day) for day in (1, 2, 3, 4, 5, 8, 9, 12, 13, 20, 21, 22, 30, 31)]
    assert ordinals == [
        "first",
        "second",
        "third",
        "fourth",
        "fifth",
        "eighth",
        "ninth",
        "twelfth",
        "thirteenth",
        "twentieth",
        "twenty-first",
        "twenty-second",
        "thirtieth",
        "thirty-first",
    ]
    endings = [
        sequences.format_date(datetime.date(2001, 3, day), 4).split()[1] for day in (1, 2, 3, 4, 11, 12, 13, 21, 22)
    ]
    assert endings == ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd"]


def test_no_two_days_have_the_same_text():
    days = [sequences.FIRST_DAY + datetime.timedelta(days=place) for place in range(73_049)]
    assert days[-1] == sequences.LAST_DAY
    for form in range(len(FORMS)):
        assert len({sequences.format_date(day, form) for day in days}) == len(days)


@pytest.mark.parametrize("task", TASKS)
def test_splits_are_disjoint_and_the_test_split_is_the_same_for_every_seed(task):
    parts, other = (sequences.make_splits(task, SIZES, seed=seed) for seed in (0, 1))
    assert [len(part) for part in (parts.train, parts.validation, parts.test)] == [3000, 200, 400]
    items = [
        set(part.targets if task == "dates_in_words" else part.sources)
        for part in (parts.train, parts.validation, parts.test)
    ]
    assert not items[0] & items[1] and not items[0] & items[2] and not items[1] & items[2]
    assert parts.test.sources == other.test.sources and parts.longer.sources == other.longer.sources
    assert parts.train.checksum != other.train.checksum
    assert parts.train.checksum == sequences.make_splits(task, SIZES, seed=0).train.checksum


@pytest.mark.parametrize("task", ["reversing", "sorting"])
def test_targets_are_correct_and_longer_items_are_longer(task):
    parts = sequences.make_splits(task, SIZES, seed=0)
    for part in (parts.train, parts.longer):
        for source, target in zip(part.sources, part.targets, strict=True):
            assert list(target) == (list(source)[::-1] if task == "reversing" else sorted(source))
    assert set(parts.train.kinds.tolist()) == set(range(2, 9))
    assert np.array_equal(np.bincount(parts.longer.kinds)[9:], np.full(8, 5))


def test_targets_are_iso_dates_and_all_formats_occur():
    parts = sequences.make_splits("dates_in_words", SIZES, seed=0)
    assert all(datetime.date.fromisoformat(target).isoformat() == target for target in parts.test.targets)
    assert set(parts.train.kinds.tolist()) == set(range(len(FORMS))) and not len(parts.longer)


def test_alphabet_round_trips():
    known = Alphabet.fit(["ba", "cab"])
    assert known.symbols == "abc" and len(known) == 7
    ids = known.encode(["cab", "ax"], length=5, ends=True)
    assert ids.tolist() == [[6, 4, 5, 3, 0], [4, 1, 3, 0, 0]]
    assert known.decode(ids[0]) == "cab" and known.decode(ids[1]) == "a\N{REPLACEMENT CHARACTER}"
    assert sequences.decoder_inputs(ids).tolist() == [[2, 6, 4, 5, 0], [2, 4, 1, 0, 0]]
    assert [known.name(number) for number in (3, 4)] == ["end", "a"] and Alphabet(" ").name(4) == "␣"
