"""LSTM and GRU forecasters: a window of hours in, the next hours of every variable out."""

import torch
from torch import Tensor, nn

from dlcore.core.config import Config, choice, number


class LstmForecasterConfig(Config):
    """Its sizes. As it stands: the well-known one, a layer of 64 units, ReLU and dropout."""

    units: int = number(64, low=2, high=1024, help="Numbers that each layer remembers.", log=True)
    layers: int = number(1, low=1, high=6, help="Recurrent layers, one on the other.")
    dropout: float = number(0.2, low=0.0, high=0.9, help="Share of the last state set to 0 in training.")
    bidirectional: bool = choice(False, help="Read the window from both ends.")


class GruForecasterConfig(LstmForecasterConfig):
    """The same with gated recurrent units."""


class StackedForecasterConfig(LstmForecasterConfig):
    """Several layers."""

    layers: int = number(2, low=1, high=6, help="Recurrent layers, one on the other.")


class BidirectionalForecasterConfig(LstmForecasterConfig):
    """Both directions."""

    bidirectional: bool = choice(True, help="Read the window from both ends.")


class LstmForecaster(nn.Module):
    """(N, T, F), (N, C) -> (N, H, V): recurrent layers, ReLU of the last state, dropout, linear.

    Predicts all variables at once. The calendar (N, C) of the first hour to come is not looked at. Of two directions
    the forward one has read the whole window at its end, the backward one at its beginning. LSTM: Hochreiter &
    Schmidhuber 1997; GRU: Cho et al. 2014.
    """

    def __init__(
        self, config: LstmForecasterConfig, *, features: int, variables: int, horizon: int, gru: bool = False
    ) -> None:
        """`features` F of an hour, `variables` V to predict, `horizon` H hours ahead."""
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
        states, _ = self.recurrent(x)  # (N, T, units), twice as wide in both directions
        last = last_full_state(states, both=self.both)
        return self.out(self.dropout(torch.relu(last))).unflatten(1, self.shape)


def last_full_state(states: Tensor, *, both: bool) -> Tensor:
    """(N, T, D) -> (N, D): the state that has read the whole window, in each direction."""
    if not both:
        return states[:, -1]
    half = states.shape[2] // 2
    return torch.cat([states[:, -1, :half], states[:, 0, half:]], dim=1)
