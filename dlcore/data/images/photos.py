"""Augmentation of photo batches for pretrained networks: crop, flip, color jitter, random erasing, mixup.

Like `augment`, it works on uint8 batches on the device and uses torch's global generator.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from dlcore.data.images.augment import color_jitter, random_erasing


@dataclass(frozen=True)
class PhotoAugmentation:
    """Random changes of training photos.

    side: size of the crop in pixels, 0 for the size of the image; zoom: minimum area of the crop (1: no crop); flip:
    flip half of the images horizontally; jitter: maximum relative change of brightness and contrast; erase: side in
    pixels of the erased square; mixup: alpha of the beta distribution, 0 for none.
    """

    side: int = 0
    zoom: float = 1.0
    flip: bool = False
    jitter: float = 0.0
    erase: int = 0
    mixup: float = 0.0


@dataclass(frozen=True)
class MixupResult:
    """The sample that each one of a batch was mixed with (N,), and the weight of the original."""

    other: Tensor
    share: float


class PhotoTransform:
    """Augments and standardizes uint8 images (N, H, W, 3) to float (N, 3, h, w); `mix` describes the last mixup."""

    def __init__(self, mean: Sequence[float], std: Sequence[float], changes: PhotoAugmentation) -> None:
        self.mean, self.std, self.changes = tuple(mean), tuple(std), changes
        self.mix: MixupResult | None = None

    def __call__(self, inputs: tuple[Tensor, ...], training: bool) -> tuple[Tensor, ...]:
        """Transform one batch; augment it only in training."""
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
    """Selects one of V views (N, V, F) -> (N, F): a random one in training, else the first."""

    def __init__(self, mixup: float = 0.0) -> None:
        self.alpha, self.mix = mixup, None

    def __call__(self, inputs: tuple[Tensor, ...], training: bool) -> tuple[Tensor, ...]:
        """Transform one batch."""
        views = inputs[0]
        if not training:
            return (views[:, 0],)
        n = len(views)
        which = torch.randint(views.shape[1], (n,)).to(views.device)
        x, self.mix = mixup(views[torch.arange(n, device=views.device), which], alpha=self.alpha)
        return (x,)

    mix: MixupResult | None


def random_resized_crop(x: Tensor, *, side: int, zoom: float, flip: bool) -> Tensor:
    """Crop a random rectangle of each image (N, C, H, W), resize it to (side, side) and flip half of them.

    The area is `zoom` to 1 of the image, the aspect ratio 3:4 to 4:3 (Szegedy et al. 2015); interpolation is bilinear.
    """
    n = len(x)
    area = zoom + (1 - zoom) * torch.rand(n)
    aspect = torch.exp((2 * torch.rand(n) - 1) * (0.2877 if zoom < 1 else 0.0))  # log(4 / 3)
    across, down = ((area * part).sqrt().clamp(max=1.0) for part in (aspect, 1 / aspect))
    left, top = ((2 * torch.rand(n) - 1) * (1 - size) for size in (across, down))
    flips = torch.where(torch.rand(n) < 0.5, -1.0, 1.0) if flip else torch.ones(n)
    matrix = torch.zeros(n, 2, 3)
    matrix[:, 0, 0], matrix[:, 0, 2] = across * flips, left
    matrix[:, 1, 1], matrix[:, 1, 2] = down, top
    grid = functional.affine_grid(matrix.to(x.device), [n, x.shape[1], side, side], align_corners=False)
    return functional.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def mixup(x: Tensor, *, alpha: float) -> tuple[Tensor, MixupResult | None]:
    """Mix a batch with a permutation of itself, with weight from Beta(alpha, alpha) (Zhang et al. 2018, eq. 1)."""
    if not alpha:
        return x, None
    share = float(torch._sample_dirichlet(torch.tensor([alpha, alpha]))[0])
    other = torch.randperm(len(x)).to(x.device)
    return x * share + x[other] * (1 - share), MixupResult(other, share)
