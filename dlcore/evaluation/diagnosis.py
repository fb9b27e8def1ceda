"""Rules that name what is wrong with a training: measured numbers in, findings with evidence and remedy out.

`tests/benchmarks/diagnosis.py` measures how often the first finding is right.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from dlcore.evaluation import gradient_flow
from dlcore.evaluation.data_checks import DataChecks, minority_ratio
from dlcore.evaluation.gradient_flow import format_number

Kind = Literal[
    "softmax output",
    "gradients not zeroed",
    "validation in training mode",
    "missing activation",
    "inputs not scaled",
    "targets shifted",
    "labels shuffled",
    "validation leak",
    "class imbalance",
    "strong regularization",
    "exploding",
    "vanishing",
    "dying units",
    "learning rate too high",
    "learning rate too low",
    "overfitting",
    "healthy",
]
REMEDIES: dict[Kind, str] = {
    "softmax output": "Return logits: cross_entropy applies log-softmax itself.",
    "gradients not zeroed": "Call optimizer.zero_grad() in every step.",
    "validation in training mode": "Call model.eval() before validation, and model.train() after it.",
    "missing activation": "Put an activation such as ReLU between the layers.",
    "inputs not scaled": "Standardize the inputs with mean and standard deviation of the training split.",
    "targets shifted": "Align inputs and targets: they are rows apart.",
    "labels shuffled": "Check how labels are joined to inputs: nearest neighbors do not share them.",
    "validation leak": "Remove the samples of the training split from the validation split.",
    "class imbalance": "Weight the loss by class, or sample the classes evenly.",
    "strong regularization": "Lower weight decay and dropout to a tenth.",
    "exploding": "Start with smaller weights, add normalization, and clip the gradient (clip_norm 1).",
    "vanishing": "Use ReLU instead of sigmoid, and add normalization or skip connections.",
    "dying units": "Lower the learning rate, initialize biases with zero, or use leaky ReLU.",
    "learning rate too high": "Lower the learning rate to a tenth, or find it by a range test.",
    "learning rate too low": "Raise the learning rate a hundredfold, or find it by a range test.",
    "overfitting": "Stop at the best epoch; add weight decay, dropout, augmentation or data.",
    "healthy": "",
}
STALE_GRADIENTS = 0.5
"""Share of the measured steps whose backward pass found gradients of the step before."""
BARE = 0.3
"""Share of consecutive layers without an activation between."""
SPREAD, OFFSET = 10.0, 10.0
"""Largest standard deviation and mean of an input feature."""
ERRORS = 4.0
"""Standard errors by which an agreement of neighbors has to differ."""
UNRELATED = 0.1
"""Largest agreement of neighbors above chance where labels say nothing about inputs."""
LEAKED = 0.1
IMBALANCE = 8.0
DROPOUT, DECAY = 0.75, 0.3
"""Dropout from which regularization is strong; the same of the share of weight decay in the updates."""
SMALL_UPDATE, LARGE_UPDATE = 2e-4, 0.15
"""Median update ratio of a step below which little is learned, and from which a step destroys the layer."""
PROGRESS = 0.75
"""Loss at the end over that at the start, above which little was learned."""
UNSTABLE = 3.0
FEW = 3
OVERFITTING = 1.1
"""Lowest validation loss of the last `FEW` epochs over its minimum, while the training loss still falls; a single epoch
may jump. Healthy runs of the networks of the rules have at most 1.04, overfitting ones at least 1.14.
"""


@dataclass(frozen=True)
class RunFinding:
    """One finding: what is wrong, the numbers that say so, its confidence (0 to 1), and what to try."""

    kind: Kind
    evidence: str
    confidence: float
    remedy: str


@dataclass(frozen=True)
class Measurements:
    """What was measured of a training; an empty value or NaN is unknown.

    `losses` (n,) of single steps, `train_losses` and `validation_losses` (E,) by epoch, `validation_accuracy` the last
    one; `norms`, `update_ratios` and `dead` (n, L) of the layers `names` at probed `steps` (n,). `kept_gradients` is
    the share of measured steps that began with gradients of the step before. `validation_gap` is the reported
    validation loss over that in evaluation mode. `decay` is learning rate times weight decay.
    """

    losses: np.ndarray = field(default_factory=lambda: np.empty(0))
    train_losses: np.ndarray = field(default_factory=lambda: np.empty(0))
    validation_losses: np.ndarray = field(default_factory=lambda: np.empty(0))
    validation_accuracy: float = float("nan")
    steps: np.ndarray = field(default_factory=lambda: np.empty(0))
    names: tuple[str, ...] = ()
    norms: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    update_ratios: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    dead: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    failed_step: int = 0
    kept_gradients: float = 0.0
    validation_in_training_mode: bool = False
    decay: float = 0.0
    dropout: float = 0.0
    is_softmax: bool = False
    products: int = 0
    bare: int = 0
    data: DataChecks | None = None
    is_classification: bool = True


def diagnose(measured: Measurements) -> list[RunFinding]:
    """Return the findings, the likeliest cause first; one finding "healthy" if no rule applies.

    Direct evidence comes before what may follow from it: unscaled inputs before exploding gradients.
    """
    findings = [finding for rule in _RULES for finding in rule(measured)]
    return findings or [RunFinding("healthy", "No rule applies to what was measured.", 0.9, "")]


def _find(kind: Kind, evidence: str, confidence: float) -> RunFinding:
    return RunFinding(kind, evidence, round(float(np.clip(confidence, 0.0, 0.99)), 2), REMEDIES[kind])


def _softmax(m: Measurements) -> Iterator[RunFinding]:
    if m.is_softmax and m.is_classification:
        yield _find("softmax output", "The outputs are not negative and sum to 1: cross_entropy needs logits.", 0.99)


def _kept(m: Measurements) -> Iterator[RunFinding]:
    if m.kept_gradients >= STALE_GRADIENTS:
        evidence = f"In {m.kept_gradients:.0%} of the measured steps, gradients of the step before were still there."
        yield _find("gradients not zeroed", evidence, m.kept_gradients)


def _training_mode(m: Measurements) -> Iterator[RunFinding]:
    if m.validation_in_training_mode:
        yield _find("validation in training mode", "The network was in training mode when it was validated.", 0.95)


def _activation(m: Measurements) -> Iterator[RunFinding]:
    if m.products and m.bare / m.products >= BARE:
        evidence = f"{m.bare} of {m.products} consecutive layers have no activation between them."
        yield _find("missing activation", evidence, 0.6 + 0.35 * m.bare / m.products)


def _scale(m: Measurements) -> Iterator[RunFinding]:
    if m.data is None or not np.isfinite(m.data.spread):
        return
    if m.data.spread > SPREAD or m.data.offset > OFFSET:
        evidence = (
            f"The largest standard deviation of an input is {format_number(m.data.spread)}, the largest mean "
            f"{format_number(m.data.offset)}; about 1 and 0 are usual."
        )
        yield _find("inputs not scaled", evidence, 0.95 if max(m.data.spread, m.data.offset) > 3 * SPREAD else 0.7)


def _targets(m: Measurements) -> Iterator[RunFinding]:
    if m.data is None or not m.data.agreement:
        return
    here, chance, error = m.data.agreement[0], m.data.chance, m.data.deviation
    shift = max(m.data.agreement, key=lambda each: m.data.agreement[each] if m.data else 0.0)
    best = m.data.agreement[shift]
    if shift and best - max(here, chance) > ERRORS * error:
        evidence = (
            f"Nearest neighbors share the target in {here:.0%} of the samples, but in {best:.0%} if targets move by "
            f"{shift:+d} rows."
        )
        yield _find("targets shifted", evidence, 0.6 + (best - here) / 2)
    elif here - chance < min(ERRORS * error, UNRELATED) and not _learns_validation(m):
        evidence = (
            f"Nearest neighbors share the target in {here:.0%} of the samples; unrelated ones would in {chance:.0%}."
        )
        yield _find("labels shuffled", evidence, 0.8)


def _learns_validation(m: Measurements) -> bool:
    """Whether the validation says that inputs do tell something about targets."""
    data = m.data
    if data is None or not np.isfinite(m.validation_accuracy):
        return len(m.validation_losses) >= FEW and m.validation_losses.min() < 0.8 * m.validation_losses[0]
    return bool(m.validation_accuracy > data.chance + 2 * ERRORS * data.deviation)


def _leak(m: Measurements) -> Iterator[RunFinding]:
    if m.data is not None and m.data.leaked > LEAKED:
        evidence = f"{m.data.leaked:.0%} of the validation inputs are in the training split too."
        yield _find("validation leak", evidence, 0.95)


def _imbalance(m: Measurements) -> Iterator[RunFinding]:
    if m.data is None or len(m.data.class_counts) < 2:
        return
    counts = m.data.class_counts
    ratio, most, least = minority_ratio(counts), max(counts), min(counts)
    if ratio >= IMBALANCE and most - most**0.5 > IMBALANCE * (least + (least + 1) ** 0.5):  # beyond chance
        evidence = f"The largest class has {max(counts):,} training samples, the smallest {min(counts):,}."
        yield _find("class imbalance", evidence, 0.7 if ratio < 2 * IMBALANCE else 0.9)


def _regularization(m: Measurements) -> Iterator[RunFinding]:
    if m.dropout >= DROPOUT:
        evidence = f"Dropout zeroes {m.dropout:.0%} of the values of a layer."
        yield _find("strong regularization", evidence, 0.85)
        return
    early = _median(_early(m.update_ratios))
    if m.decay and m.decay >= DECAY * early:
        evidence = (
            f"Weight decay shrinks the weights by {format_number(100 * m.decay)} % per step; a whole update is "
            f"{format_number(100 * early)} % of them."
        )
        yield _find("strong regularization", evidence, 0.85)


def _flow(m: Measurements) -> Iterator[RunFinding]:
    if len(m.steps) < FEW or not m.norms.size or _overflow(m):
        return
    dead = m.dead if m.dead.size else None
    result = gradient_flow.diagnose_gradients(m.steps, m.norms, names=m.names, dead=dead)
    kinds = {finding.kind: finding for finding in result.findings}
    for kind in ("exploding", "dying units", "vanishing"):
        if kind in kinds and not (kind == "exploding" and _destroys(m)):
            yield _find(kind, kinds[kind].sentence, 0.8)


def _destroys(m: Measurements) -> bool:
    """Whether early updates are so large that the learning rate explains large gradients, which began small."""
    if not m.update_ratios.size or not m.norms.size:
        return False
    return bool(_median(_early(m.update_ratios)) > LARGE_UPDATE and m.norms[0].max() < 100)


def _high_rate(m: Measurements) -> Iterator[RunFinding]:
    early = _median(_early(m.update_ratios))
    if overflow := _overflow(m):
        kind: Kind = (
            "exploding" if m.norms.size and m.norms[0].max() > gradient_flow.EXPLODING else "learning rate too high"
        )
        yield _find(kind, f"Numbers overflow from step {overflow} on.", 0.7)
    if overflow or len(m.losses) < 10 * FEW:
        return
    start, end = _ends(m.losses)
    first, peak = float(m.losses[0]), float(m.losses.max())
    if (peak > UNSTABLE * max(first, 1e-12) and not _is_small(early)) or (early > LARGE_UPDATE and end > 0.5 * start):
        size = f"{format_number(100 * early)} % of" if early < 1 else f"{format_number(early)} times"
        evidence = (
            f"The batch loss goes from {format_number(first)} to at most {format_number(peak)} and ends at "
            f"{format_number(end)}; early updates are {size} the weights."
        )
        yield _find("learning rate too high", evidence, 0.85 if early > LARGE_UPDATE else 0.6)


def _overflow(m: Measurements) -> int:
    """Return the first step whose numbers are not finite, or 0."""
    if m.failed_step:
        return m.failed_step
    broken = np.flatnonzero(~np.isfinite(m.losses))
    if not len(broken) and m.norms.size:
        rows = np.flatnonzero(~np.isfinite(m.norms).all(axis=1))
        return int(m.steps[rows[0]]) if len(rows) else 0
    return int(broken[0]) + 1 if len(broken) else 0


def _low_rate(m: Measurements) -> Iterator[RunFinding]:
    overall = _median(m.update_ratios)
    if len(m.losses) < 10 * FEW or not _is_small(overall):
        return
    start, end = _ends(m.losses)
    if end > PROGRESS * start:
        evidence = (
            f"The batch loss goes from {format_number(start)} to {format_number(end)}; an update is "
            f"{format_number(100 * overall)} % of the weights."
        )
        yield _find("learning rate too low", evidence, 0.85)


def _is_small(ratio: float) -> bool:
    return ratio < SMALL_UPDATE


def _ends(losses: np.ndarray) -> tuple[float, float]:
    """Return the mean loss of the first steps and of the last ones."""
    return float(losses[:5].mean()), float(losses[-max(5, len(losses) // 10) :].mean())


def _early(rows: np.ndarray) -> np.ndarray:
    return rows[: max(1, len(rows) // 4)]


def _median(ratios: np.ndarray) -> float:
    """Return the median over steps of the median over layers."""
    rows = [np.nanmedian(row) for row in ratios if np.isfinite(row).any()]
    return float(np.median(rows)) if rows else float("nan")


def _overfitting(m: Measurements) -> Iterator[RunFinding]:
    train, validation = m.train_losses, m.validation_losses
    if min(len(train), len(validation)) < FEW:
        return
    best = int(np.argmin(validation))
    ratio = float(validation[-FEW:].min() / max(float(validation[best]), 1e-12))
    if ratio > OVERFITTING and train[-1] < train[min(best, len(train) - 1)] and validation[-1] > 2 * train[-1]:
        evidence = (
            f"The validation loss is lowest at epoch {best + 1} ({validation[best]:.3g}) and ends at "
            f"{validation[-1]:.3g}, while the training loss falls to {train[-1]:.3g}."
        )
        yield _find("overfitting", evidence, 0.6 + min(0.35, (ratio - 1) / 3))


_RULES: tuple[Callable[[Measurements], Iterator[RunFinding]], ...] = (
    *(_softmax, _kept, _training_mode, _activation, _scale, _leak, _imbalance, _targets, _regularization),
    *(_high_rate, _flow, _low_rate, _overfitting),
)
