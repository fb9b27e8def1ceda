"""LSTM forecaster whose last state is modulated by the calendar of the hour to predict."""

import torch
from torch import Tensor, nn

from dlcore.core.config import Config, number


class CalendarForecasterConfig(Config):
    """Layer sizes and regularization."""

    units: int = number(128, low=2, high=1024, help="Hidden units of the LSTM.", log=True)
    dropout: float = number(0.3, low=0.0, high=0.9, help="Dropout probability of the last state.")
    noise: float = number(
        0.0, low=0.0, high=1.0, help="Standard deviation of the noise added to the values in training, a regularizer."
    )
    seeds: int = number(1, low=1, high=8, help="Networks with different random starts, trained together and averaged.")


class CalendarForecaster(nn.Module):
    """(N, T, F), (N, C) -> (N, H, V): LSTM, last state modulated by the calendar, linear.

    The gate is 1 + W c for calendar features c: the same change can mean different things at different hours
    (feature-wise modulation; Perez et al., "FiLM", AAAI 2018, eq. 1).
    """

    def __init__(
        self, config: CalendarForecasterConfig, *, features: int, variables: int, horizon: int, calendar: int
    ) -> None:
        """`features` F per hour, `variables` V to predict, `horizon` H hours ahead, `calendar` C features."""
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
    """(N, T, F), (N, C) -> (N, H, V): the mean of several networks with different random starts.

    In training each returns its own forecast, (N, M, H, V).
    """

    def __init__(
        self, config: CalendarForecasterConfig, *, features: int, variables: int, horizon: int, calendar: int
    ) -> None:
        """Same arguments as for a single network."""
        super().__init__()
        self.members = nn.ModuleList(
            CalendarForecaster(config, features=features, variables=variables, horizon=horizon, calendar=calendar)
            for _ in range(config.seeds)
        )

    def forward(self, x: Tensor, calendar: Tensor) -> Tensor:
        """(N, T, F), (N, C) -> (N, H, V); in training (N, M, H, V)."""
        each = torch.stack([member(x, calendar) for member in self.members], dim=1)
        return each if self.training else each.mean(dim=1)
