"""Data sent to the threshold component; scopes of a run's splits; labels as CSV."""

import base64
import json

import numpy as np
import pytest

from dlcore import runs
from dlcore.evaluation import anomaly
from dlcore.projects.anomaly.project import thresholds
from dlcore.runs.views import threshold
from dlcore.runs.views.threshold import NamedWindow, Scope, SeriesAxis, ThresholdView, threshold_data
from dlcore.ui.pages.anomaly import threshold as series_threshold


def threshold_view(**changes) -> ThresholdView:
    scores = np.array([0.1, 0.2, 0.3, np.nan], np.float32)
    over = SeriesAxis(np.arange(4) * 1_800_000, scores, "rides", (NamedWindow(0, 1_800_000, "storm"),))
    return ThresholdView(
        **(
            {
                "scores": scores,
                "labels": np.array([0, 1, 0, 0]),
                "run_threshold": 0.25,
                "scopes": (Scope("all", 0, 4),),
                "series": over,
            }
            | changes
        )
    )


def test_scores_are_sent_with_their_dtype_and_nan_never_alarms():
    data = threshold_data(threshold_view(), threshold.ReleasedThreshold(0.25, None, ()))
    assert data["scores"]["type"] == "float32"
    back = np.frombuffer(base64.b64decode(data["scores"]["base64"]), "float32")
    assert back[:3].tolist() == threshold_view().scores[:3].tolist() and back[3] == -np.inf
    assert (
        threshold_data(threshold_view(scores=np.arange(4)), threshold.ReleasedThreshold(1, None, ()))["scores"]["type"]
        == "float64"
    )


def test_evenly_spaced_times_are_sent_as_start_and_step():
    start = threshold.ReleasedThreshold(0.25, None, ())
    data = threshold_data(threshold_view(), start)
    assert (data["times"], data["begin_ms"], data["step_ms"], data["gap"]) == (None, 0.0, 1_800_000.0, 1)
    gaps = threshold_data(threshold_view(series=SeriesAxis(np.array([0, 1, 2, 9]) * 1_800_000)), start)
    assert np.frombuffer(base64.b64decode(gaps["times"]["base64"])).tolist() == [0, 1.8e6, 3.6e6, 1.62e7]
    assert len(json.dumps(data)) < 3000


def test_float32_scores_are_compared_exactly():
    scores = np.array([0.1], np.float32)  # a little above a tenth
    assert anomaly.alarms(scores, 0.1).all() and not anomaly.alarms(scores, float(scores[0])).any()


def test_scopes_start_outside_training():
    def part(values: list[float], targets: list[int], begin: int) -> series_threshold.SplitScores:
        times = np.arange(begin, begin + len(values)) * 1_800_000
        return series_threshold.SplitScores(np.array(values, np.float32), np.array(targets), times)

    splits = {
        "train": part([1, 2, 3], [0, 0, 0], 0),
        "validation": part([1, 4], [0, 0], 3),
        "test": part([9, 1, 9], [0, 0, 1], 5),
    }
    view = series_threshold.make_view(splits, 4.0, axis=SeriesAxis(np.arange(8) * 1_800_000))
    assert [(scope.name, scope.start, scope.stop) for scope in view.scopes] == [
        ("all outside training", 3, 8),
        ("test", 5, 8),
        ("whole series", 0, 8),
    ]
    assert view.references == (("maximum of training", 3.0),)
    assert view.labels.tolist() == [0] * 7 + [1]


@pytest.mark.parametrize("model", ["calendar", "conv", "dense_32", "lstm"])
def test_rules_of_the_component_equal_the_table_of_rules(model):
    run = runs.open_run(f"reference:anomaly/{model}")
    splits = series_threshold.load_splits(run.finished_bundle)
    rules = series_threshold.rule_scores(splits, run.config)
    scores, times = (
        np.concatenate([getattr(splits[name], what) for name in ("train", "validation")])
        for what in ("errors", "times")
    )
    sent = np.concatenate([scores[start:stop] for start, stop in rules.ranges])
    table = thresholds(scores, times, (len(splits["train"].times), len(scores)), run.config)
    for rule in ("maximum", "quantile", "mean_std"):
        assert anomaly.threshold_of(sent, rule) == pytest.approx(table[rule])


def test_label_csv_has_start_and_end():
    assert series_threshold.label_csv((NamedWindow(0, 1_800_000),)).split() == [
        "start,end",
        "1970-01-01",
        "00:00:00,1970-01-01",
        "00:30:00",
    ]
