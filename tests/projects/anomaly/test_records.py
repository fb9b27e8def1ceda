"""Scores of the record rule: what is an alarm, ranks, and equality in parts."""

import numpy as np
import pytest

from dlcore.projects.anomaly.records import THRESHOLD, RecordRule, record_scores


def sizes(*parts: tuple[float, int]) -> np.ndarray:
    """Squared errors of sizes that last for some points each."""
    return np.concatenate([np.full(count, size**2) for size, count in parts])


def starts(errors: np.ndarray, *, reach: int = 20, largest: float = 1.0) -> list[int]:
    is_alarm = record_scores(errors, RecordRule(reach, 1.05), largest=largest) > THRESHOLD
    return np.flatnonzero(is_alarm & ~np.r_[False, is_alarm[:-1]]).tolist()


def test_level_shift_is_one_alarm_and_an_old_event_hides_no_later_one():
    assert starts(sizes((0.5, 30), (3.0, 100))) == [30]
    assert starts(sizes((0.5, 30), (9.0, 2), (0.5, 40), (2.0, 2))) == [30, 72]
    assert starts(sizes((0.5, 30), (9.0, 2), (0.5, 10), (2.0, 2))) == [30]  # within the recent past


def test_first_points_are_compared_with_the_largest_training_error():
    assert starts(sizes((0.1, 3), (0.9, 5), (1.0, 5))) == []
    assert starts(sizes((0.1, 3), (1.2, 5))) == [3]


def test_errors_close_to_zero_set_no_record():
    assert starts(sizes((0.0, 50), (1e-6, 3), (0.5, 3))) == [53]


def test_scores_keep_the_ranks_of_the_errors_on_either_side_of_the_threshold():
    errors = np.random.default_rng(0).exponential(size=500)
    scores = record_scores(errors, RecordRule(40, 1.05), largest=1.0).astype(np.float32)
    is_alarm = scores > THRESHOLD
    assert 0 < is_alarm.sum() < 50
    for side in (is_alarm, ~is_alarm):
        assert (np.argsort(scores[side], kind="stable") == np.argsort(errors[side], kind="stable")).all()


@pytest.mark.parametrize("first", [7, 40, 300])
def test_scores_of_parts_equal_those_of_the_whole(first: int):
    errors = np.random.default_rng(1).exponential(size=500)
    whole = record_scores(errors, RecordRule(40, 1.05), largest=2.0)
    later = record_scores(errors[first:], RecordRule(40, 1.05), largest=2.0, before=errors[:first])
    assert np.array_equal(np.r_[record_scores(errors[:first], RecordRule(40, 1.05), largest=2.0), later], whole)


def test_short_windows_and_short_series_need_a_larger_record():
    long = RecordRule.of(0.15, train_points=5000, window=200)
    assert long == RecordRule(750, 1.05)
    short = RecordRule.of(0.15, train_points=250, window=12)
    assert short.reach == 100 and 1.15 < short.ratio < 1.2
    assert RecordRule.of(0.15, train_points=12, window=8).reach == 12
