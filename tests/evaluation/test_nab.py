"""The NAB score: an oracle gets 100, silence 0, and a published figure for the taxi series comes out digit by digit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcore.core.errors import DataError
from dlcore.evaluation import nab

TAXI = np.array([[5839, 6046], [7080, 7287], [8423, 8630], [8731, 8938], [9977, 10184]])
N = 10_320


def alarms(*places: int) -> np.ndarray:
    called = np.zeros(N, bool)
    called[list(places)] = True
    return called


@pytest.mark.parametrize("profile", nab.PROFILES)
def test_an_oracle_gets_100_and_silence_0(profile: nab.Profile) -> None:
    assert nab.file_score(alarms(*TAXI[:, 0]), TAXI, profile=profile, start=5000) == pytest.approx(100)
    everything_labeled = np.zeros(N, bool)
    for start, stop in TAXI:
        everything_labeled[start:stop] = True
    assert nab.file_score(everything_labeled, TAXI, profile=profile) == pytest.approx(100)
    assert nab.file_score(alarms(), TAXI, profile=profile) == 0


def test_a_published_alarm_earns_what_was_published() -> None:
    """NAB's results/relativeEntropy/realKnownCause/relativeEntropy_nyc_taxi.csv: the alarm at 2014-11-27 23:30, index
    7199 in the Thanksgiving window, earns 0.79740775314 by the standard profile."""
    raw = nab.file_score(alarms(7199), TAXI) / 100 * 10 - 5
    assert raw == pytest.approx(0.79740775314 - 4, abs=1e-10)


def test_published_file_scores_are_of_the_right_order() -> None:
    """NAB publishes raw 3.8334 (relativeEntropy) and 3.7752 (ARTime) of at most 5 for this file, both with no window
    missed: normalized 88.3 and 87.8, between alarms in the middle of all windows and at three quarters of them."""
    middle, late = (nab.file_score(alarms(*(TAXI[:, 0] + place)), TAXI) for place in (103, 155))
    for published in (3.83335967699, 3.77521001372):
        normalized = 100 * (published + 5) / 10
        assert late < normalized < middle


def test_weights_match_manual_values() -> None:
    far = nab.file_score(alarms(100), TAXI)  # before the first window: the full cost
    assert far == pytest.approx(100 * -0.11 / 10)
    assert nab.file_score(alarms(100), TAXI, profile="low_fp") == pytest.approx(2 * far)
    assert nab.file_score(alarms(100), TAXI, start=101) == 0
    # One window of five caught at its start: 1 - 4 + 5 of 10; with misses at double weight 1 - 8 + 10 of 15.
    assert nab.file_score(alarms(5839), TAXI) == pytest.approx(20)
    assert nab.file_score(alarms(5839), TAXI, profile="low_fn") == pytest.approx(20)
    # One window length (206 points from its last) after a window: the scaled sigmoid at 1.
    after = nab.file_score(alarms(6045 + 206), TAXI)
    assert after == pytest.approx(100 * 0.11 * (2 / (1 + np.exp(5)) - 1) / 10)
    assert nab.profile_scores(alarms(5839), TAXI).keys() == {"nab_standard", "nab_low_fp", "nab_low_fn"}


def test_only_windows_after_the_start_count() -> None:
    assert nab.file_score(alarms(7080), TAXI[:2], start=7000) == pytest.approx(100)
    with pytest.raises(DataError, match="needs a labeled window"):
        nab.file_score(alarms(7080), TAXI[:2], start=7287)
    with pytest.raises(DataError, match="must be ordered"):
        nab.file_score(alarms(), TAXI[::-1])


def slowly(called: np.ndarray, windows: np.ndarray, start: int) -> float:
    """The standard profile, one point after the other, as the paper tells it."""
    total, position = 0.0, lambda y: -1.0 if y >= 3 else 2 / (1 + np.exp(5 * y)) - 1
    for begin, stop in windows:
        if stop <= start:
            continue
        hits = [i for i in range(max(begin, start), stop) if called[i]]
        total += position(-(stop - hits[0]) / (stop - begin)) / position(-1.0) if hits else -1.0
    for i in range(start, len(called)):
        if called[i] and not any(begin <= i < stop for begin, stop in windows):
            before = [(begin, stop) for begin, stop in windows if stop <= i]
            begin, stop = before[-1] if before else (0, 0)
            total += 0.11 * (position((i - stop + 1) / max(stop - begin - 1, 1)) if before else -1.0)
    count = sum(stop > start for _, stop in windows)
    return 100 * (total + count) / (2 * count)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_equals_the_slow_way(seed: int) -> None:
    rng = np.random.default_rng(seed)
    edges = np.sort(rng.choice(120, size=6, replace=False))
    windows = edges.reshape(3, 2)
    called, start = rng.random(120) < rng.choice([0.02, 0.2, 0.9]), int(rng.integers(0, windows[2, 1]))
    assert nab.file_score(called, windows, start=start) == pytest.approx(slowly(called, windows, start))


@given(st.integers(0, 10_000))
def test_an_alarm_more_outside_the_windows_never_helps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    called = rng.random(N) < 0.001
    outside = rng.choice(np.flatnonzero(~np.isin(np.arange(N), np.concatenate([np.arange(*w) for w in TAXI]))))
    more = called.copy()
    more[outside] = True
    for profile in nab.PROFILES:
        assert nab.file_score(more, TAXI, profile=profile) <= nab.file_score(called, TAXI, profile=profile)


def test_score_of_a_corpus_of_one_series_is_its_file_score() -> None:
    is_alarm, windows = np.zeros(100, bool), np.array([[40, 60]])
    is_alarm[[10, 45, 80]] = True
    for profile in nab.PROFILES:
        raw, count = nab.raw_score(is_alarm, windows, profile=profile, start=5)
        expected = nab.file_score(is_alarm, windows, profile=profile, start=5)
        assert nab.corpus_score(np.array(raw), count, profile=profile) == pytest.approx(expected)
    assert nab.raw_score(is_alarm, np.zeros((0, 2), int), start=20) == (pytest.approx(-0.22), 0)
