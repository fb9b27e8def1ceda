"""ResNeXt: residual blocks with grouped convolutions (Xie et al. 2017)."""

from typing import Literal

from torch import nn

from dlcore.core.config import Config, choice, number
from dlcore.models.resnet import STEMS, Residual, ResNet, Stem, build_stem, conv_bn

BLOCKS = {"26": (2, 2, 2, 2), "50": (3, 4, 6, 3), "101": (3, 4, 23, 3)}
EXPANSION = 4


class ResNextConfig(Config):
    """Depth, width and cardinality; default a light ResNeXt-26 32x4d for images of 32 to 96 pixels."""

    stem: Stem = choice("small", help=STEMS)
    depth: Literal["26", "50", "101"] = choice("26", help="Weight layers: 2-2-2-2, 3-4-6-3 or 3-4-23-3 blocks.")
    width: int = number(
        64, low=8, high=128, unit="channels", help="Channels of the stem; the first stage has four times as many."
    )
    cardinality: int = number(32, low=1, high=64, unit="paths", help="Cardinality: parallel paths (groups) per block.")
    group_width: int = number(4, low=1, high=64, unit="channels", help="Channels per path in the first stage.")
    skip_connections: bool = choice(
        True,
        help="Residual connections: add each block's input to its output; off gives a plain network of the same depth.",
    )


def resnext(config: ResNextConfig, *, channels: int, classes: int) -> ResNet:
    """Build a ResNeXt: (N, C, H, W) -> (N, K) logits.

    A block: 1x1 down to cardinality x group width channels, a 3x3 in `cardinality` groups, 1x1 up to four times the
    width (Xie et al. 2017, fig. 3c); the group width doubles with each stage. ResNeXt-50 32x4d for 3 channels, 1,000
    classes and the imagenet stem has 25,028,904 parameters.
    """
    widths = [config.width * EXPANSION * 2**stage for stage in range(4)]

    def block(before: int, after: int, stride: int) -> nn.Module:
        inner = config.cardinality * config.group_width * after // widths[0]
        body = nn.Sequential(
            *conv_bn(before, inner, 1),
            nn.ReLU(),
            *conv_bn(inner, inner, 3, stride=stride, groups=config.cardinality),
            nn.ReLU(),
            *conv_bn(inner, after, 1),
        )
        return Residual(body, before=before, after=after, stride=stride, skip=config.skip_connections)

    return ResNet(
        build_stem(config.stem, channels, config.width),
        block,
        before=config.width,
        widths=widths,
        blocks=BLOCKS[config.depth],
        classes=classes,
    )
