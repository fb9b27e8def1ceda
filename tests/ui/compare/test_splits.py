"""Metrics by split of several classifiers agree with their evaluations."""

import pytest

from dlcore import runs
from dlcore.evaluation.metrics import format_metric
from dlcore.projects.variants import VariantGrid, build_variants
from dlcore.runs import comparisons
from dlcore.ui.compare import splits
from dlcore.ui.compare import tests as comparison_scores
from dlcore.ui.widgets import run_cache

OTHER_METRICS = {"precision", "recall", "f1", "roc_auc", "auc_pr", "ece"}


@pytest.fixture(scope="module")
def variants():
    return comparison_scores.tested_variants(comparisons.from_references("reviews_transformer").variants)


def test_every_variant_has_every_split_and_metric(variants) -> None:
    for variant in variants:
        metrics = run_cache.evaluation(variant.bundles[0]).metrics
        by_split, best = splits.metrics_by_split(variant), variant.bundles[0].record.best
        assert list(by_split) == [f"{m}, {p}" for m in ("Accuracy", "Loss") for p in ("train", "validation", "test")]
        assert by_split["Accuracy, test"] == format_metric("accuracy", metrics["accuracy"])
        assert by_split["Loss, test"] == f"{metrics['loss']:.3f}"
        assert by_split["Loss, validation"] == f"{best.value:.3f}"
        assert set(splits.test_metrics(variant)) == OTHER_METRICS
        assert splits.test_metrics(variant)["precision"] == format_metric("precision", metrics["precision"])


def test_accuracies_equal_the_stored_evaluations(variants) -> None:
    for variant in variants:
        accuracy = run_cache.evaluation(variant.bundles[0]).metrics["accuracy"]
        assert variant.correct[0].mean() == pytest.approx(accuracy, abs=1e-12)


def test_summaries_name_the_best_baseline_and_degenerate_models(variants) -> None:
    assert splits.baseline_summary(variants).startswith("**The baseline wins.** Best baseline: NB-SVM on bigrams (")
    summaries = {variant.name: splits.degenerate_summary(variant, ("negative", "positive")) for variant in variants}
    assert [name for name, summary in summaries.items() if summary] == ["fast"]
    assert "is degenerate" in summaries["fast"]
    questions = comparison_scores.tested_variants(comparisons.from_references("questions").variants)
    _, beats, losing = splits.baseline_summary(questions).split("; ", 2)
    assert beats == "beats it: bert_gru" and "rnn" in losing


def test_roc_operating_point_is_the_runs_threshold(variants) -> None:
    for variant in variants:
        metrics, roc = run_cache.evaluation(variant.bundles[0]).metrics, splits.variant_roc(variant)
        assert roc.at[1] == pytest.approx(metrics["recall"]) and roc.area == pytest.approx(metrics["roc_auc"])


def test_early_stopping_variant_may_train_longer() -> None:
    configs_by_variant = build_variants(
        VariantGrid("reviews_transformer", ["base", "early_stopping"], dataset="movie_reviews", epochs=2), [0]
    )
    assert {name: configs[0].training.epochs for name, configs in configs_by_variant.items()} == {
        "Base": 2,
        "Early stopping": 6,
    }


def test_multiclass_variant_has_all_test_metrics(variants) -> None:
    bundle = runs.open_run("reference:questions/lstm").bundle
    variant = type(variants[0])("lstm", (bundle.record,), (bundle,))
    assert set(splits.test_metrics(variant)) == OTHER_METRICS
