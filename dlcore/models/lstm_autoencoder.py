"""LSTM autoencoder with a code of two numbers per time step."""

from torch import Tensor, nn

from dlcore.core.config import Config, number


class LstmAutoencoderConfig(Config):
    """Size of the code."""

    bottleneck: int = number(2, low=1, high=64, unit="units", help="Hidden units of the encoder.")


class LstmAutoencoder(nn.Module):
    """(N, T, F) -> (N, T, F): LSTM(F, 2), then LSTM(2, F). With F = 5: 72 + 180 = 252 parameters.

    An LSTM's output lies in (-1, 1), which includes features scaled to [0, 1].
    """

    def __init__(self, features: int, config: LstmAutoencoderConfig) -> None:
        super().__init__()
        self.encoder = nn.LSTM(features, config.bottleneck, batch_first=True)
        self.decoder = nn.LSTM(config.bottleneck, features, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """Reconstruct (N, T, F) from a code of 2 numbers per step."""
        code, _ = self.encoder(x)  # (N, T, F) -> (N, T, 2)
        restored: Tensor = self.decoder(code)[0]  # -> (N, T, F)
        return restored
