"""Diagnose gradient flow by explicit rules: vanishing, exploding, dying units, not finite."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
Kind = Literal["not finite", "exploding", "vanishing", "dying units", "healthy"]

VANISHING = 1e-3
"""Vanishing: in the median of the probed steps, the first quarter of the layers has less than this share of the last
quarter's gradient (geometric means of their norms).
"""
EXPLODING = 100.0
"""Exploding: in the median of the probed steps, or at the first, some layer's norm exceeds this, or the first quarter
has more than 1 / `VANISHING` times the last quarter's. Networks that learn have 0.01 to 10.
"""
DYING = 0.5
"""Dying units: in the median of the later half of the probed steps, at least this share of a layer's ReLU units is zero
for every sample of the batch.
"""
RULES: dict[Kind, str] = {
    "not finite": "A gradient is infinite or NaN, or training stopped because numbers overflowed.",
    "exploding": f"In the median of the probed steps, or at the first, some layer's gradient norm exceeds "
    f"{EXPLODING:g}; or the first quarter of the layers has over {1 / VANISHING:,.0f} times the last quarter's.",
    "vanishing": "In the median of the probed steps, the first quarter of the layers has less than a "
    f"{1 / VANISHING:,.0f}th of the last quarter's gradient.",
    "dying units": f"In later steps, {DYING:.0%} or more of a layer's ReLU units are zero for every sample.",
    "healthy": "None of the above.",
}
"""One sentence per rule."""


@dataclass(frozen=True)
class GradientFinding:
    """A rule that applies: `layers` are the indices of the affected layers, `value` the measured quantity."""

    kind: Kind
    sentence: str
    layers: tuple[int, ...]
    value: float


@dataclass(frozen=True)
class GradientDiagnosis:
    """Diagnosis of a training run: findings, most severe first; `kind` is the first one's, or healthy.

    `ratio` is the median over steps of the first quarter's gradient divided by the last quarter's; `steps` are the
    first and last step considered.
    """

    findings: tuple[GradientFinding, ...]
    ratio: float
    steps: tuple[int, int]

    @property
    def kind(self) -> Kind:
        """The most severe finding."""
        return self.findings[0].kind


def diagnose_gradients(
    steps: np.ndarray,
    norms: np.ndarray,
    *,
    names: Sequence[str],
    dead: np.ndarray | None = None,
    until: int | None = None,
    broke_at: int = 0,
) -> GradientDiagnosis:
    """Diagnose norms (n, L) of L weight layers, in forward order, at steps (n,).

    dead: (n, L) shares of units that never fired, NaN for layers without ReLU. until: ignore later steps. broke_at:
    step at which training stopped on a non-finite number; 0 if it did not.
    """
    if broke_at and not len(steps):
        return GradientDiagnosis((_non_finite(broke_at),), float("nan"), (broke_at, broke_at))
    selected = slice(None) if until is None else steps <= until
    steps, norms = steps[selected], norms[selected].astype(float)
    span = (int(steps[0]), int(steps[-1]))
    finite = np.isfinite(norms).all(axis=0)
    if not finite.all():
        affected = tuple(int(i) for i in np.flatnonzero(~finite))
        sentence = f"At {_layer_names(names, affected)} the gradient became non-finite."
        return GradientDiagnosis((GradientFinding("not finite", sentence, affected, float("inf")),), float("nan"), span)
    ratio = quarter_ratio(norms)
    findings = [_non_finite(broke_at)] if broke_at else []
    findings += [*_exploding(norms, ratio, names), *_vanishing(norms, ratio, names)]
    if dead is not None and len(dead_shares := dead[selected][np.isfinite(dead[selected]).any(axis=1)]):
        findings += _dying(dead_shares, names)
    return GradientDiagnosis(tuple(findings) or (_healthy(ratio, names),), ratio, span)


def quarter_ratio(norms: np.ndarray) -> float:
    """Return the first quarter's gradient divided by the last quarter's, for norms (n, L): median over steps of the
    ratio of geometric means; 0 if no gradient arrives.
    """
    logs = np.log10(np.maximum(norms, np.finfo(float).tiny))
    first, last = (logs[:, part].mean(axis=1) for part in _quarters(norms.shape[1]))
    return float(10 ** np.median(first - last))


def _quarters(layers: int) -> tuple[slice, slice]:
    size = max(1, layers // 4)
    return slice(0, size), slice(layers - size, layers)


def _non_finite(step: int) -> GradientFinding:
    words = f"Training stopped at step {step}: the activations overflowed."
    return GradientFinding("not finite", words, (), float("inf"))


def _vanishing(norms: np.ndarray, ratio: float, names: Sequence[str]) -> list[GradientFinding]:
    if ratio >= VANISHING:
        return []
    medians = np.median(norms, axis=0)
    weak = tuple(int(i) for i in np.flatnonzero(medians < VANISHING * medians.max()))
    sentence = (
        f"The gradient vanishes: {names[0]} gets {format_number(medians[0])}, {names[-1]} gets "
        f"{format_number(medians[-1])}. At {_layer_names(names, weak)} its norm is below a "
        f"{1 / VANISHING:,.0f}th of the largest: these layers hardly learn."
    )
    return [GradientFinding("vanishing", sentence, weak, ratio)]


def _exploding(norms: np.ndarray, ratio: float, names: Sequence[str]) -> list[GradientFinding]:
    medians, start = np.median(norms, axis=0), norms[0]
    for layer_norms, when in ((medians, ""), (start, "with the initial weights ")):
        exploding = tuple(int(i) for i in np.flatnonzero(layer_norms > EXPLODING))
        if exploding:
            largest = int(layer_norms.argmax())
            note = f"; clipping or small steps reduce it to {format_number(medians[largest])} later" if when else ""
            sentence = (
                f"The gradient explodes: {when}its norm exceeds {EXPLODING:g} at "
                f"{_layer_names(names, exploding)}, up to {format_number(layer_norms[largest])}{note}."
            )
            return [GradientFinding("exploding", sentence, exploding, float(layer_norms[largest]))]
    if ratio > 1 / VANISHING:
        first = tuple(range(_quarters(norms.shape[1])[0].stop))
        sentence = (
            "The gradient grows towards the input: the first quarter of the layers has "
            f"{format_number(ratio)} times the last's."
        )
        return [GradientFinding("exploding", sentence, first, ratio)]
    return []


def _dying(dead: np.ndarray, names: Sequence[str]) -> list[GradientFinding]:
    later = dead[len(dead) // 2 :]
    with_relu = np.isfinite(later).all(axis=0)
    share = np.where(with_relu, np.median(np.nan_to_num(later), axis=0), 0.0)
    layers = tuple(int(i) for i in np.flatnonzero(share >= DYING))
    if not layers:
        return []
    worst = int(share.argmax())
    sentence = (
        f"Dead units: at {_layer_names(names, layers)} at least half of the units are zero for every sample; "
        f"worst is {names[worst]} with {share[worst]:.0%}."
    )
    return [GradientFinding("dying units", sentence, layers, float(share[worst]))]


def _healthy(ratio: float, names: Sequence[str]) -> GradientFinding:
    if 1 / 2 < ratio < 2:
        share = "about as much as"
    else:
        share = f"{format_number(ratio)} times as much as" if ratio > 1 else f"1/{format_number(1 / ratio)} of"
    sentence = f"Gradient flow is healthy: the first quarter of the {len(names)} layers gets {share} the last quarter."
    return GradientFinding("healthy", sentence, (), ratio)


def _layer_names(names: Sequence[str], layers: tuple[int, ...]) -> str:
    """Describe layers in words: one, a range, or a count."""
    if len(layers) == 1:
        return names[layers[0]]
    if layers[-1] - layers[0] == len(layers) - 1:
        return f"{names[layers[0]]} to {names[layers[-1]]}"
    return f"{len(layers)} layers between {names[layers[0]]} and {names[layers[-1]]}"


def format_number(value: float) -> str:
    """Format a number of any magnitude for display."""
    if value == 0 or 0.01 <= value < 1000:
        return f"{value:.0f}" if value >= 100 else f"{value:.2g}"
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{mantissa} × 10{str(int(exponent)).translate(_RAISED)}"
