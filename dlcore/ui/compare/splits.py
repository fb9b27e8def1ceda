"""Comparison of classifiers by split: loss, accuracy, precision, recall, F1, ROC AUC, PR AUC, and ROC curves."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from dlcore.core.markdown import as_text
from dlcore.evaluation import curves, seeds
from dlcore.evaluation.metrics import METRICS, baseline_title, causal_baselines, format_metric, table_metrics
from dlcore.plots.roc import RocCurve, roc_curves
from dlcore.runs import Bundle
from dlcore.runs.paired_tests import format_means
from dlcore.ui.compare.tests import TestedVariant
from dlcore.ui.train.new_run import dataset_title
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.figure import show_figure

DEGENERATE_SHARE, MAJORITY_SHARE = 0.95, 0.8
"""A model that predicts one class for this share of samples is degenerate, unless the class has the other share."""


def describe_data(variants: Sequence[TestedVariant]) -> None:
    """Render the dataset and its sizes in one line."""
    runs = [bundle for variant in variants for bundle in variant.bundles]
    names = list(dict.fromkeys(dataset_title(run.config.dataset) for run in runs))
    if len(names) != 1:
        return
    train_sizes = sorted({int(run.run["sizes"]["train"]) for run in runs})
    train = " to ".join(f"{size:,}" for size in dict.fromkeys((train_sizes[0], train_sizes[-1])))
    test = int(runs[0].run["sizes"]["test"])
    means = {variant.name: float(np.mean([run.mean() for run in variant.correct])) for variant in variants}
    st.caption(
        f"Test accuracy: {format_means(means)}. {names[0]}: {train} training samples, {test:,} test samples; best "
        "epoch of each run."
    )


def compare_with_baselines(variants: Sequence[TestedVariant]) -> None:
    """Render the comparison with the best baseline in one sentence."""
    if summary := baseline_summary(variants):
        st.markdown(summary)


def baseline_summary(variants: Sequence[TestedVariant]) -> str:
    """Return which models beat, tie with or lose to the best baseline; empty without a baseline."""
    baselines = causal_baselines(run_cache.evaluation(variants[0].bundles[0]).baselines)
    accuracies = {name: values["accuracy"] for name, values in baselines.items() if "accuracy" in values}
    if not accuracies:
        return ""
    best = max(accuracies, key=lambda name: accuracies[name])
    value, title = accuracies[best], f"Best baseline: {baseline_title(best)} ({accuracies[best]:.1%})"
    ends = {variant.name: seeds.interval(variant.correct)[1:] for variant in variants}
    better = [name for name, (low, _) in ends.items() if low > value]
    worse = [name for name, (_, high) in ends.items() if high < value]
    if len(worse) == len(variants):
        return f"**The baseline wins.** {title} beats every model here."
    if len(better) == len(variants):
        return f"**All models beat the baseline.** {title}."
    ties = [name for name in ends if name not in (*better, *worse)]
    parts = {"beats it": better, "ties with it": ties, "loses to it": worse}
    groups = "; ".join(f"{word}: {', '.join(names)}" for word, names in parts.items() if names)
    return f"{title}; {groups}."


def degenerate_summary(variant: TestedVariant, labels: tuple[str, ...]) -> str:
    """Return a sentence if the model predicts almost only one class although the data has others; else empty."""
    stored = [(bundle, run_cache.predictions(bundle)) for bundle in variant.bundles]
    predicted = np.concatenate(
        [run_cache.predicted_classes(bundle, predictions["test_scores"]) for bundle, predictions in stored]
    )
    actual = np.concatenate([predictions["test_targets"] for _, predictions in stored])
    counts = np.bincount(predicted, minlength=len(labels)) / len(predicted)
    top = int(counts.argmax())
    if counts[top] < DEGENERATE_SHARE or (actual == top).mean() > MAJORITY_SHARE:
        return ""
    name, label = as_text(variant.name), as_text(labels[top])
    return f"**{name}** is degenerate: it predicts “{label}” for {counts[top]:.1%} of the samples."


def show(variants: Sequence[TestedVariant]) -> None:
    """Render the metrics of each model on train, validation and test."""
    labels = variants[0].bundles[0].labels
    st.subheader("On every part, by every measure", anchor=False)
    st.dataframe(
        pd.DataFrame([{"Model": variant.name, **metrics_by_split(variant)} for variant in variants]),
        hide_index=True,
        width="stretch",
        alt="Accuracy and loss of each model on train, validation and test",
    )
    two = " Train and validation count the likelier class, test what the run's threshold calls." * (len(labels) == 2)
    st.caption(
        f"At the best epoch by validation.{two}",
        help="Training metrics are means over the epoch, with dropout and augmentation, so they can be worse.",
    )
    rows = [
        {"Model": variant.name, **{METRICS[name].title: text for name, text in test_metrics(variant).items()}}
        for variant in variants
    ]
    st.dataframe(
        pd.DataFrame(rows).fillna("–"), hide_index=True, width="stretch", alt="Precision, recall, F1 and areas on test"
    )
    what = f"class “{as_text(labels[1])}” at the threshold of each run" if len(labels) == 2 else "mean over classes"
    several = " Mean over seeds; in brackets the lowest and highest." * any(
        len(variant.bundles) > 1 for variant in variants
    )
    st.caption(f"Test split; {what}.{several}")
    degenerate = [text for variant in variants if (text := degenerate_summary(variant, labels))]
    if degenerate:
        st.markdown(" ".join(degenerate))
    if len(labels) == 2:
        _roc(variants, labels)


def metrics_by_split(variant: TestedVariant) -> dict[str, str]:
    """Return accuracy and loss by split at the best epoch of each run; means over seeds."""
    metrics = {}
    for metric in ("accuracy", "loss"):
        for split in ("train", "validation", "test"):
            values = [
                value for bundle in variant.bundles if (value := _best_epoch_metric(bundle, split, metric)) is not None
            ]
            text = format_metric(metric, float(np.mean(values))) if values else "–"
            metrics[f"{METRICS[metric].title}, {split}"] = text
    return metrics


def _best_epoch_metric(bundle: Bundle, split: str, metric: str) -> float | None:
    if split == "test":
        return run_cache.evaluation(bundle).metrics.get(metric)
    curve, best = run_cache.history(bundle).get(f"{split}_{metric}"), bundle.record.best
    if curve is None or best is None or not 0 < best.epoch <= len(curve.values):
        return None
    return float(curve.values[best.epoch - 1])


def test_metrics(variant: TestedVariant) -> dict[str, str]:
    """Return the other test metrics by name: mean, lowest and highest over seeds."""
    formatted = {}
    metrics = [run_cache.evaluation(bundle).metrics for bundle in variant.bundles]
    for name in table_metrics(*metrics):
        values = [row[name] for row in metrics if name in row]
        if len(values) == len(variant.bundles) and name not in ("accuracy", "loss"):
            ends = (
                f" ({format_metric(name, min(values))} to {format_metric(name, max(values))})"
                if len(values) > 1
                else ""
            )
            formatted[name] = f"{format_metric(name, float(np.mean(values)))}{ends}"
    return formatted


def _roc(variants: Sequence[TestedVariant], labels: tuple[str, ...]) -> None:
    """Plot the ROC curve of the first seed of each variant."""
    rocs = [variant_roc(variant) for variant in variants]
    figure = roc_curves(rocs, positive=labels[1], negative=labels[0])
    areas = ", ".join(f"{roc.name} {roc.area:.3f}" for roc in rocs)
    show_figure(figure, key="compared-roc", alt=f"ROC curves; ROC AUC: {areas}")
    first = " First seed of each." * any(len(variant.bundles) > 1 for variant in variants)
    st.caption(
        f"True positive rate of “{as_text(labels[1])}” against false positive rate over all "
        "thresholds. Dot: threshold of the "
        f"run. Number: ROC AUC (1 perfect, 0.5 random).{first}"
    )


def variant_roc(variant: TestedVariant) -> RocCurve:
    """Return the ROC curve of the first seed of a variant, on test."""
    bundle = variant.bundles[0]
    stored = run_cache.predictions(bundle)
    scores, positive = stored["test_scores"], stored["test_targets"] == 1
    predicted = run_cache.predicted_classes(bundle, scores) == 1
    false, true = curves.roc(scores[:, 1], positive)
    at = tuple(float(predicted[mask].mean()) if mask.any() else 0.0 for mask in (~positive, positive))
    return RocCurve(
        variant.name, false, true, float(curves.roc_auc(scores[:, 1], positive)[0]), (at[0], at[1]), variant.color
    )
