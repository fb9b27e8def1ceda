"""The report of one run: the main chart first, then its metrics beside baselines, curves, examples, settings."""

import time
from collections.abc import Iterable, Mapping

import numpy as np

from dlcore import projects
from dlcore.runs.report import examples, figures
from dlcore.runs.report.explanations import explanation_parts
from dlcore.runs.report.figures import PartList, ReportPart
from dlcore.runs.report.markup import Markup, join, tag
from dlcore.runs.report.model import ModelInReport
from dlcore.runs.report.sections import (
    Subject,
    cards,
    data_card,
    data_title,
    details,
    metric_table,
    pairs,
    settings,
    training_card,
    verdict,
)
from dlcore.runs.views.curves import run_curves

EXPLAINED = "One test sample and the evidence for its predicted class."
EPOCHS = "Predictions of validation samples after each epoch. Drag over points to select a group."
NO_MODEL = "The model itself is not in it: add it with 'dlcore report --model'."


def render_run(subject: Subject, parts: PartList, model: ModelInReport, *, explain: bool) -> tuple[str, Markup]:
    """Return the title and the body of the report of one run; `explain` adds the explanation of a test sample."""
    project, stored = projects.get(subject.config.project), subject.bundle.predictions()
    main, further = _charts(subject, stored)
    curves = figures.curves_part([run_curves(subject.record, subject.run.history(), label=subject.title)])
    gradients = figures.gradients_part(subject.bundle)
    explanations = explanation_parts(subject.bundle, project.modality) if explain else []
    samples = _examples(subject, stored, project.modality)
    body = join(
        (
            tag("p", f"{project.title} · {_about(subject)}", class_="dlr-sub"),
            verdict(subject),
            parts.add(main or curves),
            cards(subject),
            section("Predict", parts.add(model.part) or _reason(model)),
            section("Metrics and baselines", metric_table(subject), note=subject.evaluation.verdict),
            section("Training curves", parts.add(curves if main else None)),
            section("Epochs", parts.add(figures.epochs_part(subject.bundle)), note=EPOCHS),
            section("Results in detail", _grid(parts.add(part) for part in further)),
            section("Examples", samples),
            section("Explanation", _grid(map(parts.add, explanations)), note=EXPLAINED),
            section("Gradient norm per layer", parts.add(gradients), note="First layer on top. Dark: small gradients."),
            _grid((section("Data", data_card(subject)), section("Training", training_card(subject)))),
            section("Settings", _settings(subject)),
            footer(has_model=model.part is not None),
        )
    )
    return subject.title, body


def _reason(model: ModelInReport) -> Markup:
    return tag("p", model.reason, class_="dlr-note") if model.reason else Markup()


def _about(subject: Subject) -> str:
    record = subject.record
    facts = (data_title(subject.config.dataset), record.parameter_text, f"seed {record.seed}", subject.run.run_id)
    return " · ".join(fact for fact in facts if fact)


def _charts(subject: Subject, stored: Mapping[str, np.ndarray]) -> tuple[ReportPart | None, list[ReportPart]]:
    """Return the main chart and the figures that follow later."""
    bundle, scores = subject.bundle, stored["test_scores"]
    charts: list[ReportPart] = []
    if (threshold := figures.threshold_part(bundle, stored)) is not None:
        charts.append(threshold)
    if scores.ndim == 3:
        charts += figures.forecast_parts(bundle, stored)
    elif scores.ndim == 2:
        charts.append(figures.confusion_part(bundle, stored))
        charts += figures.classifier_parts(bundle, stored)
    return (charts[0], charts[1:]) if charts else (None, [])


def _examples(subject: Subject, stored: Mapping[str, np.ndarray], modality: str) -> Markup:
    if "test_written" in stored:
        return examples.sequence_examples(subject.bundle, stored)
    if stored["test_scores"].ndim != 2:
        return Markup()
    rows = examples.classifier_examples(subject.bundle, stored, modality=modality)
    if rows is None:
        return tag("p", "The test samples were not on the machine that wrote this report.", class_="dlr-note")
    return join((tag("p", "Most confident errors on the test split.", class_="dlr-note"), rows))


def _settings(subject: Subject) -> Markup:
    command = tag("pre", subject.content["command"])
    return join((command, details("All settings", pairs(settings(subject.config)))))


def section(title: str, content: Markup, *, note: str = "") -> Markup:
    """Return a section with a heading; nothing if it has no content."""
    if not content:
        return Markup()
    words = [tag("p", note, class_="dlr-note")] if note else []
    return tag("section", tag("h2", title), *words, content)


def _grid(elements: Iterable[Markup]) -> Markup:
    content = [element for element in elements if element]
    return tag("div", *content, class_="dlr-grid") if content else Markup()


def footer(*, has_model: bool = False) -> Markup:
    """Return when and with which version the report was written, and whether it contains the model."""
    from dlcore import __version__

    day = time.strftime("%Y-%m-%d")
    model = "The model in it runs on ONNX Runtime Web (MIT license)." if has_model else NO_MODEL
    return tag("footer", f"Written by dlcore {__version__} on {day}. This file loads nothing. {model}")
