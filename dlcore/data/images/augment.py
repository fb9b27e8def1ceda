"""Pictures on their way into a model: moved, mirrored, tinted and cut a little in training, then scaled; on the device.

A whole batch at once, from bytes: what travels to the device is a quarter of what floats would be. Draws come from
torch's own generator, whose state a paused run keeps.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Augmentation:
    """How training pictures are changed, each time anew. All of it off by default.

    shift: pixels by which the frame moves at most, up, down and sideways; what comes in is mirrored at the border.
    flip: mirror every second picture, left and right.
    cutout: side, in pixels, of a square that is set to the mean (DeVries & Taylor 2017).
    jitter: brightness and contrast change by up to this share.
    """

    shift: int = 0
    flip: bool = False
    cutout: int = 0
    jitter: float = 0.0


class ImageTransform:
    """(N, H, W) or (N, H, W, C) uint8 -> (N, C, H, W) float, the mean of each channel taken off, divided by its spread.

    Coloured pictures keep their channels last in memory, which convolutions are given as they are.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], augmentation: Augmentation) -> None:
        """`mean` and `std` (C,) of the training part's pixels in [0, 1]."""
        self.mean, self.std, self.augmentation = tuple(mean), tuple(std), augmentation

    def __call__(self, inputs: tuple[Tensor, ...], training: bool) -> tuple[Tensor, ...]:
        """One batch; changed only in training."""
        pixels = inputs[0] if inputs[0].dim() == 4 else inputs[0].unsqueeze(-1)
        how = self.augmentation
        if training and (how.shift or how.flip):
            pixels = random_shift_flip(pixels, shift=how.shift, flip=how.flip)
        x = pixels.permute(0, 3, 1, 2).float()  # (N, H, W, C) -> (N, C, H, W), a view of the same order in memory
        if training and how.jitter:
            x = color_jitter(x, share=how.jitter)
        factor, offset = (torch.tensor(part, device=x.device).view(1, -1, 1, 1) for part in self._line())
        x = x.mul_(factor).add_(offset)
        if training and how.cutout:
            x = x.masked_fill_(random_erasing(x, side=how.cutout), 0.0)
        return (x,)

    def _line(self) -> tuple[list[float], list[float]]:
        factors = [1 / (255 * std) for std in self.std]
        return factors, [-mean / std for mean, std in zip(self.mean, self.std, strict=True)]


def random_shift_flip(pixels: Tensor, *, shift: int, flip: bool) -> Tensor:
    """Pixels (N, H, W, C), each picture moved by up to `shift` pixels and mirrored by chance: one gather for all."""
    n, height, width, _ = pixels.shape
    down, across = torch.randint(-shift, shift + 1, (2, n, 1)).to(pixels.device)
    rows = _mirrored(torch.arange(height, device=pixels.device) + down, height)  # (N, H)
    columns = _mirrored(torch.arange(width, device=pixels.device) + across, width)  # (N, W)
    if flip:
        turned = (torch.rand(n, 1) < 0.5).to(pixels.device)
        columns = torch.where(turned, columns.flip(1), columns)
    which = torch.arange(n, device=pixels.device)[:, None, None]
    return pixels[which, rows[:, :, None], columns[:, None, :]]


def color_jitter(x: Tensor, *, share: float) -> Tensor:
    """Values 0 to 255 (N, C, H, W), contrast and brightness of each picture scaled by 1 - share to 1 + share."""
    contrast, brightness = (1 + share * (2 * torch.rand(2, len(x), 1, 1, 1) - 1)).to(x.device)
    middle = x.mean(dim=(1, 2, 3), keepdim=True)
    return ((x - middle) * contrast + middle * brightness).clamp_(0, 255)


def random_erasing(x: Tensor, *, side: int) -> Tensor:
    """A square of `side` pixels in each picture of (N, C, H, W), maybe over an edge: (N, 1, H, W), true inside."""
    n, _, height, width = x.shape
    inside = []
    for length, shape in ((height, (n, 1, -1, 1)), (width, (n, 1, 1, -1))):
        centre = torch.randint(length, (n, 1)).to(x.device)
        near = (torch.arange(length, device=x.device) - centre + side // 2).clamp(-1, side)
        inside.append(((near >= 0) & (near < side)).view(shape))
    return inside[0] & inside[1]


def _mirrored(places: Tensor, length: int) -> Tensor:
    """Places outside 0 to length - 1 mirrored at the border, without repeating the border itself."""
    return (length - 1 - (places.abs() - (length - 1)).abs()).clamp_(0, length - 1)
