"""A recurrent autoencoder: two numbers per time step must carry all five features."""

from torch import Tensor, nn

from dlcore.core.config import Config, number


class LstmAutoencoderConfig(Config):
    """Its one knob."""

    bottleneck: int = number(2, low=1, high=64, unit="units", help="Hidden units of the encoder.")


class LstmAutoencoder(nn.Module):
    """(N, T, F) -> (N, T, F): LSTM(F, 2), then LSTM(2, F). With F = 5: 72 + 180 = 252 parameters.

    An LSTM's output lies in (-1, 1), so scaled features within [0, 1] can be reached.
    """

    def __init__(self, features: int, config: LstmAutoencoderConfig) -> None:
        super().__init__()
        self.encoder = nn.LSTM(features, config.bottleneck, batch_first=True)
        self.decoder = nn.LSTM(config.bottleneck, features, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, F) -> its reconstruction (N, T, F), step by step from a code of 2 numbers each."""
        code, _ = self.encoder(x)  # (N, T, F) -> (N, T, 2)
        restored: Tensor = self.decoder(code)[0]  # -> (N, T, F)
        return restored
