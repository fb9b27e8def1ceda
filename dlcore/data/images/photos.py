"""Photographs on their way into a network that others trained: cut out, mirrored, tinted, hidden in part, mixed.

Works on a batch of bytes on the device, as `augment` does, and draws from torch's own generator.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from dlcore.data.images.augment import color_jitter, random_erasing


@dataclass(frozen=True)
class PhotoAugmentation:
    """How training photographs are changed, each time anew.

    side: pixels that training sees, 0 for all of the picture's; zoom: the least share of the picture's area cut out
    (1 cuts nothing off); flip: every second one is mirrored; jitter: brightness and contrast change by up to this
    share; erase: side in pixels of a hidden square; mixup: alpha of the beta distribution, 0 mixes nothing.
    """

    side: int = 0
    zoom: float = 1.0
    flip: bool = False
    jitter: float = 0.0
    erase: int = 0
    mixup: float = 0.0


@dataclass(frozen=True)
class MixupResult:
    """Which other sample each of a batch was mixed with (N,), and the share that is its own."""

    other: Tensor
    share: float


class PhotoTransform:
    """(N, H, W, 3) uint8 -> (N, 3, h, w) float, standardised; `mix` tells how the last training batch was mixed."""

    def __init__(self, mean: Sequence[float], std: Sequence[float], changes: PhotoAugmentation) -> None:
        self.mean, self.std, self.changes = tuple(mean), tuple(std), changes
        self.mix: MixupResult | None = None

    def __call__(self, inputs: tuple[Tensor, ...], training: bool) -> tuple[Tensor, ...]:
        """One batch; changed only in training."""
        how = self.changes
        x = inputs[0].permute(0, 3, 1, 2).float()  # (N, H, W, C) -> (N, C, H, W), channels last in memory
        if training:
            x = random_resized_crop(x, side=how.side or x.shape[-1], zoom=how.zoom, flip=how.flip)
            if how.jitter:
                x = color_jitter(x, share=how.jitter)
        mean, std = (torch.tensor(part, device=x.device).view(1, -1, 1, 1) for part in (self.mean, self.std))
        x = (x / 255 - mean) / std
        if training and how.erase:
            x = x.masked_fill_(random_erasing(x, side=how.erase), 0.0)
        if training:
            x, self.mix = mixup(x, alpha=how.mixup)
        return (x.contiguous(memory_format=torch.channels_last),)


class FeatureViews:
    """Features (N, V, F) of each picture's views -> (N, F): one of them by chance in training, else the first."""

    def __init__(self, mixup: float = 0.0) -> None:
        self.alpha, self.mix = mixup, None

    def __call__(self, inputs: tuple[Tensor, ...], training: bool) -> tuple[Tensor, ...]:
        """One batch."""
        views = inputs[0]
        if not training:
            return (views[:, 0],)
        n = len(views)
        which = torch.randint(views.shape[1], (n,)).to(views.device)
        x, self.mix = mixup(views[torch.arange(n, device=views.device), which], alpha=self.alpha)
        return (x,)

    mix: MixupResult | None


def random_resized_crop(x: Tensor, *, side: int, zoom: float, flip: bool) -> Tensor:
    """Of each picture (N, C, H, W) a rectangle by chance, brought to (side, side), every second one mirrored.

    Its area is between `zoom` and all of the picture's, its sides are to each other as 3:4 to 4:3 (Szegedy et al.
    2015); pixels lie between their neighbours.
    """
    n = len(x)
    area = zoom + (1 - zoom) * torch.rand(n)
    bent = torch.exp((2 * torch.rand(n) - 1) * (0.2877 if zoom < 1 else 0.0))  # log(4 / 3)
    across, down = ((area * part).sqrt().clamp(max=1.0) for part in (bent, 1 / bent))
    left, top = ((2 * torch.rand(n) - 1) * (1 - size) for size in (across, down))
    turned = torch.where(torch.rand(n) < 0.5, -1.0, 1.0) if flip else torch.ones(n)
    matrix = torch.zeros(n, 2, 3)
    matrix[:, 0, 0], matrix[:, 0, 2] = across * turned, left
    matrix[:, 1, 1], matrix[:, 1, 2] = down, top
    grid = functional.affine_grid(matrix.to(x.device), [n, x.shape[1], side, side], align_corners=False)
    return functional.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def mixup(x: Tensor, *, alpha: float) -> tuple[Tensor, MixupResult | None]:
    """A batch mixed with itself in another order, by a share from Beta(alpha, alpha) (Zhang et al. 2018, eq. 1)."""
    if not alpha:
        return x, None
    share = float(torch._sample_dirichlet(torch.tensor([alpha, alpha]))[0])
    other = torch.randperm(len(x)).to(x.device)
    return x * share + x[other] * (1 - share), MixupResult(other, share)
