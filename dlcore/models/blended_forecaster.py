"""Networks and a linear method together: each is wrong in its own way, and their mean is less so."""

import torch
from torch import Tensor, nn

from dlcore.core.config import number
from dlcore.models.calendar_forecaster import AveragedForecaster, CalendarForecasterConfig


class BlendedForecasterConfig(CalendarForecasterConfig):
    """Its sizes, and how much the linear method counts."""

    seeds: int = number(2, low=1, high=8, help="Networks of each kind, averaged.")
    linear_share: float = number(0.2, low=0.0, high=1.0, help="Share of the linear method in the mean.")


class BlendedForecaster(nn.Module):
    """(N, T, F), (N, C), (N, H, V) -> (N, H, V): the mean of networks, of networks on what a linear method leaves
    over, and of that method, whose answer is the third input.

    In training each network answers for itself, (N, M, H, V). Stacking: Wolpert 1992, here with fixed shares.
    """

    def __init__(
        self, config: BlendedForecasterConfig, *, features: int, variables: int, horizon: int, calendar: int
    ) -> None:
        """As of one network."""
        super().__init__()
        self.share = config.linear_share
        self.alone, self.rest = (
            AveragedForecaster(config, features=features, variables=variables, horizon=horizon, calendar=calendar)
            for _ in range(2)
        )

    def forward(self, x: Tensor, calendar: Tensor, linear: Tensor) -> Tensor:
        """(N, T, F), (N, C), (N, H, V) -> (N, H, V); in training (N, M, H, V)."""
        alone, rest = self.alone(x, calendar), self.rest(x, calendar)
        if self.training:
            return torch.cat([alone, linear[:, None] + rest], dim=1)
        return (1 - self.share) * (alone + linear + rest) / 2 + self.share * linear
