"""DLinear: trend and remainder of each variable, each through one linear layer over time."""

import torch
from torch import Tensor, nn

from dlcore.core.config import Config, number


class DLinearConfig(Config):
    """Window of the trend."""

    trend: int = number(
        7, low=1, high=49, unit="hours", help="Window of the moving average that defines the trend; odd."
    )


class DLinear(nn.Module):
    """(N, T, F), (N, C) -> (N, H, V): each variable from its own past, one weight per hour, shared by all variables.

    The first V features are the variables. Zeng et al., "Are Transformers effective for time series forecasting?",
    AAAI 2023.
    """

    def __init__(self, config: DLinearConfig, *, variables: int, horizon: int, window: int) -> None:
        """`variables` V to predict, `horizon` H and `window` T in hours."""
        super().__init__()
        self.variables, self.span = variables, min(config.trend, window) // 2 * 2 + 1
        self.trend = nn.Linear(window, horizon)
        self.rest = nn.Linear(window, horizon, bias=False)  # no bias: the trend's layer has one

    def forward(self, x: Tensor, calendar: Tensor) -> Tensor:
        """(N, T, F), (N, C) -> (N, H, V)."""
        values = x[..., : self.variables].transpose(1, 2)  # (N, V, T)
        side = self.span // 2
        padded = torch.cat([values[..., :1].expand(-1, -1, side), values, values[..., -1:].expand(-1, -1, side)], dim=2)
        trend = nn.functional.avg_pool1d(padded, self.span, stride=1)  # (N, V, T)
        return (self.trend(trend) + self.rest(values - trend)).transpose(1, 2)
