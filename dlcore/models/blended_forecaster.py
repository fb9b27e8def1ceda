"""Blend of neural forecasters and a linear model (stacking with fixed weights)."""

import torch
from torch import Tensor, nn

from dlcore.core.config import number
from dlcore.models.calendar_forecaster import AveragedForecaster, CalendarForecasterConfig


class BlendedForecasterConfig(CalendarForecasterConfig):
    """Ensemble size and weight of the linear model."""

    seeds: int = number(2, low=1, high=8, help="Networks of each kind, averaged.")
    linear_share: float = number(0.2, low=0.0, high=1.0, help="Weight of the linear model in the blend.")


class BlendedForecaster(nn.Module):
    """(N, T, F), (N, C), (N, H, V) -> (N, H, V): weighted mean of networks, networks on the linear model's residuals,
    and the linear model, whose forecast is the third input.

    In training every network returns its own forecast, (N, M, H, V). Stacking: Wolpert 1992.
    """

    def __init__(
        self, config: BlendedForecasterConfig, *, features: int, variables: int, horizon: int, calendar: int
    ) -> None:
        """Same arguments as for a single network."""
        super().__init__()
        self.share = config.linear_share
        self.alone, self.rest = (
            AveragedForecaster(config, features=features, variables=variables, horizon=horizon, calendar=calendar)
            for _ in range(2)
        )

    def forward(self, x: Tensor, calendar: Tensor, linear: Tensor) -> Tensor:
        """(N, T, F), (N, C), (N, H, V) -> (N, H, V); in training (N, M, H, V)."""
        alone, residual = self.alone(x, calendar), self.rest(x, calendar)
        if self.training:
            return torch.cat([alone, linear[:, None] + residual], dim=1)
        return (1 - self.share) * (alone + linear + residual) / 2 + self.share * linear
