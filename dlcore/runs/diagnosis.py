"""Diagnosis of a run by explicit rules on its curves and gradients; each finding has its evidence and a remedy.

The rules for gradients are those of `evaluation.gradient_flow`. How often the rules are right is not measured.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dlcore.evaluation import gradient_flow
from dlcore.runs.record import Curve, Record
from dlcore.runs.run import Run, open_run

OVERFITTING = 1.1
"""Validation loss at the end over its minimum, while the training loss still falls."""
NO_PROGRESS = 0.95
"""Training loss at the end over that at the start, from which on nothing was learned."""
UNSTABLE = 3.0
"""Largest batch loss over the first one, which no update has changed."""
FEW = 3
REMEDIES = {
    "not finite": "Lower the learning rate to a tenth, or clip the gradient (clip_norm 1).",
    "exploding": "Clip the gradient (clip_norm 1), or lower the learning rate; normalize layers.",
    "vanishing": "Add skip connections or normalization; use ReLU instead of sigmoid or tanh.",
    "dying units": "Lower the learning rate, or use leaky ReLU.",
    "overfitting": "Stop at the best epoch; add weight decay, dropout, augmentation or data.",
    "no progress": "Try a learning rate ten times as high and as low; check labels and the scale of inputs.",
    "unstable": "Lower the learning rate, or warm it up.",
    "healthy": "",
}


@dataclass(frozen=True)
class RunFinding:
    """One finding: its kind, what was measured, and what to try."""

    kind: str
    evidence: str
    remedy: str


def diagnose(ref: str) -> dict[str, Any]:
    """Diagnose a run: `run_id` and its findings, most severe first; one finding "healthy" if no rule applies.

    Raises:
        RunError: no such run.
    """
    run = open_run(ref)
    return {"run_id": run.run_id, "findings": [asdict(finding) for finding in diagnose_run(run)]}


def diagnose_run(run: Run) -> list[RunFinding]:
    """Return the findings about a run."""
    record, history = run.record, run.history()
    findings = [*_gradients(run, record), *_curves(history)]
    return findings or [RunFinding("healthy", "No rule applies to its curves and gradients.", "")]


def _gradients(run: Run, record: Record) -> list[RunFinding]:
    if record.reason.startswith("not finite"):
        return [RunFinding("not finite", record.reason, REMEDIES["not finite"])]
    norms = run.gradients()
    if norms is None or len(norms.steps) < FEW:
        return []
    diagnosis = gradient_flow.diagnose_gradients(
        norms.steps, norms.norms, names=norms.layers, dead=norms.measures.get("dead_units")
    )
    return [
        RunFinding(finding.kind, finding.sentence, REMEDIES[finding.kind])
        for finding in diagnosis.findings
        if finding.kind != "healthy"
    ]


def _curves(history: Mapping[str, Curve]) -> list[RunFinding]:
    findings = []
    batch, train, validation = (history.get(name) for name in ("batch_loss", "train_loss", "validation_loss"))
    if batch is not None and len(batch.values) >= 10 * FEW:
        start, later = float(batch.values[0]), float(batch.values.max())
        if later > UNSTABLE * start > 0:
            evidence = f"The batch loss rises to {later:.3g}, from {start:.3g} at the start."
            findings.append(RunFinding("unstable", evidence, REMEDIES["unstable"]))
    if train is not None and len(train.values) >= FEW and train.values[-1] > NO_PROGRESS * train.values[0] > 0:
        evidence = f"The training loss goes from {train.values[0]:.3g} to {train.values[-1]:.3g}."
        findings.append(RunFinding("no progress", evidence, REMEDIES["no progress"]))
    if train is not None and validation is not None and min(len(train.values), len(validation.values)) >= FEW:
        best = int(np.argmin(validation.values))
        ratio = float(validation.values[-1] / max(float(validation.values[best]), 1e-12))
        if ratio > OVERFITTING and best < len(train.values) and train.values[-1] < train.values[best]:
            evidence = (
                f"The validation loss is lowest at epoch {best + 1} ({validation.values[best]:.3g}) and ends at "
                f"{validation.values[-1]:.3g}, while the training loss falls to {train.values[-1]:.3g}."
            )
            findings.append(RunFinding("overfitting", evidence, REMEDIES["overfitting"]))
    return findings
