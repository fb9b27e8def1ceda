"""Behavioral tests of finished runs, and the stored failure rates of the reference runs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dlcore.core import progress, settings
from dlcore.core.errors import DataError, RequestError
from dlcore.data.text import behavior as templates
from dlcore.data.text.behavior import BehaviorTest, Case, Half, Suite
from dlcore.evaluation import behavior
from dlcore.evaluation.behavior import FailureRate
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.inference import open_bundle

if TYPE_CHECKING:
    from dlcore.projects.project import LoadedModel, Project

STORED = settings.ASSETS / "behavior" / "rates.json"
WORST = 3
"""Failed cases listed of each test."""
AT_ONCE = 256


@dataclass(frozen=True)
class FailedCase:
    """A failed case: the predictions for its text and for the changed one, as label and probability."""

    capability: str
    test: str
    kind: str
    expected: str
    text: str
    changed: str
    before: tuple[str, float]
    after: tuple[str, float] | None
    severity: float

    def describe(self) -> str:
        """Return the predictions in one line."""
        text = f"{self.before[0]} {self.before[1]:.0%}"
        return text if self.after is None else f"{text} → {self.after[0]} {self.after[1]:.0%}"


@dataclass(frozen=True)
class Report:
    """Failure rates of one run by capability, its worst failures, and the suites by name with their checksum."""

    rates: tuple[FailureRate, ...]
    worst: tuple[FailedCase, ...]
    suites: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """Return rates and failures as a JSON-serializable dict."""
        worst = [{**vars(failure), "predictions": failure.describe()} for failure in self.worst]
        return {"suites": dict(self.suites), "capabilities": [rate.as_json() for rate in self.rates], "worst": worst}


def suites_of(labels: Sequence[str], extra: Sequence[Suite] = ()) -> list[Suite]:
    """Return the shipped, added and `extra` suites that suit a model with these labels."""
    every = [*templates.shipped_suites(), *templates.custom_suites(), *extra]
    return templates.suites_for(labels, every)


def check(bundle: Bundle, *, suites: Sequence[Suite] | None = None, half: Half = "test") -> Report:
    """Run the behavioral tests that suit a model; half: of the templates.

    Raises:
        RequestError: no suite suits the labels of the model.
    """
    suites = suites_of(bundle.labels) if suites is None else templates.suites_for(bundle.labels, suites)
    if not suites:
        known = "; ".join(", ".join(suite.labels) for suite in templates.shipped_suites())
        names = ", ".join(bundle.labels[:8]) or "of this run"
        raise RequestError(
            f"no behavioral tests suit the classes {names}: there are tests for {known}. Name templates: "
            "--templates FILE."
        )
    project, loaded = open_bundle(bundle)
    parts: list[tuple[str, str, np.ndarray]] = []
    worst: list[FailedCase] = []
    tests = [(suite, test) for suite in suites for test in suite.tests]
    for done, (suite, test) in enumerate(tests):
        progress.report("behavioral tests", done, len(tests))
        cases = suite.cases(test, half)
        if cases:
            severity, failures = _run_test(project, loaded, test, cases)
            parts.append((test.capability, test.kind, severity))
            worst += failures
    checksums = {suite.name: suite.checksum for suite in suites}
    return Report(tuple(behavior.sum_by_capability(parts)), tuple(worst), checksums)


def _run_test(
    project: "Project", loaded: "LoadedModel", test: BehaviorTest, cases: Sequence[Case]
) -> tuple[np.ndarray, list[FailedCase]]:
    """Return the severity (N,) of each case, 0 where it passed, and the worst failures of a test."""
    labels = loaded.labels
    names = templates.match_label(test.label, labels) if test.label else []
    accepted = [labels.index(name) for name in names]
    before = after = _predict(project, loaded, [case.text for case in cases])
    if test.kind == "minimum":
        severity = behavior.expected_label_severity(*before, accepted)
    else:
        after = _predict(project, loaded, [case.changed for case in cases])
        if test.kind == "invariance":
            severity = behavior.changed_label_severity(*before, *after)
        else:
            severity = behavior.falling_probability_severity(before[0], after[0], accepted)

    def prediction(part: tuple[np.ndarray, np.ndarray], row: int) -> tuple[str, float]:
        scores, predicted = part
        return labels[predicted[row]], float(scores[row, predicted[row]])

    failures = [
        FailedCase(
            test.capability,
            test.name,
            test.kind,
            test.label,
            cases[row].text,
            cases[row].changed,
            prediction(before, row),
            None if test.kind == "minimum" else prediction(after, row),
            float(severity[row]),
        )
        for row in np.argsort(-severity, kind="stable")[:WORST].tolist()
        if severity[row] > 0
    ]
    return severity, failures


def _predict(project: "Project", loaded: "LoadedModel", texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return calibrated probabilities (N, K) and predicted labels (N,); a text without a known word has equal
    probabilities and the first label."""
    assert project.answer_many is not None
    labels = loaded.labels
    scores, predicted = np.full((len(texts), len(labels)), 1 / len(labels)), np.zeros(len(texts), np.int64)
    for start in range(0, len(texts), AT_ONCE):
        payloads = [text.encode() for text in texts[start : start + AT_ONCE]]
        for row, answer in enumerate(project.answer_many(loaded, payloads), start):
            if not isinstance(answer, DataError):
                scores[row] = [answer["probabilities"][label] for label in labels]
                predicted[row] = labels.index(answer["label"])
    return scores, predicted


def stored_rates() -> dict[str, list[FailureRate]]:
    """Return the stored failure rates of the reference runs by run id; empty if the templates changed since."""
    if not STORED.exists():
        return {}
    value = json.loads(STORED.read_text(encoding="utf-8"))
    if value["suites"] != {suite.name: suite.checksum for suite in templates.shipped_suites()}:
        return {}
    return {run_id: behavior.read_rates(rows) for run_id, rows in value["runs"].items()}
