"""Dense classifier with three hidden layers."""

from torch import Tensor, nn

from dlcore.core.config import Config, choice, number

WIDTHS = (256, 128, 64)


class DenseClassifierConfig(Config):
    """Dropout and batch normalization; defaults of the plain network."""

    dropout: float = number(0.0, low=0.0, high=0.9, help="Dropout probability of each hidden layer.")
    batch_norm: bool = choice(False, help="Batch normalization in each hidden layer.")


class ImprovedDenseConfig(DenseClassifierConfig):
    """Defaults of the improved network."""

    dropout: float = number(0.3, low=0.0, high=0.9, help="Dropout probability of each hidden layer.")
    batch_norm: bool = choice(True, help="Batch normalization in each hidden layer.")


class DenseClassifier(nn.Module):
    """(N, ...) -> (N, K) logits: flatten, 256-128-64-K with ReLU after each hidden layer.

    Batch norm comes before the ReLU (Ioffe & Szegedy 2015), dropout after it (Srivastava et al. 2014). The plain
    network for 28 x 28 images and 10 classes has 242,762 parameters.
    """

    def __init__(self, config: DenseClassifierConfig, *, features: int, classes: int) -> None:
        """`features` is the number of values of one flattened input."""
        super().__init__()
        layers: list[nn.Module] = []
        for before, width in zip((features, *WIDTHS), WIDTHS, strict=False):
            # a bias before batch norm has no effect, so it is omitted
            layers.append(nn.Linear(before, width, bias=not config.batch_norm))
            layers += [nn.BatchNorm1d(width)] if config.batch_norm else []
            layers.append(nn.ReLU())
            layers += [nn.Dropout(config.dropout)] if config.dropout else []
        self.hidden = nn.Sequential(*layers)
        self.classes = nn.Linear(WIDTHS[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, ...) -> (N, K)."""
        return self.classes(self.hidden(x.flatten(1)))  # (N, H, W) -> (N, HW) -> (N, 64) -> (N, K)
