"""A network with one hidden layer, as a model of any project with small gray images."""

from collections.abc import Mapping

from torch import Tensor, nn

from dlcore.core.config import Config, number
from dlcore.projects.project import ModelEntry


class TinyConfig(Config):
    """Settings of the network: the form and `--set` offer them."""

    units: int = number(32, low=2, high=1024, unit="units", help="Width of the hidden layer.")


class Tiny(nn.Module):
    """Flatten, hidden layer, ReLU, output layer."""

    def __init__(self, config: TinyConfig, *, features: int, classes: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(features, config.units)
        self.output = nn.Linear(config.units, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, H, W) -> logits (N, K)."""
        return self.output(self.hidden(x.flatten(1)).relu())


def build(config: TinyConfig, facts: Mapping[str, int]) -> nn.Module:
    """Return the network for the data's facts."""
    return Tiny(config, features=facts["height"] * facts["width"], classes=facts["classes"])


MODEL = ModelEntry(title="Tiny pack", summary="One hidden layer.", build=build, config=TinyConfig)
