"""Several seeds against several seeds: one recipe against itself is no difference, a better one is found."""

import numpy as np
import pytest

from dlcore.core.errors import DataError
from dlcore.evaluation import seeds, uncertainty


def sample_runs(
    n: int, accuracy: float, *, runs: int, generator: np.random.Generator, hard: np.ndarray
) -> list[np.ndarray]:
    """Runs of one recipe on samples of given hardness (n,): its level moves a little with the seed."""
    levels = np.clip(accuracy + generator.normal(0, 0.004, runs), 0, 1)
    return [generator.random(n) < np.clip(level + (0.5 - hard) * 0.3, 0, 1) for level in levels]


def test_a_model_against_the_very_same_runs_is_no_difference():
    rng = np.random.default_rng(0)
    runs = sample_runs(4000, 0.9, runs=3, generator=rng, hard=rng.random(4000))
    gap = seeds.compare_on_same_samples(runs, runs)
    assert gap.verdict == "no difference" and gap.value == 0 and gap.low < 0 < gap.high


def test_a_model_against_itself_with_other_seeds_is_hardly_ever_a_difference():
    called = 0
    for trial in range(300):
        rng = np.random.default_rng(trial)
        hard = rng.random(1500)
        first, second = (sample_runs(1500, 0.85, runs=3, generator=rng, hard=hard) for _ in range(2))
        called += seeds.compare_on_same_samples(first, second).verdict != "no difference"
    assert called <= 0.05 * 300


def test_a_better_model_is_found_and_named_on_either_side():
    rng = np.random.default_rng(1)
    hard = rng.random(4000)
    good, bad = (sample_runs(4000, level, runs=3, generator=rng, hard=hard) for level in (0.92, 0.85))
    gap, mirrored = seeds.compare_on_same_samples(good, bad), seeds.compare_on_same_samples(bad, good)
    assert gap.verdict == "first" and mirrored.verdict == "second"
    assert gap.low > 0 and gap.value == pytest.approx(-mirrored.value) and gap.p_value < 0.01
    assert gap.seeds == (3, 3)


def test_spread_over_seeds_widens_the_interval():
    """Two seeds that disagree by five points each cannot tell recipes three points apart, however many samples."""
    n = 20_000
    at = lambda level: np.arange(n) < level * n  # noqa: E731
    gap = seeds.compare_on_same_samples([at(0.90), at(0.95)], [at(0.87), at(0.92)])
    assert gap.value == pytest.approx(0.03) and gap.verdict == "no difference" and gap.high - gap.low > 0.1


def test_one_seed_each_is_mcnemar():
    rng = np.random.default_rng(2)
    first, second = (rng.random(500) < level for level in (0.9, 0.8))
    assert seeds.compare_on_same_samples([first], [second]).p_value == uncertainty.mcnemar(first, second)


def test_one_seed_against_several_borrows_their_spread():
    rng = np.random.default_rng(3)
    hard = rng.random(2000)
    runs = sample_runs(2000, 0.9, runs=4, generator=rng, hard=hard)
    assert seeds.compare_on_same_samples(runs[:1], runs[1:]).verdict == "no difference"


def test_p_values_of_many_pairs_are_corrected_in_order():
    gap = seeds.SeedDifference(0.1, 0.0, 0.2, 0.02, "first", (1, 1))
    pairs = {("a", "b"): gap, ("a", "c"): seeds.replace(gap, p_value=0.01), ("b", "c"): seeds.replace(gap, p_value=0.9)}
    holm_correction = seeds.holm_correction(pairs)
    assert [holm_correction[pair].p_value for pair in pairs] == pytest.approx([0.04, 0.03, 0.9])
    assert [holm_correction[pair].verdict for pair in pairs] == ["first", "first", "no difference"]


def test_shares_measured_apart():
    assert seeds.compare_shares([0.90, 0.91], [0.905, 0.9], n=2000).verdict == "no difference"
    assert seeds.compare_shares([0.95, 0.951, 0.949], [0.90, 0.901, 0.899], n=2000).verdict == "first"
    assert seeds.compare_shares([0.9], [0.8], n=50).verdict == "no difference"


def test_interval_of_one_run_is_wilsons_and_of_several_wider_with_their_spread():
    at = lambda level: np.arange(1000) < level * 1000  # noqa: E731
    assert seeds.interval([at(0.9)])[1:] == uncertainty.wilson(900, 1000)
    calm, wild = seeds.interval([at(0.9), at(0.9), at(0.9)]), seeds.interval([at(0.85), at(0.9), at(0.95)])
    assert calm[0] == pytest.approx(wild[0]) and wild[2] - wild[1] > 2 * (calm[2] - calm[1])


@pytest.mark.parametrize(
    ("first", "second"), [([], [np.ones(3)]), ([np.ones(3)], [np.ones(4)]), ([np.ones(0)], [np.ones(0)])]
)
def test_what_cannot_be_compared_is_refused(first, second):
    with pytest.raises(DataError):
        seeds.compare_on_same_samples(first, second)
