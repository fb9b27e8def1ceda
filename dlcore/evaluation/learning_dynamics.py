"""How training samples were learned over the epochs: never, early, or learned and forgotten.

Source: Toneva et al. 2019, An empirical study of example forgetting during deep neural network learning.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LearningDynamics:
    """Counts for N training samples over E epochs.

    `forgotten` (N,) is how often a sample was predicted correctly in one epoch and incorrectly in the next; `learned`
    (N,) is the share of epochs with a correct prediction, 0 for a sample that was never learned.
    """

    forgotten: np.ndarray
    learned: np.ndarray
    epochs: int

    @property
    def is_never_learned(self) -> np.ndarray:
        """Mask (N,) of samples that no epoch predicted correctly."""
        return np.asarray(self.learned == 0)


def measure_dynamics(correct: np.ndarray) -> LearningDynamics:
    """Measure from the correctness (E, N) of each sample in each epoch, taken when the sample was trained on."""
    is_correct = correct.astype(bool)
    forgotten = (is_correct[:-1] & ~is_correct[1:]).sum(axis=0)
    return LearningDynamics(forgotten, is_correct.mean(axis=0), len(is_correct))
