"""Classifiers side by side: loss and accuracy of every part, precision, recall, F1, areas, and ROC curves."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from dlcore.evaluation import curves, seeds
from dlcore.evaluation.metrics import METRICS, baseline_title, causal_baselines, format_metric, table_metrics
from dlcore.plots.roc import RocCurve, roc_curves
from dlcore.runs import Bundle
from dlcore.ui.compare.tests import TestedVariant
from dlcore.ui.train.new_run import dataset_title
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.figure import show_figure

ONE_SIDED, EVEN = 0.95, 0.8
"""A model that calls so large a share one class is stuck, unless that class has itself so large a share."""


def describe_data(arms: Sequence[TestedVariant]) -> None:
    """What the models were trained and tested on, in a line."""
    runs = [bundle for arm in arms for bundle in arm.bundles]
    names = list(dict.fromkeys(dataset_title(run.config.dataset) for run in runs))
    if len(names) != 1:
        return
    learnt = sorted({int(run.run["sizes"]["train"]) for run in runs})
    from_to = f"{learnt[0]:,}" if len(learnt) == 1 else f"{learnt[0]:,} to {learnt[-1]:,}"
    tested = int(runs[0].run["sizes"]["test"])
    st.caption(f"On “{names[0]}”: {from_to} samples to learn from, {tested:,} to test on.")


def compare_with_baselines(arms: Sequence[TestedVariant]) -> None:
    """Whether the best simple method does better than the models, in a sentence."""
    said = baseline_summary(arms)
    if said:
        st.markdown(said)


def baseline_summary(arms: Sequence[TestedVariant]) -> str:
    """Who does better than the best simple method, who does not; empty where there is none."""
    rivals = causal_baselines(run_cache.evaluation(arms[0].bundles[0]).baselines)
    known = {name: values["accuracy"] for name, values in rivals.items() if "accuracy" in values}
    if not known:
        return ""
    best = max(known, key=lambda name: known[name])
    value, simple = known[best], f"“{baseline_title(best)}” ({known[best]:.1%})"
    ends = {arm.arm: seeds.interval(arm.right)[1:] for arm in arms}
    better = [name for name, (low, _) in ends.items() if low > value]
    worse = [name for name, (_, high) in ends.items() if high < value]
    if len(worse) == len(arms):
        return f"**The simple method wins**: {simple} does better than every network here."
    if len(better) == len(arms):
        return f"**The networks win** over the best simple method, {simple}: every one of them."
    alike = [name for name in ends if name not in (*better, *worse)]
    parts = {"better": better, "no clear difference": alike, "worse": worse}
    told = "; ".join(f"{word}: {', '.join(names)}" for word, names in parts.items() if names)
    return f"Against the best simple method, {simple}: {told}."


def degenerate_summary(arm: TestedVariant, labels: tuple[str, ...]) -> str:
    """A sentence where a model calls nearly everything one class that is not nearly everything; else empty."""
    stored = [(bundle, run_cache.predictions(bundle)) for bundle in arm.bundles]
    called = np.concatenate([run_cache.predicted_classes(bundle, found["test_scores"]) for bundle, found in stored])
    truth = np.concatenate([found["test_targets"] for _, found in stored])
    counts = np.bincount(called, minlength=len(labels)) / len(called)
    top = int(counts.argmax())
    if counts[top] < ONE_SIDED or (truth == top).mean() > EVEN:
        return ""
    return (
        f"**{arm.arm}** calls {counts[top]:.1%} of the samples “{labels[top]}”: it has not learnt to tell them apart, "
        "and what it gets right it gets by chance."
    )


def show(arms: Sequence[TestedVariant]) -> None:
    """What each model was measured to be on train, validation and test, and its other metrics on test."""
    labels = arms[0].bundles[0].labels
    st.subheader("On every part, by every measure", anchor=False)
    st.dataframe(
        pd.DataFrame([{"Model": arm.arm, **metrics_by_split(arm)} for arm in arms]),
        hide_index=True,
        width="stretch",
        alt="Accuracy and loss of each model on train, validation and test",
    )
    two = " Train and validation count the likelier class, test what the run's threshold calls." * (len(labels) == 2)
    st.caption(
        "At each one's best epoch, chosen on validation. Train is the epoch's mean while the weights still moved, with "
        f"dropout and augmentation, so it may do worse than the others.{two}"
    )
    rows = [
        {"Model": arm.arm, **{METRICS[name].title: text for name, text in test_metrics(arm).items()}} for arm in arms
    ]
    st.dataframe(
        pd.DataFrame(rows).fillna("–"), hide_index=True, width="stretch", alt="Precision, recall, F1 and areas on test"
    )
    what = f"of “{labels[1]}”, called from each run's own threshold on" if len(labels) == 2 else "the mean over classes"
    several = " Of several seeds: their mean, and in brackets the lowest and the highest." * any(
        len(arm.bundles) > 1 for arm in arms
    )
    st.caption(f"Test part; {what}.{several}")
    stuck = [said for arm in arms if (said := degenerate_summary(arm, labels))]
    if stuck:
        st.markdown(" ".join(stuck))
    if len(labels) == 2:
        _roc(arms, labels)


def metrics_by_split(arm: TestedVariant) -> dict[str, str]:
    """Accuracy and loss by part, each at the run's best epoch; means over seeds."""
    found = {}
    for metric in ("accuracy", "loss"):
        for part in ("train", "validation", "test"):
            values = [value for bundle in arm.bundles if (value := _of_part(bundle, part, metric)) is not None]
            text = format_metric(metric, float(np.mean(values))) if values else "–"
            found[f"{METRICS[metric].title}, {part}"] = text
    return found


def _of_part(bundle: Bundle, part: str, metric: str) -> float | None:
    if part == "test":
        return run_cache.evaluation(bundle).metrics.get(metric)
    curve, best = run_cache.history(bundle).get(f"{part}_{metric}"), bundle.record.best
    if curve is None or best is None or not 0 < best.epoch <= len(curve.values):
        return None
    return float(curve.values[best.epoch - 1])


def test_metrics(arm: TestedVariant) -> dict[str, str]:
    """The other metrics on test, by name: mean, and lowest and highest of several seeds."""
    found = {}
    metrics = [run_cache.evaluation(bundle).metrics for bundle in arm.bundles]
    for name in table_metrics(*metrics):
        values = [row[name] for row in metrics if name in row]
        if len(values) == len(arm.bundles) and name not in ("accuracy", "loss"):
            ends = (
                f" ({format_metric(name, min(values))} to {format_metric(name, max(values))})"
                if len(values) > 1
                else ""
            )
            found[name] = f"{format_metric(name, float(np.mean(values)))}{ends}"
    return found


def _roc(arms: Sequence[TestedVariant], labels: tuple[str, ...]) -> None:
    """The first seed's curve of each."""
    drawn = [variant_roc(arm) for arm in arms]
    figure = roc_curves(drawn, positive=labels[1], negative=labels[0])
    areas = ", ".join(f"{one.name} {one.area:.3f}" for one in drawn)
    show_figure(figure, key="compared-roc", alt=f"ROC curves and the areas under them: {areas}")
    first = " Of several seeds the first is drawn." * any(len(arm.bundles) > 1 for arm in arms)
    st.caption(
        f"With every threshold from high to low: how many of “{labels[1]}” are found, against how many of "
        f"“{labels[0]}” are taken for it. The dot is each run's own threshold, the number the area under the line: 1 "
        f"is perfect, 0.5 guessing.{first}"
    )


def variant_roc(arm: TestedVariant) -> RocCurve:
    """The curve of an arm's first seed, on test."""
    bundle = arm.bundles[0]
    stored = run_cache.predictions(bundle)
    scores, positive = stored["test_scores"], stored["test_targets"] == 1
    called = run_cache.predicted_classes(bundle, scores) == 1
    false, true = curves.roc(scores[:, 1], positive)
    at = tuple(float(called[which].mean()) if which.any() else 0.0 for which in (~positive, positive))
    return RocCurve(arm.arm, false, true, float(curves.roc_auc(scores[:, 1], positive)[0]), (at[0], at[1]))
