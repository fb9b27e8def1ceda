"""What the tests of an explanation found, in words: each a verdict and the sentence behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dlcore.explanation.sanity_checks import DeletionCurve

SUM_OFF, SUM_SMALL = 0.05, 0.01
"""The sum may miss the score by this share of it, or by so little, and still be called right."""
BLIND = 1e-3
"""A score that changes by less from nothing to the picture is not about the picture."""
SAME, CHANGED = 0.5, 0.25
"""Rank correlation with random weights' maps from which a map counts as the same, and below which as another one."""
ALIKE, UNLIKE = 0.6, 0.2
"""Rank correlation from which two methods tell the same story, and below which they disagree."""
BETTER = 0.9
"""The deletion curve's area must be below this share of chance's."""

Kind = Literal["passed", "in part", "failed", "not told"]


@dataclass(frozen=True)
class SanityCheck:
    """One test of an explanation: its `name`, how it went, and why, in a sentence."""

    name: str
    kind: Kind
    sentence: str


@dataclass(frozen=True)
class CheckWording:
    """What is explained, its parts, how a part is taken away, and what counts as nothing."""

    thing: str = "picture"
    parts: str = "pixels"
    gone: str = "blackened"
    nothing: str = "a black picture"
    result: str = "map"


PICTURE, TEXT = CheckWording(), CheckWording("text", "words", "hidden", "as many unknown words", "explanation")
MASKED = CheckWording("text", "words", "hidden", "as many masked words", "explanation")
"""Of a network that learnt from texts with masked words."""


def check_completeness(output: float, floor: float, delta: float, *, of: CheckWording = PICTURE) -> SanityCheck:
    """Whether integrated gradients sum to what they explain (completeness, Sundararajan et al. 2017)."""
    total, gap = output - floor, abs(delta)
    if abs(total) < BLIND:
        return SanityCheck(
            "Adds up",
            "not told",
            f"The class's score is {output:.2f} for this {of.thing} and for {of.nothing} alike: the network hardly "
            "looks at its input, so there is nothing to explain.",
        )
    share = gap / max(abs(total), 1e-9)
    good = share <= SUM_OFF or gap < SUM_SMALL
    return SanityCheck(
        "Adds up",
        "passed" if good else "failed",
        f"The class's score, before it becomes a probability, is {output:.2f} here and {floor:.2f} for {of.nothing}. "
        f"All {of.parts} together account for {total + delta:.2f} of the {total:.2f} between them, a gap of "
        f"{share:.1%}: " + ("close enough." if good else f"too far off, read the {of.result} with care."),
    )


def check_random_weights(values: Sequence[float], *, of: CheckWording = PICTURE) -> SanityCheck:
    """Whether the map is about the model: random weights must give another one (Adebayo et al. 2018)."""
    name, known = "Depends on what was learnt", [value for value in values if np.isfinite(value)]
    if not known:
        return SanityCheck(
            name, "not told", f"Networks that never learnt give an empty {of.result}: there is nothing to compare."
        )
    mean = float(np.mean(known))
    drawn = "a network" if len(known) == 1 else f"{len(known)} networks"
    numbers = (
        f"Against {drawn} of the same build that never learnt, the {of.parts}' order agrees at {mean:+.2f} (1 is the "
    )
    numbers += "same order, 0 no relation)"
    if abs(mean) < CHANGED:
        return SanityCheck(name, "passed", f"{numbers}: the {of.result} changes, so it is about what was learnt.")
    if abs(mean) < SAME:
        words = f"some of the {of.result} comes from the {of.thing} and the build alone, whatever was learnt."
        return SanityCheck(name, "in part", f"{numbers}: {words}")
    shows = "the picture's outlines" if of == PICTURE else "how the network is built"
    how = "hardly changes" if mean > 0 else "is merely turned round, strong for weak"
    words = f"the {of.result} {how}, so it shows {shows} rather than what was learnt."
    return SanityCheck(name, "failed", f"{numbers}: {words}")


def check_agreement(value: float, *, one: str, other: str, of: CheckWording = PICTURE) -> SanityCheck:
    """Whether two methods put the pixels in the same order."""
    name = "Another method agrees"
    if not np.isfinite(value):
        return SanityCheck(
            name, "not told", f"One of the two {of.result}s is the same everywhere: there is nothing to compare."
        )
    numbers = f"{one} and {other.lower()} put the {of.parts} in an order that agrees at {value:+.2f}"
    if value >= ALIKE:
        return SanityCheck(name, "passed", f"{numbers}: they tell the same story.")
    if value >= UNLIKE:
        return SanityCheck(name, "in part", f"{numbers}: they agree in part. Trust what both of them show.")
    return SanityCheck(name, "failed", f"{numbers}: they disagree, so at least one of them misleads.")


def check_deletion(found: DeletionCurve, *, of: CheckWording = PICTURE) -> SanityCheck:
    """Whether taking away the pixels named hurts more than taking away any others (Petsiuk et al. 2018)."""
    name = f"Its {of.parts} matter"
    numbers = (
        f"With the {of.result}'s best {of.parts} {of.gone} first, the class keeps {found.area:.0%} of probability on "
        f"average; in random order {found.chance_area:.0%}"
    )
    if found.chance_area < SUM_SMALL:
        return SanityCheck(
            name, "not told", f"{numbers}: the class is unlikely from the start, so nothing can be lost."
        )
    if found.area < BETTER * found.chance_area and found.area < found.low_area:
        return SanityCheck(name, "passed", f"{numbers}: these {of.parts} matter more than any drawn by chance.")
    if found.area < found.chance_area:
        return SanityCheck(name, "in part", f"{numbers}: hardly better than {of.parts} drawn by chance.")
    return SanityCheck(name, "failed", f"{numbers}: {of.parts} drawn by chance matter as much or more.")
