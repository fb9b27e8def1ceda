"""Who wins is said by the interval, and a baseline that wins is said to win."""

import pytest

from dlcore.projects.project import Evaluation
from dlcore.ui.widgets import metric_table
from dlcore.ui.widgets.headline import NAMES


def evaluation(rival: float, *, metric: str = "accuracy") -> Evaluation:
    metrics = {metric: 0.8, f"{metric}_low": 0.75, f"{metric}_high": 0.85}
    return Evaluation(metrics=metrics, baselines={"majority": {metric: 0.1}, "nearest_centroid": {metric: rival}})


@pytest.mark.parametrize(
    ("rival", "said"), [(0.9, "The simple method wins"), (0.84, "No clear difference"), (0.6, "The network wins")]
)
def test_the_interval_decides(rival: float, said: str) -> None:
    assert said in metric_table.compare_with_baseline(evaluation(rival), "accuracy")


@pytest.mark.parametrize(("rival", "said"), [(0.6, "The simple method wins"), (0.9, "The network wins")])
def test_a_lower_loss_wins(rival: float, said: str) -> None:
    result = Evaluation(metrics=evaluation(rival, metric="loss").metrics, baselines={"majority": {"loss": rival}})
    assert said in metric_table.compare_with_baseline(result, "loss")


def test_without_a_baseline_nobody_wins() -> None:
    assert metric_table.compare_with_baseline(Evaluation(metrics={"accuracy": 0.8}, baselines={}), "accuracy") == ""


def test_every_metric_shown_has_a_name_and_every_baseline_an_explanation() -> None:
    assert set(metric_table.WORDS) <= set(NAMES)
    assert set(metric_table.BASELINES) == set(metric_table.METHODS)


def test_values_are_read_as_people_read_them() -> None:
    assert [
        metric_table.format_metric("accuracy", 0.8567),
        metric_table.format_metric("events_hit", 4.0),
        metric_table.format_metric("roc_auc", 0.98765),
    ] == [
        "85.7%",
        "4",
        "0.988",
    ]
