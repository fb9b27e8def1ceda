"""Diagnosis of a run by the rules of `evaluation.diagnosis`, and the fork that applies a remedy."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from dlcore.core.errors import RequestError
from dlcore.evaluation import diagnosis as rules
from dlcore.evaluation.diagnosis import Measurements, RunFinding
from dlcore.runs import training_checks
from dlcore.runs.folder import RunFolder
from dlcore.runs.record import Curve, GradientNorms
from dlcore.runs.run import Run, open_run

if TYPE_CHECKING:
    from dlcore.projects.run_config import RunConfig

NORMALIZATION = ("batch_norm", "norm_layers", "normalization", "skip_connections")
"""Switches of a model's settings against vanishing gradients."""


def diagnose(ref: str) -> dict[str, Any]:
    """Diagnose a run: `run_id` and its findings, the likeliest cause first, each with the `settings` of its remedy.

    Raises:
        RunError: no such run.
    """
    run = open_run(ref)
    rows = [asdict(finding) | {"settings": remedy_settings(run, finding.kind)} for finding in diagnose_run(run)]
    return {"run_id": run.run_id, "findings": rows}


def diagnose_run(run: Run) -> list[RunFinding]:
    """Return the findings about a run."""
    return rules.diagnose(measure_run(run))


def measure_run(run: Run) -> Measurements:
    """Return what was measured of a run."""
    record, history, norms = run.record, run.history(), run.gradients()
    data, measured = (None, {}) if run.is_reference else training_checks.read(RunFolder(run.folder))
    failed = re.search(r"at step (\d+)", record.reason) if record.reason.startswith("not finite") else None
    decay = 0.0
    if not record.is_watched:
        training = run.config.training
        decay = training.learning_rate * training.weight_decay
    has_custom_loss = not record.is_watched and run.config.flat.get("loss_function", "none") != "none"
    accuracy = _values(history, "validation_accuracy")
    return Measurements(
        losses=_values(history, "batch_loss"),
        train_losses=np.empty(0) if has_custom_loss else _values(history, "train_loss"),  # in the unit of validation
        validation_losses=_values(history, "validation_loss"),
        validation_accuracy=float(accuracy[-1]) if len(accuracy) else float("nan"),
        failed_step=int(failed.group(1)) if failed else 0,
        decay=decay,
        data=data,
        **_probes(norms),
        **measured,
    )


def _values(history: Mapping[str, Curve], name: str) -> np.ndarray:
    return history[name].values if name in history else np.empty(0)


def _probes(norms: GradientNorms | None) -> dict[str, Any]:
    if norms is None or not len(norms.steps):
        return {}
    empty = np.empty((0, 0))
    return {
        "steps": norms.steps,
        "names": norms.layers,
        "norms": norms.norms,
        "update_ratios": norms.measures.get("update_ratio", empty),
        "dead": norms.measures.get("dead_units", empty),
    }


def remedy_settings(run: Run, kind: str) -> dict[str, Any]:
    """Return the settings of a fork that applies the remedy of a finding; empty if no setting does."""
    if run.record.is_watched or kind == "healthy":
        return {}
    return _remedy(run.config, kind)


def _remedy(config: "RunConfig", kind: str) -> dict[str, Any]:
    training, values = config.training, config.flat
    rate = training.learning_rate
    dropout = values.get("dropout")
    settings: dict[str, Any] = {}
    if kind in ("learning rate too high", "dying units"):
        settings = {"learning_rate": max(1e-7, rate / 10), "clip_norm": training.clip_norm or 1.0}
    elif kind == "learning rate too low":
        settings = {"learning_rate": min(10.0, rate * 100)}
    elif kind == "exploding":
        settings = {"clip_norm": 1.0, "learning_rate": max(1e-7, rate / 10)}
    elif kind == "vanishing":
        settings = {name: True for name in NORMALIZATION if values.get(name) is False}
    elif kind == "strong regularization":
        settings = {"weight_decay": training.weight_decay / 100}
        settings |= {} if dropout is None else {"dropout": round(dropout / 4, 3)}
    elif kind == "overfitting":
        settings = {"patience": training.patience or 3, "weight_decay": min(1.0, max(training.weight_decay * 10, 1e-4))}
        settings |= {} if dropout is None else {"dropout": round(min(0.5, dropout + 0.2), 3)}
    return {name: value for name, value in settings.items() if value != values.get(name)}


def fork_with_remedy(ref: str, kind: str = "") -> str:
    """Create a fork of a run with the remedy of its first finding, or of a kind; return the id, not started.

    Raises:
        RunError: no such run.
        RequestError: no finding has a remedy that is a setting.
    """
    from dlcore.runs import actions

    run = open_run(ref)
    kind = kind or diagnose_run(run)[0].kind
    settings = remedy_settings(run, kind)
    if not settings:
        raise RequestError(f"'{kind}' has no remedy among the settings of run {run.run_id}: see its remedy in words.")
    return actions.fork(run.run_id, settings).run_id
