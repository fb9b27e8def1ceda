"""Classifiers side by side: loss and accuracy of every part, precision, recall, F1, areas, and ROC curves."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from dlcore.evaluation import curves
from dlcore.plots.roc import Roc, roc_curves
from dlcore.runs import Bundle
from dlcore.ui.figure import show_figure
from dlcore.ui.headline import NAMES
from dlcore.ui.panels import reading
from dlcore.ui.panels.comparison_scores import Tested
from dlcore.ui.panels.new_run import dataset_title
from dlcore.ui.panels.scores import say

MEASURES = ("precision", "recall", "f1", "roc_auc", "auc_pr")


def ground(arms: Sequence[Tested]) -> None:
    """What the models were trained and tested on, in a line."""
    runs = [bundle for arm in arms for bundle in arm.bundles]
    names = list(dict.fromkeys(dataset_title(run.config.dataset) for run in runs))
    if len(names) != 1:
        return
    learnt = sorted({int(run.run["sizes"]["train"]) for run in runs})
    from_to = f"{learnt[0]:,}" if len(learnt) == 1 else f"{learnt[0]:,} to {learnt[-1]:,}"
    tested = int(runs[0].run["sizes"]["test"])
    st.caption(f"On “{names[0]}”: {from_to} samples to learn from, {tested:,} to test on.")


def show(arms: Sequence[Tested]) -> None:
    """What each model was measured to be on train, validation and test, and its other metrics on test."""
    labels = arms[0].bundles[0].labels
    st.subheader("On every part, by every measure", anchor=False)
    st.dataframe(
        pd.DataFrame([{"Model": arm.arm, **of_parts(arm)} for arm in arms]), hide_index=True, width="stretch",
        alt="Accuracy and loss of each model on train, validation and test",
    )  # fmt: skip
    two = " Train and validation count the likelier class, test what the run's threshold calls." * (len(labels) == 2)
    st.caption(
        "At each one's best epoch, chosen on validation. Train is the epoch's mean while the weights still moved, with "
        f"dropout and augmentation, so it may do worse than the others.{two}"
    )
    rows = [{"Model": arm.arm, **{NAMES[name]: text for name, text in of_test(arm).items()}} for arm in arms]
    st.dataframe(
        pd.DataFrame(rows).fillna("–"), hide_index=True, width="stretch", alt="Precision, recall, F1 and areas on test"
    )
    what = f"of “{labels[1]}”, called from each run's own threshold on" if len(labels) == 2 else "the mean over classes"
    seeds = " Of several seeds: their mean, and in brackets the lowest and the highest." * any(
        len(arm.bundles) > 1 for arm in arms
    )
    st.caption(f"Test part; {what}.{seeds}")
    if len(labels) == 2:
        _roc(arms, labels)


def of_parts(arm: Tested) -> dict[str, str]:
    """Accuracy and loss by part, each at the run's best epoch; means over seeds."""
    found = {}
    for metric in ("accuracy", "loss"):
        for part in ("train", "validation", "test"):
            values = [value for bundle in arm.bundles if (value := _of_part(bundle, part, metric)) is not None]
            text = say(metric, float(np.mean(values))) if values else "–"
            found[f"{NAMES[metric]}, {part}"] = text
    return found


def _of_part(bundle: Bundle, part: str, metric: str) -> float | None:
    if part == "test":
        return reading.evaluation(bundle).metrics.get(metric)
    curve, best = reading.history(bundle).get(f"{part}_{metric}"), bundle.record.best
    if curve is None or best is None or not 0 < best.epoch <= len(curve.values):
        return None
    return float(curve.values[best.epoch - 1])


def of_test(arm: Tested) -> dict[str, str]:
    """The other metrics on test, by name: mean, and lowest and highest of several seeds."""
    found = {}
    for name in MEASURES:
        values = [metrics[name] for bundle in arm.bundles if name in (metrics := reading.evaluation(bundle).metrics)]
        if len(values) == len(arm.bundles):
            ends = f" ({say(name, min(values))} to {say(name, max(values))})" if len(values) > 1 else ""
            found[name] = f"{say(name, float(np.mean(values)))}{ends}"
    return found


def _roc(arms: Sequence[Tested], labels: tuple[str, ...]) -> None:
    """The first seed's curve of each."""
    drawn = [roc_of(arm) for arm in arms]
    figure = roc_curves(drawn, positive=labels[1], negative=labels[0])
    areas = ", ".join(f"{one.name} {one.area:.3f}" for one in drawn)
    show_figure(figure, key="compared-roc", alt=f"ROC curves and the areas under them: {areas}")
    first = " Of several seeds the first is drawn." * any(len(arm.bundles) > 1 for arm in arms)
    st.caption(
        f"With every threshold from high to low: how many of “{labels[1]}” are found, against how many of "
        f"“{labels[0]}” are taken for it. The dot is each run's own threshold, the number the area under the line: 1 "
        f"is perfect, 0.5 guessing.{first}"
    )


def roc_of(arm: Tested) -> Roc:
    """The curve of an arm's first seed, on test."""
    bundle = arm.bundles[0]
    stored = reading.predictions(bundle)
    scores, positive = stored["test_scores"], stored["test_targets"] == 1
    called = reading.called(bundle, scores) == 1
    false, true = curves.roc(scores[:, 1], positive)
    at = tuple(float(called[which].mean()) if which.any() else 0.0 for which in (~positive, positive))
    return Roc(arm.arm, false, true, float(curves.roc_auc(scores[:, 1], positive)[0]), (at[0], at[1]))
