"""Dense autoencoder, 1000-512-32-512-1000 by default."""

import torch
from torch import Tensor, nn

from dlcore.core.config import Config, number


class AutoencoderConfig(Config):
    """Layer widths and input noise."""

    hidden: int = number(512, low=1, high=8192, unit="units", help="Width of the layers around the bottleneck.")
    bottleneck: int = number(32, low=1, high=4096, unit="numbers", help="Size of the latent code.", log=True)
    noise: float = number(
        0.0,
        low=0.0,
        high=1.0,
        help="Standard deviation of the noise added to inputs in training; pixels range from 0 to 1.",
    )


class Autoencoder(nn.Module):
    """(N, F) in [0, 1] -> (N, F) in [0, 1]: ReLU, linear bottleneck, ReLU, sigmoid.

    With F = 1000: 512,512 + 16,416 + 16,896 + 513,000 = 1,058,824 parameters.
    """

    def __init__(self, config: AutoencoderConfig, *, features: int) -> None:
        super().__init__()
        self.noise = config.noise
        self.encoder = nn.Sequential(
            nn.Linear(features, config.hidden), nn.ReLU(), nn.Linear(config.hidden, config.bottleneck)
        )
        self.decoder = nn.Sequential(
            nn.Linear(config.bottleneck, config.hidden), nn.ReLU(), nn.Linear(config.hidden, features), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """Reconstruct (N, F); in training, noise is added to the input while the loss uses the clean one."""
        if self.training and self.noise:
            x = x + self.noise * torch.randn_like(x)
        return self.decoder(self.encoder(x))
