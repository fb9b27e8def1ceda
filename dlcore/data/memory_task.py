"""A synthetic memory task: one of ten signals at the first step, then noise; the target is the signal.

A simple form of Hochreiter and Schmidhuber 1997, section 5.2.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

SIGNALS = 10
NOISE = 0.3
"""Standard deviation of every input after the first step."""


@dataclass(frozen=True)
class MemoryTask:
    """Sequences (N, gap + 1, 10) float32 and their signals (N,)."""

    inputs: np.ndarray
    targets: np.ndarray

    @property
    def checksum(self) -> str:
        """The sha256 of inputs and targets."""
        return hashlib.sha256(self.inputs.tobytes() + self.targets.tobytes()).hexdigest()


def make_sequences(rows: int, *, gap: int, seed: int) -> MemoryTask:
    """Generate `rows` sequences: the signal one-hot over ten inputs, then `gap` steps of noise."""
    rng = np.random.default_rng([seed, gap])
    targets = rng.integers(0, SIGNALS, rows)
    inputs = (rng.normal(size=(rows, gap + 1, SIGNALS)) * NOISE).astype(np.float32)
    inputs[:, 0] = np.eye(SIGNALS, dtype=np.float32)[targets]
    return MemoryTask(inputs, targets)
