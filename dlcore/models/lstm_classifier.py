"""LSTM classifier for sequences of vectors."""

import torch
from torch import Tensor, nn

from dlcore.core.config import Config, number


class LstmClassifierConfig(Config):
    """Hidden size and forget-gate bias."""

    width: int = number(128, low=1, high=512, unit="units", help="Hidden units; the cell state has the same size.")
    forget_bias: float = number(3.0, low=-5.0, high=10.0, help="Initial bias of the forget gates.")


class LstmClassifier(nn.Module):
    """(N, T, F) -> (N, K): one LSTM layer, last state, linear.

    Hochreiter & Schmidhuber 1997, with forget gates (Gers et al. 2000). Their initial bias sets the initial memory
    span: at 1 a step keeps sigmoid(1) = 0.73 of the cell, at 3 it keeps 0.95; about log(T) is recommended for
    dependencies over T steps (Tallec & Ollivier 2018).
    """

    def __init__(self, config: LstmClassifierConfig, *, features: int, classes: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(features, config.width, batch_first=True)
        self.classes = nn.Linear(config.width, classes)
        with torch.no_grad():
            for name, parameter in self.lstm.named_parameters():
                if name.startswith("bias"):
                    parameter.zero_()
                if name == "bias_ih_l0":  # gate order: input, forget, cell, output
                    parameter[config.width : 2 * config.width] = config.forget_bias

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, F) -> (N, K)."""
        states, _ = self.lstm(x)  # (N, T, F) -> (N, T, D)
        scores: Tensor = self.classes(states[:, -1])
        return scores
