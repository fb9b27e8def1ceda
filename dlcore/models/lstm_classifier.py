"""An LSTM that reads a sequence of numbers and is read out at its end."""

import torch
from torch import Tensor, nn

from dlcore.core.config import Config, number


class LstmClassifierConfig(Config):
    """Its size."""

    width: int = number(128, low=1, high=512, unit="units", help="Numbers that each of its two memories is made of.")
    forget_bias: float = number(3.0, low=-5.0, high=10.0, help="Initial bias of the forget gates.")


class LstmClassifier(nn.Module):
    """(N, T, F) -> (N, K): one LSTM layer, its last state, linear.

    Hochreiter & Schmidhuber 1997, with forget gates (Gers et al. 2000). Their bias decides how long it remembers at
    first: at 1 a step keeps sigmoid(1) = 0.73 of the cell, at 3 it keeps 0.95; for a gap of T steps about log(T) is
    advised (Tallec & Ollivier 2018).
    """

    def __init__(self, config: LstmClassifierConfig, *, features: int, classes: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(features, config.width, batch_first=True)
        self.classes = nn.Linear(config.width, classes)
        with torch.no_grad():
            for name, parameter in self.lstm.named_parameters():
                if name.startswith("bias"):
                    parameter.zero_()
                if name == "bias_ih_l0":  # gates in order: input, forget, cell, output
                    parameter[config.width : 2 * config.width] = config.forget_bias

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, F) -> (N, K)."""
        states, _ = self.lstm(x)  # (N, T, F) -> (N, T, D)
        scores: Tensor = self.classes(states[:, -1])
        return scores
