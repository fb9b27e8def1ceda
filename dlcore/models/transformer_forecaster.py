"""A small Transformer encoder that forecasts."""

import torch
from torch import Tensor, nn

from dlcore.core.config import Config, number
from dlcore.core.errors import ConfigError


class TransformerForecasterConfig(Config):
    """Its sizes."""

    width: int = number(64, low=8, high=512, help="Numbers that stand for an hour; a multiple of the heads.", log=True)
    layers: int = number(2, low=1, high=8, help="Encoder layers.")
    heads: int = number(4, low=1, high=16, help="Ways of looking at the window at once.")
    dropout: float = number(0.1, low=0.0, high=0.9, help="Share of values set to 0 in training.")


class TransformerForecaster(nn.Module):
    """(N, T, F), (N, C) -> (N, H, V): linear, learnt places, encoder layers, the last hour's vector, linear.

    Norms come before each part (Xiong et al. 2020); attention is not masked, since all of the window is past.
    Encoder: Vaswani et al. 2017.
    """

    def __init__(
        self, config: TransformerForecasterConfig, *, features: int, variables: int, horizon: int, window: int
    ) -> None:
        """`features` F of an hour, `variables` V to predict, `horizon` H and `window` T hours.

        Raises:
            ConfigError: the width is no multiple of the heads.
        """
        super().__init__()
        if config.width % config.heads:
            raise ConfigError(f"width={config.width} is no multiple of heads={config.heads}: choose such a width.")
        self.shape = (horizon, variables)
        self.embed = nn.Linear(features, config.width)
        self.places = nn.Parameter(torch.randn(window, config.width) * 0.02)
        layer = nn.TransformerEncoderLayer(
            config.width, config.heads, 2 * config.width, config.dropout, "gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, config.layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(config.width)
        self.out = nn.Linear(config.width, horizon * variables)

    def forward(self, x: Tensor, calendar: Tensor) -> Tensor:
        """(N, T, F), (N, C) -> (N, H, V)."""
        seen = self.encoder(self.embed(x) + self.places)  # (N, T, D)
        return self.out(self.norm(seen[:, -1])).unflatten(1, self.shape)
