"""A plain dense network that sorts flat inputs into classes."""

from torch import Tensor, nn

from dlcore.core.config import Config, choice, number

WIDTHS = (256, 128, 64)


class DenseClassifierConfig(Config):
    """Its knobs; as they stand the plain network."""

    dropout: float = number(0.0, low=0.0, high=0.9, help="Share of each hidden layer's values set to 0 in training.")
    batch_norm: bool = choice(False, help="Standardise each hidden layer's values over the batch.")


class ImprovedDenseConfig(DenseClassifierConfig):
    """The same knobs; as they stand the improved network."""

    dropout: float = number(0.3, low=0.0, high=0.9, help="Share of each hidden layer's values set to 0 in training.")
    batch_norm: bool = choice(True, help="Standardise each hidden layer's values over the batch.")


class DenseClassifier(nn.Module):
    """(N, ...) -> (N, K) logits: the input laid flat, then 256-128-64-K with ReLU after each hidden layer.

    Batch norm, where asked for, comes before the ReLU (Ioffe & Szegedy 2015), dropout after it (Srivastava et al.
    2014). Plain and for 28 x 28 pictures and 10 classes: 242,762 parameters.
    """

    def __init__(self, config: DenseClassifierConfig, *, features: int, classes: int) -> None:
        """`features` is the number of values of one input, once flat."""
        super().__init__()
        layers: list[nn.Module] = []
        for before, width in zip((features, *WIDTHS), WIDTHS, strict=False):
            # a bias before batch norm would be taken off again at once, so it is left out there
            layers.append(nn.Linear(before, width, bias=not config.batch_norm))
            layers += [nn.BatchNorm1d(width)] if config.batch_norm else []
            layers.append(nn.ReLU())
            layers += [nn.Dropout(config.dropout)] if config.dropout else []
        self.hidden = nn.Sequential(*layers)
        self.classes = nn.Linear(WIDTHS[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, ...) -> (N, K)."""
        return self.classes(self.hidden(x.flatten(1)))  # (N, H, W) -> (N, HW) -> (N, 64) -> (N, K)
