"""Registry of metrics and baselines: every stored name has a row; formats and directions."""

import json
from pathlib import Path

import pytest

from dlcore.core import settings
from dlcore.evaluation import metrics
from dlcore.evaluation.metrics import BASELINES, METRICS

RUNS = sorted((settings.ASSETS / "runs").glob("*/*/run.json"))


@pytest.mark.parametrize("path", RUNS, ids=lambda path: "-".join(path.parts[-3:-1]))
def test_every_stored_metric_and_baseline_has_a_row(path: Path) -> None:
    evaluation = json.loads(path.read_text())["evaluation"]
    rows = [evaluation["metrics"], *evaluation["baselines"].values(), *evaluation.get("parts", {}).values()]
    names = {name.removesuffix("_low").removesuffix("_high") for row in rows for name in row}
    assert [name for name in sorted(names) if metrics.find_metric(name) is None] == []
    assert [name for name in evaluation["baselines"] if metrics.baseline_key(name) not in BASELINES] == []


def test_every_row_has_title_and_help() -> None:
    for row in (*METRICS.values(), *BASELINES.values()):
        assert row.title and row.help and not row.help.endswith(".")
    assert len({metric.title for metric in METRICS.values()}) == len(METRICS)


def test_direction_of_a_metric() -> None:
    assert metrics.is_better("accuracy", 0.9, 0.8) and not metrics.is_better("accuracy", 0.8, 0.8)
    assert metrics.is_better("mae", 0.1, 0.2) and metrics.is_better("false_alarms", 1, 2)


def test_families_are_found_by_their_beginning() -> None:
    assert metrics.metric_title("accuracy_centred") == "Accuracy (centered)"
    assert metrics.metric_title("r2_co_gt") == "R² (co gt)" and metrics.metric_title("r2_mean") == "R² (mean)"
    assert not metrics.is_better("mae_co_gt", 0.2, 0.1)
    assert metrics.find_metric("something_else") is None and metrics.metric_title("something_else") == "something else"


def test_value_with_interval() -> None:
    values = {"accuracy": 0.944, "accuracy_low": 0.936, "accuracy_high": 0.951, "loss": 0.3}
    assert metrics.format_with_interval(values, "accuracy") == "94.4 % [93.6, 95.1]"
    assert metrics.format_with_interval(values, "loss") == "0.300"
    assert metrics.format_with_interval(values, "f1") == "–"


def test_comparison_without_an_interval_is_exact() -> None:
    outcomes = [
        metrics.compare_with_best_baseline({"f1": 0.5}, {"random": {"f1": value}}, "f1").outcome
        for value in (0.4, 0.5, 0.6)
    ]
    assert outcomes == ["better", "tie", "worse"]
    assert metrics.compare_with_best_baseline({"f1": 0.5}, {}, "f1").outcome is None
    assert metrics.compare_with_best_baseline({}, {}, "f1") is None


def test_baselines_with_lookahead_do_not_compete() -> None:
    rows = {"weekly_median_centred": {"f1": 0.9}, "weekly_median_causal": {"f1": 0.1}}
    assert metrics.compare_with_best_baseline({"f1": 0.5}, rows, "f1").baseline == "weekly_median_causal"
