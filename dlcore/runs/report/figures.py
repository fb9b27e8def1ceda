"""Figures and components of a report, from the stored predictions of a run."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dlcore.core.errors import WorkbenchError
from dlcore.data.series import series as series_data
from dlcore.data.series import tables
from dlcore.data.series.air_quality import WORDS
from dlcore.evaluation import calibration, classification, curves
from dlcore.plots import calibration as calibration_plots
from dlcore.plots import classification as plots
from dlcore.plots import forecast as forecast_plots
from dlcore.plots.roc import curves_by_class
from dlcore.plots.style import escape_texts, house_style
from dlcore.projects.anomaly.models import score_name
from dlcore.projects.forecast import scores as forecast_scores
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.report.markup import Markup, join, tag
from dlcore.runs.report.scripts import component_html
from dlcore.runs.views import threshold as threshold_views
from dlcore.runs.views.curves import RunCurves, curves_data, gradients_data
from dlcore.runs.views.epochs import epochs_data

MAX_CLASSES = 12
"""Largest number of classes with one ROC curve each."""
MAX_VARIABLES = 4
"""Variables of a forecast that are drawn."""
ROWS_IN_WEEK = 168
GRADIENTS_HEIGHT = 330
_FIGURE = Markup('<div class="dlr-figure"></div>')


@dataclass(frozen=True)
class ReportPart:
    """A component or figure: its kind in `report.js`, its data, and a sentence for screen readers.

    `inner` are components that it contains.
    """

    kind: str
    data: Mapping[str, Any]
    alt: str
    inner: tuple[str, ...] = ()

    def render(self, key: str) -> Markup:
        """Return the element that the component `kind` draws into."""
        content = _FIGURE if self.kind == "figure" else Markup("".join(map(component_html, (self.kind, *self.inner))))
        role = {"role": "img", "aria_label": self.alt} if self.kind == "figure" else {}
        return tag("div", content, data_part=key, data_kind=self.kind, **role)


def figure_part(figure: go.Figure, *, alt: str) -> ReportPart:
    """Return a figure as a part; texts in it stay text."""
    figure.update_layout(template="none")
    return ReportPart("figure", json.loads(escape_texts(house_style(figure)).to_json()), alt)


def curves_part(runs: list[RunCurves], *, height: int = 0) -> ReportPart:
    """Return the training curves of runs."""
    return ReportPart("curves", curves_data(runs, height=height), "Training curves")


def epochs_part(bundle: Bundle) -> ReportPart | None:
    """Return the predictions by epoch; None if none were recorded."""
    data = epochs_data(bundle)
    return None if data is None else ReportPart("epochs", data, "Predictions by epoch")


def gradients_part(bundle: Bundle) -> ReportPart | None:
    """Return the gradient norms by layer and step; None if none were recorded."""
    norms = bundle.gradients()
    if norms is None or not len(norms.steps):
        return None
    height = min(22.0, GRADIENTS_HEIGHT / len(norms.layers))
    return ReportPart("gradients", gradients_data(norms) | {"row_height": height}, "Gradient norms")


def threshold_part(bundle: Bundle, stored: Mapping[str, np.ndarray]) -> ReportPart | None:
    """Return the decision threshold of a detector or of a classifier of two classes; None for other runs."""
    view = _threshold_view(bundle, stored)
    if view is None:
        return None
    start = threshold_views.ReleasedThreshold(view.run_threshold, None, ())
    data = threshold_views.threshold_data(view, start) | {"can_explain": False}
    return ReportPart("threshold", data, "Decision threshold")


def _threshold_view(bundle: Bundle, stored: Mapping[str, np.ndarray]) -> threshold_views.ThresholdView | None:
    scores, threshold = stored["test_scores"], bundle.threshold
    if scores.ndim == 2 and scores.shape[1] == 2:
        return threshold_views.threshold_view(stored, bundle.labels, 0.5 if threshold is None else threshold)
    if scores.ndim != 1 or threshold is None:
        return None
    if "train_scores" not in stored:
        return threshold_views.error_view(stored, threshold)
    splits, config = threshold_views.split_scores(stored), bundle.config
    try:
        series = series_data.load(config.dataset, checksum=config.data_checksum)
    except WorkbenchError:  # not on this machine, or changed: the scores suffice
        series = None
    axis = threshold_views.series_axis(splits, series, unit=threshold_views.unit_of(config))
    rules = threshold_views.rule_scores(splits, config)
    return threshold_views.make_view(splits, threshold, axis=axis, rules=rules, score=score_name(config))


def confusion_part(bundle: Bundle, stored: Mapping[str, np.ndarray], *, title: str = "Confusion matrix") -> ReportPart:
    """Return the confusion matrix of a classifier on its test split."""
    threshold = 0.5 if bundle.threshold is None else bundle.threshold
    counts = classification.confusion_matrix(stored["test_scores"], stored["test_targets"], threshold=threshold)
    right = counts.diagonal().sum() / max(1, counts.sum())
    return figure_part(
        plots.confusion_matrix(counts, bundle.labels, title=title), alt=f"{title}; {right:.1%} on the diagonal"
    )


def classifier_parts(bundle: Bundle, stored: Mapping[str, np.ndarray]) -> Iterator[ReportPart]:
    """Yield recall per class, ROC and precision-recall curves, and the reliability diagram of a classifier."""
    scores, targets, labels = stored["test_scores"], stored["test_targets"], bundle.labels
    counts = classification.confusion_matrix(scores, targets)
    present = np.flatnonzero(counts.sum(axis=1))
    if len(labels) > 2:
        recall, names = 100 * classification.class_accuracy(counts)[present], [labels[k] for k in present]
        figure = plots.class_bars(recall, names, title="Recall per class", unit="recall, %", sort=True)
        yield figure_part(figure, alt=f"Recall per class, from {recall.min():.1f} to {recall.max():.1f} %")
        if len(present) <= MAX_CLASSES:
            yield from _one_against_rest(scores, targets, {labels[k]: int(k) for k in present})
    bins = {"raw": classification.plotted_bins(scores, targets)}
    if (rule := bundle.calibration) is not None:
        calibrated = calibration.apply_temperature(scores, rule.temperature)
        bins["calibrated"] = classification.plotted_bins(calibrated, targets)
    yield figure_part(calibration_plots.reliability(bins), alt="Reliability diagram: confidence against accuracy")


def _one_against_rest(scores: np.ndarray, targets: np.ndarray, classes: Mapping[str, int]) -> Iterator[ReportPart]:
    ranked = {name: (scores[:, k], targets == k) for name, k in classes.items()}
    roc = {name: curves.roc(*pair) for name, pair in ranked.items()}
    figure = curves_by_class(roc, title="ROC, each class against the rest", x="false positive rate, %", y="recall, %")
    yield figure_part(figure, alt="ROC curve of each class against the rest")
    precision = {name: curves.precision_recall(*pair) for name, pair in ranked.items()}
    figure = curves_by_class(precision, title="Precision and recall by class", x="recall, %", y="precision, %")
    yield figure_part(figure, alt="Precision-recall curve of each class against the rest")


def forecast_parts(bundle: Bundle, stored: Mapping[str, np.ndarray]) -> Iterator[ReportPart]:
    """Yield a week of forecasts with their 90 % interval, for the variables of the lowest relative error first."""
    known, targets = bundle.preprocessing, stored["test_targets"][:, 0]
    widths = forecast_scores.intervals(stored).adaptive
    start = max(0, (len(targets) - ROWS_IN_WEEK) // 2)
    part = slice(start, start + ROWS_IN_WEEK)
    step = tables.step_name(known.get("step_ms"))
    measured = [v for v in range(targets.shape[1]) if np.isfinite(targets[part, v]).any()]
    for number, v in enumerate(measured[:MAX_VARIABLES]):
        name = known["names"][v]
        title = f"{name}, {WORDS[name]}" if name in WORDS else name
        values = (stored["test_ids"][part], stored["test_scores"][part, 0, v], widths[part, 0, v])
        figure = forecast_plots.forecast_week(
            values,
            targets[part, v],
            title=name if number else f"{title}: forecast one {step} ahead",
            unit=known["units"][v] or "value",
            height=340,
        )
        yield figure_part(figure, alt=f"{title}: forecasts with their 90 % interval, and measurements")


class PartList:
    """Collects the parts of a document and renders each as an element that `report.js` finds by its key."""

    def __init__(self) -> None:
        self.data: dict[str, Mapping[str, Any]] = {}

    def add(self, *parts: ReportPart | None) -> Markup:
        """Return the elements of parts; None is left out."""
        elements = []
        for part in parts:
            if part is not None:
                key = f"part-{len(self.data)}"
                self.data[key] = part.data
                elements.append(part.render(key))
        return join(elements)
