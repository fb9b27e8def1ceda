"""The anomaly page's words: who wins at which smoothing, every seed in the table, what a moved threshold does."""

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
    rival = {"nab_standard": 90.0, "vus_pr": 0.7, "false_alarms": 2.0, "false_alarms_plausible": 1.0}
    return Evaluation(
        metrics={"nab_standard": nab, "vus_pr": vus, "events_hit": 5.0, "nab_standard_centred": 99.0},
        baselines={
            "weekly_median_causal": rival,
            "weekly_median_centred": {**rival, "nab_standard": 97.0},
            "weekly_median_raw": {**rival, "nab_standard": 80.0},
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
    ("nab", "vus", "said"),
    [(95, 0.8, "the network wins"), (95, 0.6, "no clear winner"), (90, 0.7, "the baselines win")],
)
def test_who_wins_is_said_by_both_measures(nab: float, vus: float, said: str) -> None:
    words = series_scores.duel(evaluation(nab, vus), "causal", "causal")
    assert f"**{said}**" in words
    assert f"{nab:.1f} against 90.0 (Weekly median)" in words


def test_causal_and_centred_scores_never_meet() -> None:
    found = evaluation(95, 0.8)
    assert set(series_scores.rivals_of(found, "causal")) == {"weekly_median_causal", "random"}
    assert series_scores.own_metrics(found, "centred", "causal") == {"nab_standard": 99.0}
    assert "nab_standard_centred" not in series_scores.own_metrics(found, "causal", "causal")
    assert series_scores.own_metrics(found, "raw", "causal") == {}
    assert "99.0 against 97.0" in series_scores.duel(found, "centred", "causal")
    top = summarize(found.metrics, found.baselines)
    assert top is not None
    assert (top.metric, top.baseline, top.baseline_value) == ("nab_standard", "weekly_median_causal", 90.0)


def test_the_best_method_stands_first_and_plausible_alarms_are_told() -> None:
    found = evaluation(85, 0.8)
    methods = {"▶ This run": found.metrics} | series_scores.rivals_of(found, "causal")
    table = series_scores.table_of(methods, ["nab_standard", "events_hit", "false_alarms"], events=5)
    assert table["Method"].tolist() == ["weekly_median_causal", "▶ This run", "random"]
    assert table["Events hit"].tolist() == ["–", "5 of 5", "–"]
    assert table["False alarms"].tolist() == ["2 (1 plausible)", "–", "–"]


def test_names_of_baselines_tell_method_and_form() -> None:
    assert baseline_title("median_mad_centred") == "Weekly median, by its spread, centred"
    assert baseline_title("median_mad_centred", smoothing=False) == "Weekly median, by its spread"
    assert baseline_title("median_mad") == "Distance from the median"  # what older runs call so
    assert baseline_title("something_new_raw", smoothing=False) == "Something new raw"


def test_no_seed_is_hidden_in_a_mean() -> None:
    table = series_seeds.seed_table(evaluation(93, 0.7), "")
    assert table["Which"].tolist() == ["Ensemble", "Seed 1", "Seed 2", "Mean of the seeds", "Range"]
    assert table["NAB score"].tolist() == ["93.0", "75.0", "95.0", "85.0", "75.0 to 95.0"]
    assert table["Events hit"].tolist() == ["5", "4", "5", "4.5", "4 to 5"]


def joined() -> tuple[series_scores.Whole, Series]:
    """Twenty days of half-hours: trained on ten; an event, an unlabelled holiday, and a highest training score."""
    times = np.arange(20 * 48, dtype=np.int64) * HALF_HOUR
    scores, targets = np.zeros(len(times)), np.zeros(len(times), int)
    targets[600:640] = 1
    scores[610:615], scores[800], scores[100] = 1.1, 0.95, 1.0
    holiday = LabeledWindow(int(times[790]), int(times[810]), "Quiet Day")
    series = Series(
        times, scores, windows=(LabeledWindow(int(times[600]), int(times[639]), "storm"),), unlabelled=(holiday,)
    )
    return series_scores.Whole(scores, targets, times, (480, 560)), series


def test_a_moved_threshold_is_told_by_event_and_by_day() -> None:
    whole, series = joined()
    assert "20%**, it misses an event (storm)" in robustness.lost_words(whole, series, 1.0, 1.2)
    gained = robustness.gained_words(whole, series, 1.0, 0.9)
    assert "10%**, it raises another false alarm (" in gained and "Quiet Day" in gained
    assert "double" in robustness.lost_words(whole, series, 1.0, float("nan"))
    assert "halved" in robustness.gained_words(whole, None, 1.0, float("nan"))


def test_days_without_a_label_are_counted_apart() -> None:
    whole, series = joined()
    spans = np.array([[790, 811]])
    calm = robustness.holiday_words(whole, series, 1.0, spans)
    assert "No false alarm after training is on such a day" in calm and "it sets the threshold" in calm
    loud = robustness.holiday_words(whole, series, 0.9, spans)
    assert "**1 of 1 false alarms**" in loud and "Were it not counted" in loud


def test_thresholds_by_other_rules_read_no_test_score() -> None:
    """Every rule's threshold comes from before the test part; the reference run's own rule gives its own threshold."""
    from dlcore import runs
    from dlcore.projects.anomaly.project import thresholds

    run = runs.open_run("reference:anomaly/calendar")
    bundle = run.left
    stored = bundle.predictions()
    parts = ("train", "validation")
    scores, times = (np.concatenate([stored[f"{part}_{what}"] for part in parts]) for what in ("scores", "ids"))
    found = thresholds(scores, times, (len(stored["train_scores"]), len(scores)), run.config)
    assert set(found) == set(threshold_rules.RULES)
    assert found[run.config.flat["threshold_rule"]] == pytest.approx(bundle.threshold)
    assert len(set(found.values())) == len(found)
