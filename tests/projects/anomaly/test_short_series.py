"""Series whose training part is shorter than a day or a week: no calendar features, and calm test parts."""

import numpy as np
import pandas as pd
import pytest

from dlcore import projects, runs
from dlcore.data.custom.series import IMPORTER
from dlcore.data.series.series import calendar, covered_cycles
from dlcore.projects.anomaly import alarm, project

pytestmark = pytest.mark.usefixtures("home")
STEPS = {"10ms": (), "1s": (), "1min": (), "5min": ("day",), "1h": ("day", "week")}
"""Step of 2,000 points, and the cycles that the training half covers."""


def machine_csv(step="1s", *, is_labeled=True) -> bytes:
    """2,000 points of a sine with a period of 50 steps and noise; it stands still from point 1,600 on for 50 steps."""
    points = np.arange(2000)
    values = np.sin(2 * np.pi * points / 50) + np.random.default_rng(0).normal(0, 0.05, 2000)
    values[1600:1650] = 0.0
    times = pd.date_range("2021-01-04", periods=2000, freq=step).strftime("%Y-%m-%d %H:%M:%S.%f")
    table = pd.DataFrame({"time": times, "value": values.round(4)})
    if is_labeled:
        table["label"] = ((points >= 1600) & (points < 1650)).astype(int)
    return table.to_csv(index=False).encode()


def train(tmp_path, model, step, **options):
    payload = machine_csv(step, **options)
    entry = IMPORTER.find_or_save(tmp_path / f"machine-{step}.csv", payload)
    config = projects.configure(
        "anomaly", model=model, dataset=entry.dataset, preset="quick", device="cpu", settings={"epochs": 2}
    )
    metrics = runs.train_here(config, tmp_path / "bundle").metrics
    return metrics, runs.Bundle(tmp_path / "bundle")


@pytest.mark.parametrize("model", ["dense_32", "lstm"])
@pytest.mark.parametrize("step", STEPS)
def test_a_calm_test_part_is_calm(step, model, tmp_path):
    metrics, bundle = train(tmp_path, model, step)
    share = float((bundle.predictions()["test_scores"] > metrics["threshold"]).mean())
    assert share < 0.05  # it was 98 % with the time of day as input
    assert metrics["events_hit"] <= 1 and "alarm_share" not in metrics
    assert bundle.preprocessing["cycles"] == list(STEPS[step])
    assert bundle.facts["features"] == 1 + 2 * len(STEPS[step])
    assert ("are not inputs" in bundle.evaluation.verdict) == (not STEPS[step])
    assert ("day of the week is not an input" in bundle.evaluation.verdict) == (STEPS[step] == ("day",))
    answer = projects.get("anomaly").answer(bundle.load(), machine_csv(step, is_labeled=False))
    assert answer["note"] == "" and answer["alarms"] < 200
    other = projects.get("anomaly").answer(bundle.load(), machine_csv("2h", is_labeled=False))
    assert other["note"].startswith("Scores are not meaningful: this file has a step of 2 hours")


def test_attribution_names_the_channels_that_the_model_has(tmp_path):
    _, bundle = train(tmp_path, "lstm", "1s")
    prepared = project.prepare(bundle.config)
    reconstruction = alarm.reconstruct(bundle.load().module, prepared, bundle.config, 1700)
    assert alarm.explain(bundle.load().module, prepared, bundle.config, reconstruction).channels == ("value",)


def test_names_of_baselines_come_from_the_period_and_a_series_without_labels_has_no_events(tmp_path):
    metrics, bundle = train(tmp_path, "dense_32", "1min", is_labeled=False)
    assert bundle.evaluation.season == "50 minutes"
    assert "Seasonal median (50 minutes)" in bundle.card and "Weekly" not in bundle.card
    assert not {"events_hit", "false_alarms"} & set(metrics) and metrics["alarms"] >= 0
    assert "no labels" in bundle.evaluation.verdict


def test_cycles_are_covered_from_one_repetition_on():
    hour = 3_600_000
    assert covered_cycles(np.arange(23) * hour) == ()
    assert covered_cycles(np.arange(24) * hour) == ("day",)
    assert covered_cycles(np.arange(7 * 24) * hour) == ("day", "week")
    times = np.arange(200) * hour
    assert calendar(times, ()).shape == (200, 0)
    np.testing.assert_array_equal(calendar(times, ("week",)), calendar(times)[:, 2:])
