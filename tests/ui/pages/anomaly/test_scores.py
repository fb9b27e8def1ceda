"""Anomaly results: comparison by smoothing, seed table, sensitivity to the threshold."""

import numpy as np
import pytest

from dlcore.data.series.series import LabeledWindow, Series
from dlcore.evaluation.metrics import baseline_title, summarize
from dlcore.projects.project import Evaluation
from dlcore.ui.pages.anomaly import robustness, threshold_rules
from dlcore.ui.pages.anomaly import scores as series_scores
from dlcore.ui.pages.anomaly import seeds as series_seeds

HALF_HOUR = 1_800_000


def evaluation(nab: float, vus: float) -> Evaluation:
    baseline = {"nab_standard": 90.0, "vus_pr": 0.7, "false_alarms": 2.0, "false_alarms_plausible": 1.0}
    return Evaluation(
        metrics={"nab_standard": nab, "vus_pr": vus, "events_hit": 5.0, "nab_standard_centred": 99.0},
        baselines={
            "weekly_median_causal": baseline,
            "weekly_median_centred": {**baseline, "nab_standard": 97.0},
            "weekly_median_raw": {**baseline, "nab_standard": 80.0},
            "random": {"nab_standard": -1.0, "vus_pr": 0.1},
        },
        threshold=1.0,
        parts={
            "seed_1": {"nab_standard": 75.0, "vus_pr": 0.6, "events_hit": 4.0},
            "seed_2": {"nab_standard": 95.0, "vus_pr": 0.8, "events_hit": 5.0},
            "seeds_mean": {"nab_standard": 85.0, "vus_pr": 0.7, "events_hit": 4.5},
            "seeds_lowest": {"nab_standard": 75.0, "vus_pr": 0.6, "events_hit": 4.0},
            "seeds_highest": {"nab_standard": 95.0, "vus_pr": 0.8, "events_hit": 5.0},
        },
    )


@pytest.mark.parametrize(
    ("nab", "vus", "verdict"),
    [(95, 0.8, "the detector wins"), (95, 0.6, "no clear winner"), (90, 0.7, "the baselines win")],
)
def test_comparison_uses_both_metrics(nab: float, vus: float, verdict: str) -> None:
    text = series_scores.describe_comparison(evaluation(nab, vus), "causal", "causal")
    assert f"**{verdict}**" in text
    assert f"{nab:.1f} against 90.0 (Weekly median)" in text


def test_causal_and_centered_scores_are_separate() -> None:
    result = evaluation(95, 0.8)
    assert set(series_scores.select_baselines(result, "causal")) == {"weekly_median_causal", "random"}
    assert series_scores.select_metrics(result, "centred", "causal") == {"nab_standard": 99.0}
    assert "nab_standard_centred" not in series_scores.select_metrics(result, "causal", "causal")
    assert series_scores.select_metrics(result, "raw", "causal") == {}
    assert "99.0 against 97.0" in series_scores.describe_comparison(result, "centred", "causal")
    top = summarize(result.metrics, result.baselines)
    assert top is not None
    assert (top.metric, top.baseline, top.baseline_value) == ("nab_standard", "weekly_median_causal", 90.0)


def test_best_method_is_first_and_plausible_alarms_are_counted() -> None:
    result = evaluation(85, 0.8)
    methods = {"▶ This run": result.metrics} | series_scores.select_baselines(result, "causal")
    table = series_scores.metrics_table(methods, ["nab_standard", "events_hit", "false_alarms"], events=5)
    assert table["Method"].tolist() == ["weekly_median_causal", "▶ This run", "random"]
    assert table["Events hit"].tolist() == ["–", "5 of 5", "–"]
    assert table["False alarms"].tolist() == ["2 (1 plausible)", "–", "–"]


def test_baseline_title_has_method_and_smoothing() -> None:
    assert baseline_title("median_mad_centred") == "Weekly median, by its spread, centered"
    assert baseline_title("median_mad_centred", smoothing=False) == "Weekly median, by its spread"
    assert baseline_title("median_mad") == "Distance from the median"  # name in older runs
    assert baseline_title("something_new_raw", smoothing=False) == "Something new raw"


def test_seed_table_has_a_row_for_each_seed() -> None:
    table = series_seeds.seed_table(evaluation(93, 0.7), "")
    assert table["Model"].tolist() == ["Ensemble", "Seed 1", "Seed 2", "Mean of the seeds", "Range"]
    assert table["NAB score"].tolist() == ["93.0", "75.0", "95.0", "85.0", "75.0 to 95.0"]
    assert table["Events hit"].tolist() == ["5", "4", "5", "4.5", "4 to 5"]


def scored_series() -> tuple[series_scores.ScoredSeries, Series]:
    """Return 20 days of half-hours, 10 for training: an event, an unlabeled holiday, and a highest training score."""
    times = np.arange(20 * 48, dtype=np.int64) * HALF_HOUR
    scores, targets = np.zeros(len(times)), np.zeros(len(times), int)
    targets[600:640] = 1
    scores[610:615], scores[800], scores[100] = 1.1, 0.95, 1.0
    holiday = LabeledWindow(int(times[790]), int(times[810]), "Quiet Day")
    series = Series(
        times, scores, windows=(LabeledWindow(int(times[600]), int(times[639]), "storm"),), unlabeled=(holiday,)
    )
    return series_scores.ScoredSeries(scores, targets, times, (480, 560)), series


def test_sensitivity_names_lost_event_and_new_alarm() -> None:
    scored, series = scored_series()
    assert "20 %**, it misses an event (storm)" in robustness.describe_lost_event(scored, series, 1.0, 1.2)
    gained = robustness.describe_new_alarm(scored, series, 1.0, 0.9)
    assert "10 %**, it raises another false alarm (" in gained and "Quiet Day" in gained
    assert "double" in robustness.describe_lost_event(scored, series, 1.0, float("nan"))
    assert "halved" in robustness.describe_new_alarm(scored, None, 1.0, float("nan"))


def test_unlabeled_holidays_are_counted_separately() -> None:
    scored, series = scored_series()
    spans = np.array([[790, 811]])
    calm = robustness.describe_holidays(scored, series, 1.0, spans)
    assert "No false alarm after training is on such a day" in calm and "it sets the threshold" in calm
    loud = robustness.describe_holidays(scored, series, 0.9, spans)
    assert "**1 of 1 false alarms**" in loud and "Without them" in loud


def test_threshold_rules_use_no_test_score() -> None:
    """Every rule uses scores before the test split; the reference run's rule gives its threshold."""
    from dlcore import runs
    from dlcore.projects.anomaly.project import thresholds

    run = runs.open_run("reference:anomaly/calendar")
    bundle = run.finished_bundle
    stored = bundle.predictions()
    parts = ("train", "validation")
    scores, times = (np.concatenate([stored[f"{part}_{what}"] for part in parts]) for what in ("scores", "ids"))
    result = thresholds(scores, times, (len(stored["train_scores"]), len(scores)), run.config)
    assert set(result) == set(threshold_rules.RULES)
    assert result[run.config.flat["threshold_rule"]] == pytest.approx(bundle.threshold)
    assert len(set(result.values())) == len(result)
