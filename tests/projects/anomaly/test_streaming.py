"""Scores of a series that comes in parts, continued from a stored state, equal those of the whole."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import dlcore
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


@pytest.mark.usefixtures("home")
def test_default_detector_in_parts_equals_the_whole_also_where_the_series_is_flat(tmp_path: Path) -> None:
    rng, at = np.random.default_rng(0), np.arange(900)
    values = np.where((at >= 700) & (at < 760), 0.4, rng.normal(0, 1, 900)) + np.where(at == 560, 15, 0)
    table = pd.DataFrame({"time": pd.date_range("2021-03-01", periods=900, freq="1min"), "value": values.round(4)})
    table.to_csv(tmp_path / "noise.csv", index=False)
    dlcore.add_data("noise", tmp_path / "noise.csv")
    config = projects.configure("anomaly", dataset="noise", preset="quick", device="cpu")
    runs.train_here(config, tmp_path / "bundle")
    loaded = runs.Bundle(tmp_path / "bundle").load()
    answer = projects.get("anomaly").answer(loaded, (tmp_path / "noise.csv").read_bytes())
    expected, times = np.array(answer["errors"]), np.array(answer["times"])
    assert (expected[705:760] > 1).any() and (expected[560:600] > 1).any()
    scorer, scores, place = StreamScorer(loaded, 60_000), [], 0
    while place < 900:
        part = slice(place, place + int(rng.integers(1, 60)))
        scores.append(scorer.score(times[part], table["value"].to_numpy()[part]))
        place = part.stop
        state = json.loads(json.dumps(scorer.state()))
        scorer = StreamScorer(loaded, 60_000)
        scorer.restore(state)
    np.testing.assert_allclose(np.concatenate(scores), expected, rtol=1e-6)
    assert np.array_equal(np.concatenate(scores) > 1, expected > 1)
