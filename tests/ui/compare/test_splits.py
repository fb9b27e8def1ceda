"""What stands beside each other of several classifiers agrees with what each one's own page says."""

import pytest

from dlcore import runs
from dlcore.evaluation.metrics import format_metric
from dlcore.runs import comparisons
from dlcore.ui.compare import splits as parts
from dlcore.ui.compare import tests as comparison_scores
from dlcore.ui.train import comparison_form
from dlcore.ui.widgets import run_cache

OTHER_METRICS = {"precision", "recall", "f1", "roc_auc", "auc_pr", "ece"}


@pytest.fixture(scope="module")
def variants():
    return comparison_scores.tested_variants(comparisons.from_references("reviews_transformer").variants)


def test_every_part_and_measure_is_there_for_every_variant(variants) -> None:
    for variant in variants:
        metrics = run_cache.evaluation(variant.bundles[0]).metrics
        found, best = parts.metrics_by_split(variant), variant.bundles[0].record.best
        assert list(found) == [f"{m}, {p}" for m in ("Accuracy", "Loss") for p in ("train", "validation", "test")]
        assert found["Accuracy, test"] == format_metric("accuracy", metrics["accuracy"])
        assert found["Loss, test"] == f"{metrics['loss']:.3f}"
        assert found["Loss, validation"] == f"{best.value:.3f}"
        assert set(parts.test_metrics(variant)) == OTHER_METRICS
        assert parts.test_metrics(variant)["precision"] == format_metric("precision", metrics["precision"])


def test_accuracies_compared_are_those_of_each_runs_own_page(variants) -> None:
    for variant in variants:
        accuracy = run_cache.evaluation(variant.bundles[0]).metrics["accuracy"]
        assert variant.correct[0].mean() == pytest.approx(accuracy, abs=1e-12)


def test_it_is_said_who_does_better_than_the_simple_methods_and_who_is_stuck(variants) -> None:
    assert parts.baseline_summary(variants).startswith("**The baseline wins.** Best baseline: NB-SVM on bigrams (")
    stuck = {variant.name: parts.degenerate_summary(variant, ("negative", "positive")) for variant in variants}
    assert [name for name, said in stuck.items() if said] == ["fast"] and "is degenerate" in stuck["fast"]
    questions = comparison_scores.tested_variants(comparisons.from_references("questions").variants)
    _, beats, others = parts.baseline_summary(questions).split("; ", 2)
    assert beats == "beats it: bert_gru" and "rnn" in others


def test_the_dot_on_a_curve_is_the_runs_threshold(variants) -> None:
    for variant in variants:
        metrics, drawn = run_cache.evaluation(variant.bundles[0]).metrics, parts.variant_roc(variant)
        assert drawn.at[1] == pytest.approx(metrics["recall"]) and drawn.area == pytest.approx(metrics["roc_auc"])


def test_the_variant_that_stops_early_may_go_on_for_longer() -> None:
    made = comparison_form.build_variants(
        "reviews_transformer", ["base", "early_stopping"], dataset="movie_reviews", preset="full", seeds=[0], epochs=2
    )
    assert {name: configs[0].training.epochs for name, configs in made.items()} == {"Base": 2, "Early stopping": 6}


def test_more_classes_have_measures_and_no_curve(variants) -> None:
    bundle = runs.open_run("reference:questions/lstm").bundle
    one = type(variants[0])("lstm", (bundle.record,), (bundle,))
    assert set(parts.test_metrics(one)) == OTHER_METRICS
