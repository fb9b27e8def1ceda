"""Sanity checks of an attribution map: model randomization test and deletion curve."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from dlcore.explanation.agreement import rank_correlation
from dlcore.explanation.occlusion import batch_size_for

Explain = Callable[[nn.Module], np.ndarray]
"""module -> map (H, W) of one image."""


@dataclass(frozen=True)
class DeletionCurve:
    """Probability of the class as pixels are removed.

    removed (S,): shares from 0 to 1; ours (S,): the map's highest-ranked pixels first; chance (S,): mean of several
    random orders; low, high (S,): their minimum and maximum. `area` and `chance_area` are the areas under the curves:
    the lower ours is below chance, the better the map (Petsiuk et al. 2018).
    """

    removed: np.ndarray
    ours: np.ndarray
    chance: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def area(self) -> float:
        """Area under the map's curve."""
        return float(np.trapezoid(self.ours, self.removed))

    @property
    def chance_area(self) -> float:
        """Area under the mean of the random orders."""
        return float(np.trapezoid(self.chance, self.removed))

    @property
    def low_area(self) -> float:
        """Area under the pointwise minimum of the random orders."""
        return float(np.trapezoid(self.low, self.removed))


def randomize_weights(module: nn.Module, *, seed: int) -> nn.Module:
    """Return a copy with random weights: layers are reset, other parameters drawn with their standard deviation.

    The module and torch's random generator are unchanged.
    """
    randomized = copy.deepcopy(module).eval()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        for layer in randomized.modules():
            reset = getattr(layer, "reset_parameters", None)
            if callable(reset):
                reset()
                continue
            for parameter in layer.parameters(recurse=False):
                spread = float(parameter.std()) if parameter.numel() > 1 else 1.0
                parameter.normal_(std=spread or 1.0)
    return randomized


def similarity(module: nn.Module, explain: Explain, *, relevant: np.ndarray, draws: int = 3) -> list[float]:
    """Return the rank correlation of |map| of a module and of random weights, for each of `draws`.

    relevant (H, W): pixels to compare, true where the image differs from the baseline; other pixels are 0 in most maps
    with any weights. Source: Adebayo et al. 2018, section 3 (all layers at once).
    """
    values = np.abs(explain(module))[relevant]
    return [
        rank_correlation(values, np.abs(explain(randomize_weights(module, seed=seed)))[relevant])
        for seed in range(draws)
    ]


def deletion_curve(
    module: nn.Module,
    inputs: Tensor,
    target: int,
    values: np.ndarray,
    *,
    baseline: Tensor,
    steps: int = 20,
    draws: int = 5,
) -> DeletionCurve:
    """Return the probability of class `target` as pixels of one image are set to the baseline, step by step.

    inputs (1, ...) of an image (C, H, W) or (H, W); values (H, W): its map, high values removed first. Pixels equal to
    the baseline are skipped, in the map's order and in the random ones.
    """
    changed = (inputs != baseline).reshape(-1, *inputs.shape[-2:]).any(dim=0).numpy().ravel()
    pixels = np.flatnonzero(changed)
    generator = np.random.default_rng(0)
    orders = [pixels[np.argsort(-values.ravel()[pixels], kind="stable")]]
    orders += [generator.permutation(pixels) for _ in range(draws)]
    shares = np.linspace(0, 1, steps + 1)
    masks = np.zeros((len(orders), len(shares), values.size), dtype=bool)
    for mask, order in zip(masks, orders, strict=True):
        for step, share in enumerate(shares):
            mask[step, order[: round(share * len(order))]] = True
    is_removed = torch.from_numpy(masks.reshape(-1, *inputs.shape[-2:]))
    if inputs.dim() == 4:
        is_removed = is_removed.unsqueeze(1)  # (M, H, W) -> (M, 1, H, W)
    network = copy.deepcopy(module).eval()
    with torch.no_grad():
        batches = is_removed.split(batch_size_for(inputs))
        parts = [network(torch.where(batch, baseline, inputs)).softmax(dim=1)[:, target] for batch in batches]
    curves = torch.cat(parts).double().numpy().reshape(len(orders), -1)
    map_curve, random_curves = curves[0], curves[1:]
    return DeletionCurve(
        shares, map_curve, random_curves.mean(axis=0), random_curves.min(axis=0), random_curves.max(axis=0)
    )
