"""Dense autoencoder for rows of features."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn


class DenseAutoencoder(nn.Module):
    """(N, F) -> (N, F) in [0, 1]: ReLU between layers, linear bottleneck, sigmoid output.

    With F = 5: 5,063 parameters for widths (64, 32, 2) and 6,055 for (64, 32, 16, 2).
    """

    def __init__(self, features: int, widths: Sequence[int]) -> None:
        """`widths` are the encoder's layer sizes, bottleneck last; the decoder mirrors them."""
        super().__init__()
        self.encoder = _stack([features, *widths])
        self.decoder = _stack([*reversed(widths), features])

    def forward(self, x: Tensor) -> Tensor:
        """Reconstruct (N, F) scaled to [0, 1]."""
        restored: Tensor = self.decoder(self.encoder(x)).sigmoid()
        return restored


def _stack(widths: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inner, outer in pairwise(widths):
        layers += [nn.Linear(inner, outer), nn.ReLU()]
    return nn.Sequential(
        *layers[:-1]
    )  # no ReLU after the last layer: a latent code may be negative, the output gets a sigmoid
