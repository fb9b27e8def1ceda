"""Optimizers that update parameters in place and keep their state in `memory`."""

import math
from collections.abc import Mapping

import numpy as np

Arrays = Mapping[str, np.ndarray]


class NumpyOptimizer:
    """Base class: step counter and state arrays."""

    def __init__(self) -> None:
        self.steps = 0
        self.memory: dict[str, np.ndarray] = {}

    def step(self, parameters: Arrays, gradients: Arrays, rate: float) -> None:
        """Update every parameter with learning rate `rate`."""
        self.steps += 1
        for name, w in parameters.items():
            w -= self.move(name, w, gradients[name], rate).astype(w.dtype)

    def move(self, name: str, w: np.ndarray, g: np.ndarray, rate: float) -> np.ndarray:
        """Return the update to subtract from the parameter `w` with gradient `g`."""
        raise NotImplementedError

    def state_array(self, name: str, like: np.ndarray) -> np.ndarray:
        """Return the state array of that name, zeros at first; callers change it in place."""
        return self.memory.setdefault(name, np.zeros_like(like))


class Sgd(NumpyOptimizer):
    """SGD with momentum: v <- momentum v + g, w <- w - rate v (Polyak 1964).

    Weight decay adds decay w to the gradient.
    """

    def __init__(self, *, momentum: float = 0.0, decay: float = 0.0) -> None:
        super().__init__()
        self.momentum, self.decay = momentum, decay

    def move(self, name: str, w: np.ndarray, g: np.ndarray, rate: float) -> np.ndarray:
        """rate v."""
        g = g + self.decay * w if self.decay else g
        if not self.momentum:
            return rate * g
        v = self.state_array(f"velocity/{name}", w)
        v *= self.momentum
        v += g
        return rate * v


class Adam(NumpyOptimizer):
    """Adam: adaptive step size per weight (Kingma and Ba 2015, algorithm 1):

        m <- b1 m + (1 - b1) g        v <- b2 v + (1 - b2) g^2
        w <- w - rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)

    m is a running mean of the gradient, v of its square; both start at 0, which the divisors correct. `decoupled`
    applies the decay to the weight instead of the gradient (Loshchilov and Hutter 2019): AdamW.
    """

    b1, b2, eps = 0.9, 0.999, 1e-8

    def __init__(self, *, decay: float = 0.0, decoupled: bool = False) -> None:
        super().__init__()
        self.decay, self.decoupled = decay, decoupled

    def move(self, name: str, w: np.ndarray, g: np.ndarray, rate: float) -> np.ndarray:
        """Return the update of the formula above."""
        pulled = rate * self.decay * w if self.decay and self.decoupled else 0.0
        g = g + self.decay * w if self.decay and not self.decoupled else g
        m, v = self.state_array(f"mean/{name}", w), self.state_array(f"square/{name}", w)
        m += (1 - self.b1) * (g - m)
        v += (1 - self.b2) * (g * g - v)
        root = np.sqrt(v)
        root /= math.sqrt(1 - self.b2**self.steps)
        root += self.eps
        step: np.ndarray = m / root
        step *= rate / (1 - self.b1**self.steps)
        return step + pulled
