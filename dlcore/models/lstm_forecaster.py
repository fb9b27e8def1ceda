"""LSTM and GRU forecasters: a window of past hours in, the next hours of every variable out."""

import torch
from torch import Tensor, nn

from dlcore.core.config import Config, choice, number


class LstmForecasterConfig(Config):
    """Layer sizes. Default: one layer of 64 units, ReLU and dropout."""

    units: int = number(64, low=2, high=1024, help="Hidden units per layer.", log=True)
    layers: int = number(1, low=1, high=6, help="Number of stacked recurrent layers.")
    dropout: float = number(0.2, low=0.0, high=0.9, help="Dropout probability of the last state.")
    bidirectional: bool = choice(False, help="Bidirectional recurrent layers.")


class GruForecasterConfig(LstmForecasterConfig):
    """Defaults of the GRU forecaster."""


class StackedForecasterConfig(LstmForecasterConfig):
    """Defaults of the stacked LSTM."""

    layers: int = number(2, low=1, high=6, help="Number of stacked recurrent layers.")


class BidirectionalForecasterConfig(LstmForecasterConfig):
    """Defaults of the bidirectional LSTM."""

    bidirectional: bool = choice(True, help="Bidirectional recurrent layers.")


class LstmForecaster(nn.Module):
    """(N, T, F), (N, C) -> (N, H, V): recurrent layers, ReLU of the last state, dropout, linear.

    Predicts all variables at once; the calendar (N, C) is not used. Of two directions, the forward layer ends at the
    end of the window and the backward layer at its start. LSTM: Hochreiter & Schmidhuber 1997; GRU: Cho et al. 2014.
    """

    def __init__(
        self, config: LstmForecasterConfig, *, features: int, variables: int, horizon: int, gru: bool = False
    ) -> None:
        """`features` F per hour, `variables` V to predict, `horizon` H hours ahead."""
        super().__init__()
        self.shape, self.both = (horizon, variables), config.bidirectional
        between = config.dropout if config.layers > 1 else 0.0
        kind = nn.GRU if gru else nn.LSTM
        self.recurrent = kind(
            features, config.units, config.layers, batch_first=True, dropout=between, bidirectional=self.both
        )
        self.dropout = nn.Dropout(config.dropout)
        self.out = nn.Linear(config.units * (2 if self.both else 1), horizon * variables)

    def forward(self, x: Tensor, calendar: Tensor) -> Tensor:
        """(N, T, F), (N, C) -> (N, H, V)."""
        states, _ = self.recurrent(x)  # (N, T, units), 2 x units if bidirectional
        last = last_full_state(states, both=self.both)
        return self.out(self.dropout(torch.relu(last))).unflatten(1, self.shape)


def last_full_state(states: Tensor, *, both: bool) -> Tensor:
    """(N, T, D) -> (N, D): for each direction, the state after the whole window."""
    if not both:
        return states[:, -1]
    half = states.shape[2] // 2
    return torch.cat([states[:, -1, :half], states[:, 0, half:]], dim=1)
