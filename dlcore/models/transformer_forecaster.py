"""Transformer encoder for forecasting."""

import torch
from torch import Tensor, nn

from dlcore.core.config import Config, number
from dlcore.core.errors import ConfigError


class TransformerForecasterConfig(Config):
    """Layer sizes and dropout."""

    width: int = number(64, low=8, high=512, help="Embedding dimension of an hour; a multiple of the heads.", log=True)
    layers: int = number(2, low=1, high=8, help="Encoder layers.")
    heads: int = number(4, low=1, high=16, help="Attention heads.")
    dropout: float = number(0.1, low=0.0, high=0.9, help="Dropout probability.")


class TransformerForecaster(nn.Module):
    """(N, T, F), (N, C) -> (N, H, V): linear, learned positions, encoder layers, the last hour's state, linear.

    Pre-norm (Xiong et al. 2020); attention is not masked, since the whole window is past. Encoder: Vaswani et al. 2017.
    """

    def __init__(
        self, config: TransformerForecasterConfig, *, features: int, variables: int, horizon: int, window: int
    ) -> None:
        """`features` F per hour, `variables` V to predict, `horizon` H and `window` T in hours.

        Raises:
            ConfigError: the width is not a multiple of the number of heads.
        """
        super().__init__()
        if config.width % config.heads:
            raise ConfigError(f"width={config.width} is not a multiple of heads={config.heads}.")
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
        states = self.encoder(self.embed(x) + self.places)  # (N, T, D)
        return self.out(self.norm(states[:, -1])).unflatten(1, self.shape)
