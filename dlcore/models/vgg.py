"""VGG: five blocks of 3x3 convolutions and a dense head (Simonyan & Zisserman 2015)."""

from collections.abc import Mapping
from typing import Literal

from torch import Tensor, nn

from dlcore.core.config import Config, choice, number

Version = Literal["C", "D"]
BLOCKS = 5


class VggConfig(Config):
    """Version, width and depth; default VGG-16 version C with batch norm."""

    version: Version = choice("C", help="C: the third convolution of blocks 3, 4 and 5 is 1x1. D: it is 3x3.")
    deeper: int = number(0, low=0, high=20, unit="layers", help="Additional 3x3 convolutions per block.")
    batch_norm: bool = choice(True, help="Batch normalization after every convolution.")
    width: int = number(64, low=4, high=128, unit="channels", help="Channels of the first block; 64 in the paper.")
    head: int = number(4096, low=16, high=8192, unit="units", help="Units of each of the head's two dense layers.")
    dropout: float = number(0.5, low=0.0, high=0.9, help="Dropout probability in the head.")


class Vgg(nn.Module):
    """(N, C, H, W) -> (N, K) logits. Each block halves height and width, rounded down; the head adapts to the rest.

    16 weight layers (13 convolutions, 3 dense), and five more for each step of `deeper`: VGG-deep. Version C for
    3 x 224 x 224 and 1,000 classes, without batch norm: 133,638,952 parameters; D: 138,357,544, as in the paper.
    """

    def __init__(self, config: VggConfig, *, channels: int, height: int, width: int, classes: int) -> None:
        """`height` and `width` in pixels, 32 or more."""
        super().__init__()
        self.blocks = nn.Sequential()
        for block in range(BLOCKS):
            after = min(2**block, 8) * config.width  # 64, 128, 256, 512, 512
            kernels = _kernels(config, block)
            self.blocks.append(nn.Sequential(*_block(channels, after, kernels, batch_norm=config.batch_norm)))
            channels = after
        left = channels * (height >> BLOCKS) * (width >> BLOCKS)
        self.head = nn.Sequential(
            nn.Linear(left, config.head),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.head, config.head),
            nn.ReLU(),
            nn.Dropout(config.dropout),
        )
        self.classes = nn.Linear(config.head, classes)
        self._start()

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, K)."""
        x = self.blocks(x)  # -> (N, 512, H/32, W/32)
        return self.classes(self.head(x.flatten(1)))  # -> (N, 512 HW/1024) -> (N, 4096) -> (N, K)

    def _start(self) -> None:
        """Initialize convolutions with He's method (He et al. 2015); deep versions do not train from scratch without
        it.
        """
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(part.bias)  # type: ignore[arg-type]
            elif isinstance(part, nn.Linear):
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
                nn.init.zeros_(part.bias)


def _kernels(config: VggConfig, block: int) -> list[int]:
    """Return the kernel sizes of a block: two 3x3, a third from block 3 on, and the additional ones."""
    third = [] if block < 2 else [1 if config.version == "C" else 3]
    return [3, 3, *third, *[3] * config.deeper]


def _block(before: int, after: int, kernels: list[int], *, batch_norm: bool) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for kernel in kernels:
        layers.append(nn.Conv2d(before, after, kernel, padding=kernel // 2))
        layers += [nn.BatchNorm2d(after)] if batch_norm else []
        layers.append(nn.ReLU())
        before = after
    return [*layers, nn.MaxPool2d(2)]


def from_torchvision(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convert a state dict of torchvision's `vgg16` or `vgg16_bn` to our names (version D, 224 pixels)."""
    batch_norm = any("running_mean" in name for name in weights)
    places = _places(batch_norm)
    head = {"0": "head.0", "3": "head.3", "6": "classes"}
    renamed = {}
    for name, tensor in weights.items():
        part, number_, what = name.split(".", 2)
        renamed[f"{places[number_] if part == 'features' else head[number_]}.{what}"] = tensor
    return renamed


def _places(batch_norm: bool) -> dict[str, str]:
    """Map torchvision's `features.<n>` to our blocks."""
    a_layer = 3 if batch_norm else 2
    sizes = [a_layer * layers + 1 for layers in (2, 2, 3, 3, 3)]  # plus the pooling
    pairs = [(block, place) for block, size in enumerate(sizes) for place in range(size)]
    return {str(n): f"blocks.{block}.{place}" for n, (block, place) in enumerate(pairs)}
