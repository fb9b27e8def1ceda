"""VUS-PR and range-based precision and recall: aeon's figures on the same data, and what must hold on any."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcore.core.errors import DataError
from dlcore.evaluation import volume


def seeded(seed: int, n: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Scores and labels; odd seeds have many ties."""
    rng = np.random.default_rng(seed)
    targets = np.zeros(n, int)
    for start in rng.integers(0, n, size=4):
        targets[start : start + int(rng.integers(1, 50))] = 1
    scores = rng.gamma(2.0, size=n) + 1.5 * targets
    return (np.round(scores, 1) if seed % 2 else scores), targets


# aeon 1.6.0 (numpy 2.3.5): range_pr_vus_score(targets, scores, max_buffer_size=longest); at scores > 3
# range_precision, range_recall, range_f_score(r_alpha=0) and range_recall(alpha=0.5), all with their other defaults.
AEON = [
    (2, 2, 0.3211269924733893, (0.1875, 0.10558143547273983, 0.13509227644669453, 0.5527907177363699)),
    (3, 5, 0.47927309257675205, (0.27546296296296297, 0.1421438651218063, 0.18752265346347477, 0.571071932560903)),
    (4, 20, 0.440435053833968, (0.26605504587155965, 0.35604453334949787, 0.30454109861713363, 0.678022266674749)),
    (5, 60, 0.39635729095230177, (0.19782608695652174, 0.07845395215661695, 0.1123514996685088, 0.5392269760783085)),
]


@pytest.mark.parametrize(("seed", "longest", "area", "ranged"), AEON)
def test_equals_what_aeon_computed(seed: int, longest: int, area: float, ranged: tuple[float, ...]) -> None:
    scores, targets = seeded(seed)
    assert volume.vus_pr(scores, targets, longest=longest) == pytest.approx(area, abs=1e-12)
    called = scores > 3
    result = [*volume.range_metrics(called, targets).values(), volume.range_recall(called, targets, existence=0.5)]
    assert result == pytest.approx(ranged, abs=1e-12)


def test_equals_aeon_where_it_is_installed() -> None:
    reason = "aeon is not installed: it holds back numpy and pandas; its figures stand in AEON above"
    aeon = pytest.importorskip("aeon.benchmarking.metrics.anomaly_detection", reason=reason)
    for seed in range(20):
        scores, targets = seeded(seed, n=400)
        expected = aeon.range_pr_vus_score(targets, scores, max_buffer_size=3 * seed)
        assert volume.vus_pr(scores, targets, longest=3 * seed) == pytest.approx(expected, abs=1e-12)
        called = scores > 3
        assert volume.range_precision(called, targets) == pytest.approx(
            aeon.range_precision(targets, called.astype(int))
        )
        assert volume.range_recall(called, targets) == pytest.approx(aeon.range_recall(targets, called.astype(int)))


def test_an_oracle_wins_and_chance_gets_the_labeled_share() -> None:
    targets = np.zeros(4000, int)
    targets[500:700] = targets[2500:2700] = 1
    assert volume.vus_pr(targets + 0.0, targets, longest=0) == pytest.approx(1.0, abs=0.02)
    chance = np.mean([volume.vus_pr(np.random.default_rng(seed).random(4000), targets) for seed in range(5)])
    assert chance == pytest.approx(0.1, abs=0.06)


def test_the_longest_buffer_is_the_median_window_unless_given() -> None:
    scores, targets = seeded(4)
    windows = volume.true_ranges(targets.astype(bool))
    median = int(np.median(windows[:, 1] - windows[:, 0]))
    assert volume.vus_pr(scores, targets) == volume.vus_pr(scores, targets, longest=median)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_only_the_order_of_scores_matters(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, targets = rng.random(200), (np.arange(200) // 25 % 3 == 1).astype(int)
    vus_pr = volume.vus_pr(scores, targets, longest=12)
    assert 0 <= vus_pr <= 1
    assert volume.vus_pr(np.exp(3 * scores), targets, longest=12) == vus_pr


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(0, 1000))
def test_range_based_measures_stay_between_0_and_1(targets: list[bool], seed: int) -> None:
    true = np.array(targets)
    called = np.random.default_rng(seed).random(len(true)) < 0.4
    assert 0 <= volume.range_precision(called, true) <= 1
    range_metrics = volume.range_metrics(called, true)
    assert bool(range_metrics) == true.any()
    assert all(0 <= value <= 1 for value in range_metrics.values())
    if true.any():
        assert volume.range_metrics(true, true) == pytest.approx(dict.fromkeys(range_metrics, 1.0))


def test_ten_thousand_points_take_less_than_a_second() -> None:
    targets = np.zeros(10_320, int)
    for start in (5839, 7080, 8423, 8731, 9977):
        targets[start : start + 207] = 1
    began = time.perf_counter()
    volume.vus_pr(np.random.default_rng(0).random(10_320), targets)
    assert time.perf_counter() - began < 1


def test_of_many_buffers_some_give_the_same_volume(monkeypatch: pytest.MonkeyPatch) -> None:
    targets = np.zeros(6_000, int)
    targets[1000:1900] = targets[4000:4700] = 1
    scores = np.random.default_rng(0).gamma(2.0, size=6_000) + targets
    sampled = volume.vus_pr(scores, targets)
    monkeypatch.setattr(volume, "MOST_BUFFERS", 10**6)
    assert sampled == pytest.approx(volume.vus_pr(scores, targets), abs=1e-3)


def test_one_kind_of_point_alone_is_refused() -> None:
    for targets in (np.zeros(5), np.ones(5), np.zeros(4)):
        with pytest.raises(DataError, match="both labeled and unlabeled"):
            volume.vus_pr(np.arange(5.0), targets)
