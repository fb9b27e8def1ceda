"""Impossible dates and foreign formats: none is answered with confidence, unless the answer is correct."""

import datetime
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dlcore import runs
from dlcore.data.text import sequences
from dlcore.data.text.sequences import FORMS, format_date
from dlcore.inference import decode
from dlcore.projects.language import seq2seq

MONTHS = sequences._MONTHS


@pytest.fixture(scope="module")
def loaded():
    return runs.open_run("reference:seq2seq/transformer").finished_bundle.load()


def impossible(rng: np.random.Generator) -> list[str]:
    """Days that no month has, in every known format."""
    pairs = [(30, 2), (31, 2), (31, 4), (31, 6), (31, 9), (31, 11), (29, 2)]
    texts = []
    for _ in range(100):
        day, month = pairs[int(rng.integers(len(pairs)))]
        year = int(rng.integers(1901, 2099)) // 4 * 4 + 1  # no leap year
        weekday = int(rng.integers(7))
        fake = SimpleNamespace(day=day, month=month, year=year, weekday=lambda weekday=weekday: weekday)
        texts.append(format_date(fake, int(rng.integers(len(FORMS)))))
    return texts


def foreign(rng: np.random.Generator) -> list[tuple[str, str]]:
    """Other formats, wrong weekdays and no dates, with the day they mean; none for the last two."""
    cases = []
    for number in range(100):
        day = datetime.date(1950, 1, 1) + datetime.timedelta(int(rng.integers(50_000)))
        day = day.replace(day=max(13, day.day))  # month.day is not a valid day.month
        iso, month = day.isoformat(), MONTHS[day.month - 1]
        wrong = day + datetime.timedelta(days=1 + int(rng.integers(6)))
        cases.append(
            (
                (iso, iso),
                (f"{day.day:02}.{day.month:02}.{day.year}", iso),
                (f"{day.month}.{day.day}.{day.year}", iso),
                (f"{day.year}.{day.month}.{day.day}", iso),
                (f"{day.day}.{day.month}.{day.year % 100:02}", iso),
                (f"{day.day}{month[:3]}{day.year}", iso),
                (f"{day.year} {month} {day.day}", iso),
                (f"{month} {day.year}", ""),
                (f"{wrong.strftime('%a').lower()} {day.day} {month[:3]} {day.year}", ""),
                (f"{40 + day.day} {month} {day.year}", ""),
            )[number % 10]
        )
    return cases


def confidence_of(loaded, texts: list[str]) -> list[tuple[str, float, float]]:
    """Output, confidence and probability of the model for each text, decoded together."""
    source, target = seq2seq.alphabets(loaded.preprocessing)
    ids = torch.from_numpy(source.encode(texts, length=max(map(len, texts))))
    decoded = decode.decode(loaded.module, ids, length=int(loaded.facts["target_length"]))
    outputs = [target.decode(row.tolist()) for row in decoded.best]
    probabilities = decoded.scores[:, 0].exp().tolist()
    return [
        (output, seq2seq.limit_confidence(probability, seq2seq.verify(loaded, text, output)), probability)
        for text, output, probability in zip(texts, outputs, probabilities, strict=True)
    ]


def test_no_impossible_or_foreign_date_is_answered_with_confidence(loaded):
    rng = np.random.default_rng(0)
    cases = [(text, "") for text in impossible(rng)] + foreign(rng)
    assert len(cases) == 200
    results = confidence_of(loaded, [text for text, _ in cases])
    wrong = [(case, result) for case, result in zip(cases, results, strict=True) if result[0] != case[1]]
    assert [pair for pair in wrong if pair[1][1] > 0.5] == []
    assert sum(result[2] > 0.5 for _, result in wrong) > 100, "the model itself is confident"
    unverified = [(case, result) for case, result in zip(cases, results, strict=True) if result[1] < result[2]]
    assert np.mean([result[0] == case[1] for case, result in unverified]) <= seq2seq.UNVERIFIED


def test_valid_days_keep_their_confidence(loaded):
    parts = sequences.make_splits("dates_in_words", sequences.SplitSizes(300, 50, 200, 12, 1), seed=0)
    results = confidence_of(loaded, list(parts.test.sources))
    correct = np.array([result[0] == day for result, day in zip(results, parts.test.targets, strict=True)])
    assert correct.mean() >= 0.99
    assert [result for result, is_correct in zip(results, correct, strict=True) if is_correct and result[1] < 0.5] == []


def test_answer_says_that_a_date_is_not_verified(loaded):
    answer = seq2seq.answer(loaded, b"30 february 2026")
    assert answer["verified"] is False and answer["probability"] <= 0.1 < answer["model_probability"]
    assert seq2seq.answer(loaded, b"28  February 2026")["verified"] is True
    other = runs.open_run("reference:seq2seq/reversing").finished_bundle.load()
    assert seq2seq.answer(other, b"abc")["verified"] is None
