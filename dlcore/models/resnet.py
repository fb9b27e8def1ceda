"""ResNet (He et al. 2016), with optional skip connections."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from torch import Tensor, nn

from dlcore.core.config import Config, choice, number

Stem = Literal["imagenet", "half", "small"]
STEMS = "imagenet: 7x7 and max pooling, a quarter of the size; half: 3x3 with stride 2; small: 3x3, full size."
Block = Callable[[int, int, int], nn.Module]
"""Builds one block from input channels, output channels and stride."""


class ResNetConfig(Config):
    """Depth, width and stem; default ResNet-18 for images of 32 to 96 pixels."""

    stem: Stem = choice("small", help=STEMS)
    blocks: int = number(2, low=1, high=18, help="Blocks per stage (four stages); 2 give ResNet-18.")
    width: int = number(
        64, low=4, high=256, unit="channels", help="Channels of the first stage; doubled in each later stage."
    )
    skip_connections: bool = choice(
        True,
        help="Residual connections: add each block's input to its output; off gives a plain network of the same depth.",
    )


class ResNet(nn.Module):
    """(N, C, H, W) -> (N, K) logits: stem, four stages of blocks, global average pooling, linear."""

    def __init__(
        self,
        stem: nn.Sequential,
        block: Block,
        *,
        before: int,
        widths: Sequence[int],
        blocks: Sequence[int],
        classes: int,
    ) -> None:
        """`widths` are the output channels of each stage, `blocks` the number of blocks; each stage after the first
        halves height and width.
        """
        super().__init__()
        self.stem = stem
        self.stages = nn.Sequential()
        for stage, (after, count) in enumerate(zip(widths, blocks, strict=True)):
            first = block(before, after, 1 if stage == 0 else 2)
            self.stages.append(nn.Sequential(first, *(block(after, after, 1) for _ in range(count - 1))))
            before = after
        self.classes = nn.Linear(before, classes)
        initialize(self)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, K)."""
        x = self.stages(self.stem(x))  # -> (N, 64, H, W) -> (N, D, H/8, W/8); with the imagenet stem a quarter of both
        return self.classes(x.mean(dim=(2, 3)))  # -> (N, D) -> (N, K)


class Residual(nn.Module):
    """relu(body(x) + shortcut(x)); without `skip` relu(body(x))."""

    def __init__(self, body: nn.Sequential, *, before: int, after: int, stride: int, skip: bool = True) -> None:
        super().__init__()
        self.body = body
        changes = stride != 1 or before != after
        self.shortcut: nn.Module | None = None
        if skip:
            self.shortcut = conv_bn(before, after, 1, stride=stride) if changes else nn.Identity()
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C', H/stride, W/stride)."""
        out = self.body(x)
        return self.relu(out if self.shortcut is None else out + self.shortcut(x))


def resnet(config: ResNetConfig, *, channels: int, classes: int) -> ResNet:
    """Build ResNet-18 and similar networks of two-convolution blocks.

    11,689,512 parameters for 3 channels, 1,000 classes and the imagenet stem.
    """

    def block(before: int, after: int, stride: int) -> nn.Module:
        body = nn.Sequential(
            *conv_bn(before, after, 3, stride=stride),
            nn.ReLU(),
            *conv_bn(after, after, 3),
        )
        return Residual(body, before=before, after=after, stride=stride, skip=config.skip_connections)

    widths = [config.width * 2**stage for stage in range(4)]
    return ResNet(
        build_stem(config.stem, channels, config.width),
        block,
        before=config.width,
        widths=widths,
        blocks=[config.blocks] * 4,
        classes=classes,
    )


def build_stem(kind: Stem, channels: int, width: int) -> nn.Sequential:
    """(N, C, H, W) -> (N, D, H/4, W/4) for imagenet, (N, D, H/2, W/2) for half, (N, D, H, W) for small."""
    if kind == "imagenet":
        first = conv_bn(channels, width, 7, stride=2)
        return nn.Sequential(*first, nn.ReLU(), nn.MaxPool2d(3, stride=2, padding=1))
    return nn.Sequential(*conv_bn(channels, width, 3, stride=2 if kind == "half" else 1), nn.ReLU())


def conv_bn(before: int, after: int, kernel: int, *, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Build a convolution with batch norm instead of a bias; the size is preserved up to `stride`."""
    conv = nn.Conv2d(before, after, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(after))


def initialize(module: nn.Module) -> None:
    """Initialize with He's method by fan-out (He et al. 2015), which preserves the gradient's variance."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")


def from_torchvision(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convert a state dict of torchvision's `resnet18`, `resnext50_32x4d` and similar models to our names."""
    return {_rename(name): tensor for name, tensor in weights.items()}


def _rename(name: str) -> str:
    if name.startswith(("conv1.", "bn1.")):
        return re.sub(r"^(conv|bn)1", lambda part: f"stem.{0 if part[1] == 'conv' else 1}", name)
    if name.startswith("fc."):
        return name.replace("fc", "classes", 1)
    stage, block, suffix = re.fullmatch(r"layer(\d)\.(\d+)\.(.+)", name).groups()  # type: ignore[union-attr]
    suffix = suffix.replace("downsample", "shortcut")
    inner = re.match(r"(conv|bn)(\d)", suffix)
    if inner:  # in a body, a convolution, its norm and a ReLU take three places
        place = 3 * (int(inner[2]) - 1) + (inner[1] == "bn")
        suffix = f"body.{place}{suffix[inner.end() :]}"
    return f"stages.{int(stage) - 1}.{block}.{suffix}"
