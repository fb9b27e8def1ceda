"""Convolutional autoencoder for windows of a series."""

from torch import Tensor, nn

from dlcore.core.config import Config, number


class ConvAutoencoderConfig(Config):
    """Kernel size."""

    kernel_size: int = number(7, low=3, high=31, unit="points", help="Kernel size of every convolution; odd.")


class ConvAutoencoder(nn.Module):
    """(N, 1, T) -> (N, 1, T): Conv1d 1-16-8 with stride 2, ConvTranspose1d 8-16-1 with stride 2.

    ReLU after each convolution of the encoder and after the first of the decoder; T must be a multiple of 4.
    """

    def __init__(self, config: ConvAutoencoderConfig) -> None:
        super().__init__()
        size = config.kernel_size | 1  # an even kernel has no center
        half = size // 2
        self.encoder = nn.Sequential(
            nn.Conv1d(1, 16, size, stride=2, padding=half),  # (N, 1, T) -> (N, 16, T/2)
            nn.ReLU(),
            nn.Conv1d(16, 8, size, stride=2, padding=half),  # -> (N, 8, T/4)
            nn.ReLU(),
        )
        self.decoder = nn.Sequential(
            nn.ConvTranspose1d(8, 16, size, stride=2, padding=half, output_padding=1),  # -> (N, 16, T/2)
            nn.ReLU(),
            nn.ConvTranspose1d(16, 1, size, stride=2, padding=half, output_padding=1),  # -> (N, 1, T)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Reconstruct (N, 1, T)."""
        return self.decoder(self.encoder(x))
