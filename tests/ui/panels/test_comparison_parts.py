"""What stands beside each other of several classifiers agrees with what each one's own page says."""

import pytest

from dlcore import runs
from dlcore.evaluation.metrics import format_metric
from dlcore.runs import comparisons
from dlcore.ui.compare import splits as parts
from dlcore.ui.compare import tests as comparison_scores
from dlcore.ui.train import comparison_form
from dlcore.ui.widgets import run_cache


@pytest.fixture(scope="module")
def arms():
    return comparison_scores.tested_variants(comparisons.from_references("reviews_transformer").arms)


def test_every_part_and_measure_is_there_for_every_variant(arms) -> None:
    for arm in arms:
        metrics = run_cache.evaluation(arm.bundles[0]).metrics
        found, best = parts.metrics_by_split(arm), arm.bundles[0].record.best
        assert list(found) == [f"{m}, {p}" for m in ("Accuracy", "Loss") for p in ("train", "validation", "test")]
        assert found["Accuracy, test"] == format_metric("accuracy", metrics["accuracy"])
        assert found["Loss, test"] == f"{metrics['loss']:.3f}"
        assert found["Loss, validation"] == f"{best.value:.3f}"
        assert {"precision", "recall", "f1", "roc_auc", "auc_pr", "ece"} == set(parts.test_metrics(arm))
        assert parts.test_metrics(arm)["precision"] == format_metric("precision", metrics["precision"])


def test_accuracies_compared_are_those_of_each_runs_own_page(arms) -> None:
    for arm in arms:
        accuracy = run_cache.evaluation(arm.bundles[0]).metrics["accuracy"]
        assert arm.right[0].mean() == pytest.approx(accuracy, abs=1e-12)


def test_it_is_said_who_does_better_than_the_simple_methods_and_who_is_stuck(arms) -> None:
    assert parts.baseline_summary(arms).startswith("**The simple method wins**: “NB-SVM on bigrams” (")
    stuck = {arm.arm: parts.degenerate_summary(arm, ("negative", "positive")) for arm in arms}
    assert [name for name, said in stuck.items() if said] == ["fast"] and "has not learnt" in stuck["fast"]
    questions = comparison_scores.tested_variants(comparisons.from_references("questions").arms)
    better, _, rest = parts.baseline_summary(questions).partition(";")
    assert better.endswith("better: bert_gru") and "rnn" in rest


def test_the_dot_on_a_curve_is_the_runs_threshold(arms) -> None:
    for arm in arms:
        metrics, drawn = run_cache.evaluation(arm.bundles[0]).metrics, parts.variant_roc(arm)
        assert drawn.at[1] == pytest.approx(metrics["recall"]) and drawn.area == pytest.approx(metrics["roc_auc"])


def test_the_variant_that_stops_early_may_go_on_for_longer() -> None:
    made = comparison_form.build_variants(
        "reviews_transformer", ["base", "early_stopping"], dataset="movie_reviews", preset="full", seeds=[0], epochs=2
    )
    assert {name: configs[0].training.epochs for name, configs in made.items()} == {"Base": 2, "Early stopping": 6}


def test_more_classes_have_measures_and_no_curve(arms) -> None:
    bundle = runs.open_run("reference:questions/lstm").bundle
    one = type(arms[0])("lstm", (bundle.record,), (bundle,))
    assert {"precision", "recall", "f1", "roc_auc", "auc_pr", "ece"} == set(parts.test_metrics(one))
