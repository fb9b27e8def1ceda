"""A look at training data: scale of the inputs, class counts, whether inputs say anything about targets, duplicates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

SAMPLES = 600
"""Consecutive training samples that the neighbors are searched in."""
NEIGHBORS = 5
SHIFTS = (0, 1, 2, 3, -1, -2, -3)


@dataclass(frozen=True)
class DataChecks:
    """What a look at the data says.

    `spread` is the largest standard deviation of an input feature, `offset` the largest absolute mean of one, both of
    float inputs; NaN for token ids. `agreement` is, by shift of the targets, the share of samples whose nearest
    neighbors have the same class (R² of their mean for numbers); `chance` is what unrelated targets give and
    `deviation` its standard error. `leaked` is the share of validation inputs that are also training inputs.
    """

    spread: float = float("nan")
    offset: float = float("nan")
    class_counts: tuple[int, ...] = ()
    agreement: Mapping[int, float] = field(default_factory=dict)
    chance: float = 0.0
    deviation: float = 1.0
    leaked: float = 0.0


def check_data(
    inputs: np.ndarray, targets: np.ndarray, validation: np.ndarray, *, classes: int = 0, is_tokens: bool = False
) -> DataChecks:
    """Check training inputs (N, ...), targets (N,) in the order of the source, and validation inputs (M, ...).

    classes: their number, 0 for targets that are numbers. is_tokens: whether inputs are token ids.
    """
    count = min(len(inputs), SAMPLES)
    x, y = _features(inputs[:count], is_tokens), targets[:count]
    neighbors = _neighbors(x)
    agreement = {shift: _agreement(neighbors, np.roll(y, -shift), classes) for shift in SHIFTS}
    shares = np.bincount(y.astype(np.int64), minlength=classes) / count if classes else np.ones(1)
    chance = float(max(shares.max(), (shares**2).sum())) if classes else 0.0
    spread, offset = float("nan"), float("nan")
    if not is_tokens:
        flat = inputs.reshape(len(inputs), -1).astype(np.float64)
        spread, offset = float(flat.std(axis=0).max()), float(np.abs(flat.mean(axis=0)).max())
    return DataChecks(
        spread=spread,
        offset=offset,
        class_counts=tuple(int(n) for n in np.bincount(targets.astype(np.int64), minlength=classes)) if classes else (),
        agreement=agreement,
        chance=chance,
        deviation=float(np.sqrt(max(chance * (1 - chance), 0.04) / count)),
        leaked=_leaked(inputs, validation),
    )


def _features(inputs: np.ndarray, is_tokens: bool) -> np.ndarray:
    """Return vectors (N, D) to compare: counts of tokens; standardized values, with amplitudes of a last axis."""
    if is_tokens:
        flat = inputs.reshape(len(inputs), -1).astype(np.int64)
        counts = np.zeros((len(flat), int(flat.max()) + 1), dtype=np.float32)
        np.add.at(counts, (np.arange(len(flat))[:, None], flat), 1.0)
        present = counts[:, (counts > 0).any(axis=0)]
        rare = np.log(len(flat) / np.maximum((present > 0).sum(axis=0), 1))
        return np.asarray((present > 0) * rare, dtype=np.float32)
    values = inputs.reshape(len(inputs), -1).astype(np.float32)
    parts = [values]
    if inputs.ndim > 2 and inputs.shape[-1] == 1:
        inputs = inputs[..., 0]
    if inputs.ndim > 1 and inputs.shape[-1] >= 16:
        parts.append(np.abs(np.fft.rfft(inputs, axis=-1)).reshape(len(inputs), -1).astype(np.float32))
    scaled = [(part - part.mean(axis=0)) / (part.std(axis=0) + 1e-6 * np.abs(part).max() + 1e-12) for part in parts]
    return np.concatenate([part / np.sqrt(part.shape[1]) for part in scaled], axis=1)


def _neighbors(x: np.ndarray) -> np.ndarray:
    """Return the indices (N, NEIGHBORS) of the nearest samples, without identical ones."""
    squares = (x**2).sum(axis=1)
    distances = squares[:, None] + squares[None] - 2 * x @ x.T
    distances[distances < 1e-5 * max(float(squares.mean()), 1e-9)] = np.inf  # itself and copies
    return np.argsort(distances, axis=1)[:, :NEIGHBORS]


def _agreement(neighbors: np.ndarray, y: np.ndarray, classes: int) -> float:
    if not classes:
        values = y.astype(np.float64).reshape(len(y), -1).mean(axis=1)
        return float(1 - np.mean((values[neighbors].mean(axis=1) - values) ** 2) / max(float(values.var()), 1e-12))
    votes = np.stack([(y[neighbors] == each).sum(axis=1) for each in range(classes)], axis=1)
    return float((votes.argmax(axis=1) == y).mean())


def _leaked(inputs: np.ndarray, validation: np.ndarray) -> float:
    if not len(validation):
        return 0.0
    known = {row.tobytes() for row in np.ascontiguousarray(inputs)}
    return sum(row.tobytes() in known for row in np.ascontiguousarray(validation)) / len(validation)


def minority_ratio(counts: Sequence[int]) -> float:
    """Return the samples of the largest class for one of the smallest."""
    return max(counts) / max(1, min(counts)) if counts else 1.0
