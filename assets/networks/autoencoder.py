from torch import nn


class Autoencoder(nn.Module):
    """Convolutions that halve the window twice. Replace it with a network of your choice."""

    def __init__(self, in_features, width=16):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv1d(in_features, width, 7, stride=2, padding=3),
            nn.ReLU(),
            nn.Conv1d(width, width // 2, 7, stride=2, padding=3),
            nn.ReLU(),
        )
        self.decoder = nn.Sequential(
            nn.ConvTranspose1d(width // 2, width, 8, stride=2, padding=3),
            nn.ReLU(),
            nn.ConvTranspose1d(width, in_features, 8, stride=2, padding=3),
        )

    def forward(self, x):  # (N, T, F) -> (N, T, F)
        return self.decoder(self.encoder(x.transpose(1, 2))).transpose(1, 2)
