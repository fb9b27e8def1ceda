"""Score tables: the interval decides who wins, and the page head and the sentence agree."""

import pandas as pd
import pytest

from dlcore.evaluation.metrics import format_metric, summarize
from dlcore.projects.project import Evaluation
from dlcore.ui.widgets import metric_table


def evaluation(baseline: float, *, metric: str = "accuracy") -> Evaluation:
    metrics = {metric: 0.8, f"{metric}_low": 0.75, f"{metric}_high": 0.85}
    return Evaluation(metrics=metrics, baselines={"majority": {metric: 0.1}, "nearest_centroid": {metric: baseline}})


@pytest.mark.parametrize(
    ("baseline", "verdict", "note"),
    [
        (0.9, "The baseline wins", "better than this run"),
        (0.84, "Tie", "no clear difference"),
        (0.76, "Tie", "no clear difference"),
        (0.6, "The network wins", ""),
    ],
)
def test_page_head_and_sentence_agree_by_the_interval(baseline: float, verdict: str, note: str) -> None:
    result = evaluation(baseline)
    assert verdict in metric_table.compare_with_baseline(result, "accuracy")
    top = summarize(result.metrics, result.baselines)
    assert top is not None and top.note == note


@pytest.mark.parametrize(("baseline", "verdict"), [(0.6, "The baseline wins"), (0.9, "The network wins")])
def test_lower_loss_wins(baseline: float, verdict: str) -> None:
    result = Evaluation(metrics=evaluation(baseline, metric="loss").metrics, baselines={"majority": {"loss": baseline}})
    assert verdict in metric_table.compare_with_baseline(result, "loss")


def test_without_a_baseline_there_is_no_sentence() -> None:
    assert metric_table.compare_with_baseline(Evaluation(metrics={"accuracy": 0.8}, baselines={}), "accuracy") == ""


def test_table_has_a_row_per_method_and_intervals_in_brackets() -> None:
    table = metric_table.build_table(evaluation(0.6), title="Dense")
    expected = pd.DataFrame(
        {
            "Method": ["Dense", "Most frequent class", "Nearest class mean"],
            "Accuracy": ["80.0 % [75.0, 85.0]", "10.0 %", "60.0 %"],
        }
    )
    pd.testing.assert_frame_equal(table, expected)


def test_a_wide_table_keeps_the_intervals_of_its_first_metric() -> None:
    ends = {"f1": 0.7, "f1_low": 0.6, "f1_high": 0.8}
    result = Evaluation(metrics={**evaluation(0.6).metrics, **ends}, baselines={})
    full, narrow = (metric_table.build_table(result, title="Dense", intervals=n) for n in (None, 1))
    assert full["Accuracy"].tolist() == narrow["Accuracy"].tolist() == ["80.0 % [75.0, 85.0]"]
    assert full["F1"].tolist() == ["70.0 % [60.0, 80.0]"] and narrow["F1"].tolist() == ["70.0 %"]


def test_values_are_formatted_with_their_unit() -> None:
    values = [("accuracy", 0.8567), ("events_hit", 4.0), ("roc_auc", 0.98765), ("nab_standard", 71.23)]
    assert [format_metric(*pair) for pair in values] == ["85.7 %", "4", "0.988", "71.2"]
