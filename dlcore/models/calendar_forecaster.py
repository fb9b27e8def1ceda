"""The improved LSTM: it knows which hour it is to predict, and that hour may turn up or down what it remembers."""

import torch
from torch import Tensor, nn

from dlcore.core.config import Config, number


class CalendarForecasterConfig(Config):
    """Its sizes."""

    units: int = number(128, low=2, high=1024, help="Numbers that the LSTM remembers.", log=True)
    dropout: float = number(0.3, low=0.0, high=0.9, help="Share of the last state set to 0 in training.")
    noise: float = number(
        0.0, low=0.0, high=1.0, help="Noise on the values in training, in standard deviations: a guard against rote."
    )
    seeds: int = number(1, low=1, high=8, help="Networks with different starts, trained side by side and averaged.")


class CalendarForecaster(nn.Module):
    """(N, T, F), (N, C) -> (N, H, V): an LSTM, its last state turned up or down by the hour to come, linear.

    The gate is 1 + W c for a calendar c, so that the same change of the air can mean one thing at 7 in the morning and
    another at night: feature-wise modulation, Perez et al., "FiLM", AAAI 2018, eq. 1.
    """

    def __init__(
        self, config: CalendarForecasterConfig, *, features: int, variables: int, horizon: int, calendar: int
    ) -> None:
        """`features` F of an hour, `variables` V to predict, `horizon` H hours ahead, `calendar` C."""
        super().__init__()
        self.shape, self.noise, self.variables = (horizon, variables), config.noise, variables
        self.recurrent = nn.LSTM(features, config.units, batch_first=True)
        self.dropout = nn.Dropout(config.dropout)
        self.gate = nn.Linear(calendar, config.units)
        self.out = nn.Linear(config.units + calendar, horizon * variables)
        nn.init.zeros_(self.gate.weight)
        nn.init.zeros_(self.gate.bias)

    def forward(self, x: Tensor, calendar: Tensor) -> Tensor:
        """(N, T, F), (N, C) -> (N, H, V)."""
        if self.training and self.noise:
            values = x[..., : self.variables]
            x = torch.cat([values + self.noise * torch.randn_like(values), x[..., self.variables :]], dim=2)
        states, _ = self.recurrent(x)  # (N, T, D)
        last = self.dropout(states[:, -1]) * (1 + self.gate(calendar))
        return self.out(torch.cat([last, calendar], dim=1)).unflatten(1, self.shape)


class AveragedForecaster(nn.Module):
    """(N, T, F), (N, C) -> (N, H, V): the mean of several networks that differ in their start alone.

    In training each answers for itself, (N, M, H, V), so that none leans on the others.
    """

    def __init__(
        self, config: CalendarForecasterConfig, *, features: int, variables: int, horizon: int, calendar: int
    ) -> None:
        """As of one of them."""
        super().__init__()
        self.members = nn.ModuleList(
            CalendarForecaster(config, features=features, variables=variables, horizon=horizon, calendar=calendar)
            for _ in range(config.seeds)
        )

    def forward(self, x: Tensor, calendar: Tensor) -> Tensor:
        """(N, T, F), (N, C) -> (N, H, V); in training (N, M, H, V)."""
        each = torch.stack([member(x, calendar) for member in self.members], dim=1)
        return each if self.training else each.mean(dim=1)
