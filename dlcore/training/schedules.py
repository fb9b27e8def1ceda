"""Learning-rate schedules."""

import math

from dlcore.training.config import TrainingConfig


def learning_rate(config: TrainingConfig, step: int, steps: int) -> float:
    """Return the learning rate of step `step` of `steps` (counted from 1).

    A function of the step alone, so there is no scheduler state. cosine: half a cosine down to 0 (Loshchilov and Hutter
    2017, eq. 5, one period). one_cycle: rises linearly over the first 30 %, then falls along a cosine (Smith and Topin
    2018). step: a tenth at 60 % and again at 85 %.
    """
    peak, done = config.learning_rate, (step - 1) / max(1, steps)
    if config.schedule == "cosine":
        return peak * 0.5 * (1 + math.cos(math.pi * done))
    if config.schedule == "one_cycle":
        if done < 0.3:
            return peak * (0.04 + 0.96 * done / 0.3)
        return peak * 0.5 * (1 + math.cos(math.pi * (done - 0.3) / 0.7))
    if config.schedule == "step":
        return peak * (1.0 if done < 0.6 else 0.1 if done < 0.85 else 0.01)
    return peak
