"""Whether training ended before the validation loss stopped falling."""

import math

import numpy as np

MIN_GAIN = 0.05
"""Smallest relative fall of the validation loss in the last quarter of the epochs that calls for more of them."""


def suggest_epochs(losses: np.ndarray) -> int:
    """Return the number of epochs to train for, from validation losses (E,) by epoch; 0 if these were enough.

    Training was too short if its last epoch is the best one and the loss fell by more than 5 % in the last quarter of
    the epochs. Twice as many epochs are suggested, at least ten.
    """
    count = len(losses)
    if count < 2 or not np.isfinite(losses).all() or int(np.argmin(losses)) != count - 1:
        return 0
    before = float(losses[: count - math.ceil(count / 4)].min())
    return max(10, 2 * count) if before - float(losses[-1]) > MIN_GAIN * abs(before) else 0
