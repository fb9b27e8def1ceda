"""Whether the gradient reaches every layer: a verdict in words, by rules that are written down, with its evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
Kind = Literal["not finite", "exploding", "vanishing", "dying units", "healthy"]

VANISHING = 1e-3
"""Vanishing: in the median of the probed steps the first quarter of the layers has less than this share of the last
quarter's gradient (geometric means of their norms)."""
EXPLODING = 100.0
"""Exploding: in the median of the probed steps or at the first of them some layer's norm is above this, or the first
quarter has more than 1 / `VANISHING` times the last quarter's. A network that learns has 0.01 to 10."""
DYING = 0.5
"""Dying units: in the median of the later half of the probed steps a layer has at least this share of ReLU units that
no sample of the batch made positive."""
RULES: dict[Kind, str] = {
    "not finite": "A gradient is infinite or not a number, or training broke off since numbers overflowed.",
    "exploding": f"In the middle of the probed steps, or at the first of them, some layer's gradient is longer than "
    f"{EXPLODING:g}; or the first quarter of the layers gets over {1 / VANISHING:,.0f} times as much as the last.",
    "vanishing": "In the middle of the probed steps the first quarter of the layers gets less than a "
    f"{1 / VANISHING:,.0f}th of the last quarter's gradient.",
    "dying units": f"Later on, {DYING:.0%} or more of a layer's ReLU units stay at zero for every sample.",
    "healthy": "None of these.",
}
"""Every rule in one sentence."""


@dataclass(frozen=True)
class GradientFinding:
    """One rule that holds: `layers` are the places of the layers that show it, `value` what was measured of them."""

    kind: Kind
    sentence: str
    layers: tuple[int, ...]
    value: float


@dataclass(frozen=True)
class GradientDiagnosis:
    """What holds of a training: the findings, the gravest first; `kind` is that one's, or healthy.

    `ratio` is the median over steps of the first quarter's gradient over the last quarter's; `steps` the first and the
    last step that was looked at.
    """

    findings: tuple[GradientFinding, ...]
    ratio: float
    steps: tuple[int, int]

    @property
    def kind(self) -> Kind:
        """The gravest finding."""
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
    """Judge norms (n, L) of L layers with weights, in forward order, at steps (n,).

    dead: (n, L) shares of units that never fired, not-a-number where a layer has no ReLU. until: look no further.
    broke_at: the step at which training broke off since a number was not finite; 0 where it did not.
    """
    if broke_at and not len(steps):
        return GradientDiagnosis((_broken(broke_at),), float("nan"), (broke_at, broke_at))
    seen = slice(None) if until is None else steps <= until
    steps, norms = steps[seen], norms[seen].astype(float)
    span = (int(steps[0]), int(steps[-1]))
    finite = np.isfinite(norms).all(axis=0)
    if not finite.all():
        broken = tuple(int(i) for i in np.flatnonzero(~finite))
        words = f"At {_named(names, broken)} the gradient stopped being a finite number."
        return GradientDiagnosis((GradientFinding("not finite", words, broken, float("inf")),), float("nan"), span)
    ratio = quarter_ratio(norms)
    findings = [_broken(broke_at)] if broke_at else []
    findings += [*_exploding(norms, ratio, names), *_vanishing(norms, ratio, names)]
    if dead is not None and len(looked := dead[seen][np.isfinite(dead[seen]).any(axis=1)]):
        findings += _dying(looked, names)
    return GradientDiagnosis(tuple(findings) or (_healthy(ratio, names),), ratio, span)


def quarter_ratio(norms: np.ndarray) -> float:
    """The first quarter's gradient over the last quarter's, norms (n, L): the median over steps of the geometric means'
    ratio; 0 where nothing arrives at all."""
    logs = np.log10(np.maximum(norms, np.finfo(float).tiny))
    first, last = (logs[:, part].mean(axis=1) for part in _quarters(norms.shape[1]))
    return float(10 ** np.median(first - last))


def _quarters(layers: int) -> tuple[slice, slice]:
    size = max(1, layers // 4)
    return slice(0, size), slice(layers - size, layers)


def _broken(step: int) -> GradientFinding:
    words = f"Training broke off at step {step}: the signal grew until it was no number any more."
    return GradientFinding("not finite", words, (), float("inf"))


def _vanishing(norms: np.ndarray, ratio: float, names: Sequence[str]) -> list[GradientFinding]:
    if ratio >= VANISHING:
        return []
    middle = np.median(norms, axis=0)
    weak = tuple(int(i) for i in np.flatnonzero(middle < VANISHING * middle.max()))
    words = (
        f"The gradient vanishes on its way back: {names[0]} gets {format_number(middle[0])}, {names[-1]} gets "
        f"{format_number(middle[-1])}. At {_named(names, weak)} it is shorter than a "
        f"{1 / VANISHING:,.0f}th of the longest: they hardly learn."
    )
    return [GradientFinding("vanishing", words, weak, ratio)]


def _exploding(norms: np.ndarray, ratio: float, names: Sequence[str]) -> list[GradientFinding]:
    middle, start = np.median(norms, axis=0), norms[0]
    for values, when in ((middle, ""), (start, "with its first weights ")):
        large = tuple(int(i) for i in np.flatnonzero(values > EXPLODING))
        if large:
            top = int(values.argmax())
            calms = f"; clipping or small steps tame it to {format_number(middle[top])} later" if when else ""
            words = (
                f"The gradient explodes: {when}it is longer than {EXPLODING:g} at {_named(names, large)}, up to "
                f"{format_number(values[top])}{calms}."
            )
            return [GradientFinding("exploding", words, large, float(values[top]))]
    if ratio > 1 / VANISHING:
        first = tuple(range(_quarters(norms.shape[1])[0].stop))
        words = (
            "The gradient grows on its way back: the first quarter of the layers has "
            f"{format_number(ratio)} times the last's."
        )
        return [GradientFinding("exploding", words, first, ratio)]
    return []


def _dying(dead: np.ndarray, names: Sequence[str]) -> list[GradientFinding]:
    later = dead[len(dead) // 2 :]
    with_relu = np.isfinite(later).all(axis=0)
    share = np.where(with_relu, np.median(np.nan_to_num(later), axis=0), 0.0)
    gone = tuple(int(i) for i in np.flatnonzero(share >= DYING))
    if not gone:
        return []
    worst = int(share.argmax())
    words = (
        f"Units die: at {_named(names, gone)} half of the units or more give zero whatever is shown; "
        f"worst is {names[worst]} with {share[worst]:.0%}."
    )
    return [GradientFinding("dying units", words, gone, float(share[worst]))]


def _healthy(ratio: float, names: Sequence[str]) -> GradientFinding:
    if 1 / 2 < ratio < 2:
        share = "about as much as"
    else:
        share = f"{format_number(ratio)} times as much as" if ratio > 1 else f"1/{format_number(1 / ratio)} of"
    words = f"The gradient arrives: the first quarter of the {len(names)} layers gets {share} the last quarter."
    return GradientFinding("healthy", words, (), ratio)


def _named(names: Sequence[str], places: tuple[int, ...]) -> str:
    """Layers in words: one, a stretch, or how many."""
    if len(places) == 1:
        return names[places[0]]
    if places[-1] - places[0] == len(places) - 1:
        return f"{names[places[0]]} to {names[places[-1]]}"
    return f"{len(places)} layers between {names[places[0]]} and {names[places[-1]]}"


def format_number(value: float) -> str:
    """A number as people read it, however small or large."""
    if value == 0 or 0.01 <= value < 1000:
        return f"{value:.0f}" if value >= 100 else f"{value:.2g}"
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{mantissa} × 10{str(int(exponent)).translate(_RAISED)}"
