"""States of a recurrent network for one sequence, and the loss gradient at each step."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from dlcore.models.lstm_classifier import LstmClassifier
from dlcore.models.numpy_module import NumpyModule
from dlcore.projects.foundations.backprop_walk import walk


@dataclass(frozen=True)
class UnrolledRun:
    """x (T, F); states (T, D) after each step; by_step (T, D) loss gradient by the state (or the LSTM's cell).

    The NumPy network also has `weights` and `error`, its largest difference to autograd.
    """

    x: np.ndarray
    states: np.ndarray
    by_step: np.ndarray
    probabilities: np.ndarray
    target: int
    loss: float
    weights: Mapping[str, np.ndarray] = field(default_factory=dict)
    error: float | None = None

    @property
    def lengths(self) -> np.ndarray:
        """Euclidean norm of the gradient by step (T,)."""
        return np.sqrt((self.by_step**2).sum(axis=1))


def unroll(module: nn.Module, x: np.ndarray, target: int) -> UnrolledRun:
    """Forward and backward pass of one sequence (T, F)."""
    if isinstance(module, NumpyModule):
        backprop = walk(module, x, target)
        stage = backprop.stages[0]
        return UnrolledRun(
            stage.x,
            np.asarray(stage.facts["states"])[1:],
            np.asarray(stage.facts["by_step"]),
            backprop.probabilities,
            target,
            backprop.loss,
            stage.parameters,
            backprop.error,
        )
    assert isinstance(module, LstmClassifier)
    return _lstm(module, x, target)


def _lstm(module: LstmClassifier, x: np.ndarray, target: int) -> UnrolledRun:
    """Run the LSTM step by step to get the gradient of each cell by autograd."""
    inputs = torch.as_tensor(x, dtype=torch.float32)[None]
    h = c = torch.zeros(1, module.lstm.hidden_size)
    states, cells = [], []
    with torch.enable_grad():
        for t in range(inputs.shape[1]):
            h, c = lstm_step(module, inputs[:, t], h, c)
            states.append(h)
            cells.append(c)
        scores = module.classes(h)
        loss = functional.cross_entropy(scores, torch.tensor([target]))
        back = torch.autograd.grad(loss, cells)
    return UnrolledRun(
        np.asarray(x, dtype=np.float64),
        np.stack([state.detach().numpy()[0] for state in states]),
        np.stack([item.numpy()[0] for item in back]),
        scores.detach().softmax(dim=1)[0].numpy(),
        target,
        float(loss.detach()),
    )


def lstm_step(module: LstmClassifier, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """One step of an LSTM (Gers et al. 2000): c <- f c + i g, h <- o tanh(c); all (1, D), x (1, F)."""
    w_x, w_h, b_x, b_h = module.lstm.all_weights[0]
    i, f, g, o = (functional.linear(x, w_x, b_x) + functional.linear(h, w_h, b_h)).chunk(4, dim=1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c
