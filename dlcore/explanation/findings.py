"""Results of an explanation's sanity checks: a status and a sentence, with the same thresholds for every modality."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from dlcore.explanation.sanity_checks import DeletionCurve

MAX_GAP, SMALL_GAP = 0.05, 0.01
"""Attributions are complete if their sum misses the difference by at most this share of it, or by less than
`SMALL_GAP` units of the quantity."""
MIN_DIFFERENCE = 1e-3
"""In units of the quantity: with a smaller difference between input and baseline there is nothing to explain."""
UNCHANGED, CHANGED = 0.5, 0.25
"""Rank correlation with the maps of random weights from which a map counts as unchanged, and below which as changed."""
AGREE, DISAGREE = 0.6, 0.2
"""Rank correlation from which two methods agree, and below which they disagree."""
BETTER = 0.9
"""The deletion curve's area must be below this share of the random orders' area."""

Status = Literal["passed", "mixed", "failed", "not applicable"]


@dataclass(frozen=True)
class SanityCheck:
    """One check of an explanation: its name, its status and the reason in a sentence."""

    name: str
    status: Status
    sentence: str

    def as_json(self) -> dict[str, str]:
        """Return the fields as a JSON-serializable dict."""
        return asdict(self)


@dataclass(frozen=True)
class CheckWording:
    """Words for what is explained, used in the sentences.

    quantity: the number that the attributions add up to; `unit` is a change of it that matters (0: relative only).
    """

    thing: str = "image"
    parts: str = "pixels"
    removed: str = "blackened"
    baseline: str = "a black image"
    result: str = "map"
    quantity: str = "The logit of the class"
    unit: float = 1.0


IMAGE = CheckWording()
TEXT = CheckWording("text", "words", "hidden", "a text of unknown words", "explanation")
MASKED_TEXT = CheckWording("text", "words", "hidden", "a text of masked words", "explanation")
"""For models trained on texts with masked words."""


def is_complete(output: float, baseline_output: float, delta: float, *, unit: float = 1.0) -> bool:
    """Return whether attributions that miss `output - baseline_output` by `delta` count as complete."""
    gap = abs(delta)
    return gap <= MAX_GAP * abs(output - baseline_output) or gap < SMALL_GAP * unit


def check_completeness(output: float, baseline_output: float, delta: float, *, of: CheckWording = IMAGE) -> SanityCheck:
    """Check that integrated gradients sum to the explained difference (completeness, Sundararajan et al. 2017)."""
    name, difference = "Completeness", output - baseline_output
    if abs(difference) <= MIN_DIFFERENCE * of.unit:
        sentence = (
            f"{of.quantity} is {output:.3g} for this {of.thing} and for {of.baseline}: the input hardly matters, so "
            "there is nothing to explain."
        )
        return SanityCheck(name, "not applicable", sentence)
    passed = is_complete(output, baseline_output, delta, unit=of.unit)
    verdict = "close enough" if passed else f"too far off, read the {of.result} with care"
    sentence = (
        f"{of.quantity} is {output:.3g} here and {baseline_output:.3g} for {of.baseline}. All {of.parts} together "
        f"account for {difference + delta:.3g} of the difference of {difference:.3g}, a gap of "
        f"{abs(delta) / abs(difference):.1%}: {verdict}."
    )
    return SanityCheck(name, "passed" if passed else "failed", sentence)


def check_random_weights(correlations: Sequence[float], *, of: CheckWording = IMAGE) -> SanityCheck:
    """Check that random weights give a different map (model randomization test, Adebayo et al. 2018)."""
    name, finite = "Depends on the weights", [value for value in correlations if np.isfinite(value)]
    if not finite:
        sentence = f"Networks with random weights give an empty {of.result}: there is nothing to compare."
        return SanityCheck(name, "not applicable", sentence)
    mean = float(np.mean(finite))
    networks = "a network" if len(finite) == 1 else f"{len(finite)} networks"
    numbers = (
        f"Rank correlation of the {of.parts} with {networks} of the same architecture and random weights: {mean:+.2f} "
        "(1 is the same order, 0 no relation)"
    )
    if abs(mean) < CHANGED:
        return SanityCheck(name, "passed", f"{numbers}. The {of.result} changes, so it depends on what was learned.")
    if abs(mean) < UNCHANGED:
        sentence = f"{numbers}. Part of the {of.result} comes from the {of.thing} and the architecture alone."
        return SanityCheck(name, "mixed", sentence)
    shows = "the outlines of the image" if of == IMAGE else "the architecture"
    how = "hardly changes" if mean > 0 else "is merely inverted"
    return SanityCheck(name, "failed", f"{numbers}. The {of.result} {how}: it shows {shows}, not what was learned.")


def check_agreement(correlation: float, *, first: str, second: str, of: CheckWording = IMAGE) -> SanityCheck:
    """Check that two methods rank the parts similarly."""
    name = "Agreement of two methods"
    if not np.isfinite(correlation):
        sentence = f"One of the two {of.result}s is constant: there is nothing to compare."
        return SanityCheck(name, "not applicable", sentence)
    numbers = f"Rank correlation of {first} and {second.lower()} over the {of.parts}: {correlation:+.2f}"
    if correlation >= AGREE:
        return SanityCheck(name, "passed", f"{numbers}. They agree.")
    if correlation >= DISAGREE:
        return SanityCheck(name, "mixed", f"{numbers}. They agree in part: rely on what both show.")
    return SanityCheck(name, "failed", f"{numbers}. They disagree: at least one of them misleads.")


def check_deletion(curve: DeletionCurve, *, of: CheckWording = IMAGE) -> SanityCheck:
    """Check that removing the highest-ranked parts lowers the probability faster than a random order (Petsiuk et al.
    2018)."""
    name = "Deletion test"
    numbers = (
        f"Mean probability of the class with the highest-ranked {of.parts} {of.removed} first: {curve.area:.0%}; in "
        f"random order {curve.chance_area:.0%}"
    )
    if curve.chance_area < SMALL_GAP:
        return SanityCheck(name, "not applicable", f"{numbers}. The class is unlikely from the start.")
    if curve.area < BETTER * curve.chance_area and curve.area < curve.low_area:
        return SanityCheck(name, "passed", f"{numbers}. These {of.parts} matter more than random ones.")
    if curve.area < curve.chance_area:
        return SanityCheck(name, "mixed", f"{numbers}. Hardly better than random {of.parts}.")
    return SanityCheck(name, "failed", f"{numbers}. Random {of.parts} matter as much or more.")
