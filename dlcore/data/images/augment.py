"""Augmentation and standardization of image batches, on the device.

Batches are uint8, a quarter of the transfer of floats. Random numbers come from torch's global generator, whose
state is stored in checkpoints.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Augmentation:
    """Random changes of training images; all are off by default.

    shift: maximum shift in pixels, vertically and horizontally, with reflection padding.
    flip: flip half of the images horizontally.
    cutout: side in pixels of a square that is set to the mean (DeVries & Taylor 2017).
    jitter: maximum relative change of brightness and contrast.
    sides: side in pixels in each epoch (progressive resizing, Howard 2018); empty: that of the images.
    """

    shift: int = 0
    flip: bool = False
    cutout: int = 0
    jitter: float = 0.0
    sides: tuple[int, ...] = ()


class ImageTransform:
    """Augments and standardizes uint8 images (N, H, W) or (N, H, W, C) to float (N, C, H, W), channels last."""

    def __init__(self, mean: Sequence[float], std: Sequence[float], augmentation: Augmentation) -> None:
        """`mean` and `std` (C,) are those of the training pixels in [0, 1]."""
        self.mean, self.std, self.augmentation = tuple(mean), tuple(std), augmentation
        self.side = 0

    def set_epoch(self, number: int) -> None:
        """Set the side of the training images of an epoch, counted from 1."""
        self.side = self.augmentation.sides[number - 1] if self.augmentation.sides else 0

    def __call__(self, inputs: tuple[Tensor, ...], training: bool) -> tuple[Tensor, ...]:
        """Transform one batch; augment it only in training."""
        pixels = inputs[0] if inputs[0].dim() == 4 else inputs[0].unsqueeze(-1)
        how = self.augmentation
        if training and (how.shift or how.flip):
            pixels = random_shift_flip(pixels, shift=how.shift, flip=how.flip)
        x = pixels.permute(0, 3, 1, 2).float()  # (N, H, W, C) -> (N, C, H, W), a view
        if training and how.jitter:
            x = color_jitter(x, share=how.jitter)
        factor, offset = (torch.tensor(part, device=x.device).view(1, -1, 1, 1) for part in self._scale_and_offset())
        x = x.mul_(factor).add_(offset)
        if training and how.cutout:
            x = x.masked_fill_(random_erasing(x, side=how.cutout), 0.0)
        if training and self.side not in (0, x.shape[-1]):
            x = functional.interpolate(x, self.side, mode="bilinear", antialias=True)
        return (x,)

    def _scale_and_offset(self) -> tuple[list[float], list[float]]:
        factors = [1 / (255 * std) for std in self.std]
        return factors, [-mean / std for mean, std in zip(self.mean, self.std, strict=True)]


def growing_sides(first: int, last: int, epochs: int) -> tuple[int, ...]:
    """Return the side of each epoch: a third each has `first`, the middle in multiples of 8, and `last`."""
    middle = round((first + last) / 16) * 8
    return tuple((first, middle, last)[min(2, 3 * epoch // epochs)] for epoch in range(epochs))


def random_shift_flip(pixels: Tensor, *, shift: int, flip: bool) -> Tensor:
    """Shift each image of (N, H, W, C) by up to `shift` pixels and flip it randomly, in one gather."""
    n, height, width, _ = pixels.shape
    down, across = torch.randint(-shift, shift + 1, (2, n, 1)).to(pixels.device)
    rows = _reflect(torch.arange(height, device=pixels.device) + down, height)  # (N, H)
    columns = _reflect(torch.arange(width, device=pixels.device) + across, width)  # (N, W)
    if flip:
        flipped = (torch.rand(n, 1) < 0.5).to(pixels.device)
        columns = torch.where(flipped, columns.flip(1), columns)
    which = torch.arange(n, device=pixels.device)[:, None, None]
    return pixels[which, rows[:, :, None], columns[:, None, :]]


def color_jitter(x: Tensor, *, share: float) -> Tensor:
    """Scale contrast and brightness of each image (N, C, H, W) in 0 to 255 by 1 - share to 1 + share."""
    contrast, brightness = (1 + share * (2 * torch.rand(2, len(x), 1, 1, 1) - 1)).to(x.device)
    middle = x.mean(dim=(1, 2, 3), keepdim=True)
    return ((x - middle) * contrast + middle * brightness).clamp_(0, 255)


def random_erasing(x: Tensor, *, side: int) -> Tensor:
    """Return a mask (N, 1, H, W) with a random square of `side` pixels per image, possibly over an edge."""
    n, _, height, width = x.shape
    inside = []
    for length, shape in ((height, (n, 1, -1, 1)), (width, (n, 1, 1, -1))):
        center = torch.randint(length, (n, 1)).to(x.device)
        near = (torch.arange(length, device=x.device) - center + side // 2).clamp(-1, side)
        inside.append(((near >= 0) & (near < side)).view(shape))
    return inside[0] & inside[1]


def _reflect(positions: Tensor, length: int) -> Tensor:
    """Reflect positions outside 0 to length - 1 at the border, without repeating the border."""
    return (length - 1 - (positions.abs() - (length - 1)).abs()).clamp_(0, length - 1)
