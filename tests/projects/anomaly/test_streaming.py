"""Scores of a series that comes in parts, continued from a stored state, equal those of the whole."""

import json

import numpy as np
import pytest

from dlcore import projects, runs
from dlcore.projects.anomaly.streaming import StreamScorer
from dlcore.runs.inference import open_bundle

STEP_MS = 30 * 60_000


@pytest.mark.parametrize("smoothing_h", [0, 6])
@pytest.mark.parametrize("first", [10, 700])
def test_scores_continue_from_a_stored_state(smoothing_h: int, first: int) -> None:
    _, loaded = open_bundle(runs.open_run("reference:anomaly/conv").finished_bundle)
    assert projects.get(loaded.config.project).scorer is not None
    times = np.arange(1000) * STEP_MS
    values = np.random.default_rng(0).normal(12_000, 3_000, len(times))
    whole, before, after = (StreamScorer(loaded, STEP_MS) for _ in range(3))
    for scorer in (whole, before, after):
        scorer.smooth = max(1, smoothing_h * 2)
    expected = whole.score(times, values)
    scores = before.score(times[:first], values[:first])
    after.restore(json.loads(json.dumps(before.state())))
    np.testing.assert_allclose(np.r_[scores, after.score(times[first:], values[first:])], expected, rtol=1e-6)
    assert (expected > 0).mean() > 0.5
