"""Comparison with the best baseline by confidence interval, and formatted metrics."""

import pytest

from dlcore.projects.project import Evaluation
from dlcore.ui.widgets import metric_table
from dlcore.ui.widgets.headline import NAMES


def evaluation(baseline: float, *, metric: str = "accuracy") -> Evaluation:
    metrics = {metric: 0.8, f"{metric}_low": 0.75, f"{metric}_high": 0.85}
    return Evaluation(metrics=metrics, baselines={"majority": {metric: 0.1}, "nearest_centroid": {metric: baseline}})


@pytest.mark.parametrize(
    ("baseline", "verdict"), [(0.9, "The simple method wins"), (0.84, "No clear difference"), (0.6, "The network wins")]
)
def test_confidence_interval_decides(baseline: float, verdict: str) -> None:
    assert verdict in metric_table.compare_with_baseline(evaluation(baseline), "accuracy")


@pytest.mark.parametrize(("baseline", "verdict"), [(0.6, "The simple method wins"), (0.9, "The network wins")])
def test_lower_loss_wins(baseline: float, verdict: str) -> None:
    result = Evaluation(metrics=evaluation(baseline, metric="loss").metrics, baselines={"majority": {"loss": baseline}})
    assert verdict in metric_table.compare_with_baseline(result, "loss")


def test_comparison_is_empty_without_a_baseline() -> None:
    assert metric_table.compare_with_baseline(Evaluation(metrics={"accuracy": 0.8}, baselines={}), "accuracy") == ""


def test_every_metric_has_a_name_and_every_baseline_an_explanation() -> None:
    assert set(metric_table.WORDS) <= set(NAMES)
    assert set(metric_table.BASELINES) == set(metric_table.METHODS)


def test_metrics_are_formatted() -> None:
    assert [
        metric_table.format_metric("accuracy", 0.8567),
        metric_table.format_metric("events_hit", 4.0),
        metric_table.format_metric("roc_auc", 0.98765),
    ] == [
        "85.7%",
        "4",
        "0.988",
    ]
