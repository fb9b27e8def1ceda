"""Small convolutional network, a baseline with as many parameters as the Vision Transformer."""

from itertools import pairwise

from torch import Tensor, nn

from dlcore.core.config import Config, number

STAGES = 3


class SmallCnnConfig(Config):
    """Width."""

    width: int = number(
        48, low=2, high=512, unit="channels", help="Channels of the first stage; doubled in each later stage."
    )


class SmallCnn(nn.Module):
    """(N, C, H, W) or (N, H, W) -> (N, K) logits: three stages of two 3x3 convolutions with batch norm, mean, linear.

    The second and third stage halve height and width.
    """

    def __init__(self, config: SmallCnnConfig, *, channels: int, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for stage in range(STAGES):
            after = config.width * 2**stage
            layers += [nn.MaxPool2d(2)] if stage else []
            for before in (channels, after):
                layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
            channels = after
        self.stages = nn.Sequential(*layers)
        self.classes = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, K)."""
        x = self.stages(x.unsqueeze(1) if x.dim() == 3 else x)  # -> (N, 4 width, H/4, W/4)
        return self.classes(x.mean(dim=(2, 3)))  # -> (N, 4 width) -> (N, K)


def parameters_of(width: int, *, channels: int, classes: int) -> int:
    """Return the number of parameters at this width."""
    widths = [channels, *(width * 2**stage for stage in range(STAGES))]
    total = (widths[-1] + 1) * classes
    for before, after in pairwise(widths):
        total += 9 * after * (before + after) + 4 * after
    return total


def width_for(parameters: int, *, channels: int, classes: int) -> int:
    """Return the width whose number of parameters is closest to `parameters`."""
    return min(
        range(2, 513), key=lambda width: abs(parameters_of(width, channels=channels, classes=classes) - parameters)
    )
