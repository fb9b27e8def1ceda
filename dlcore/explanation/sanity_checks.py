"""May an explanation be trusted? The map of random weights, and the answer as the best pixels are removed."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from dlcore.explanation.agreement import rank_correlation
from dlcore.explanation.occlusion import batch_size_for

Explain = Callable[[nn.Module], np.ndarray]
"""module -> its map (H, W) of one picture."""


@dataclass(frozen=True)
class DeletionCurve:
    """How likely the class stays as pixels are removed.

    removed (S,) shares from 0 to 1; `ours` (S,) with the map's most important pixels first; `chance` (S,) the mean of
    several random orders, `low` and `high` (S,) the lowest and highest of them. `area` and `chance_area` are the means
    of the curves over the share removed: the lower ours is below chance, the better the map (Petsiuk et al. 2018).
    """

    removed: np.ndarray
    ours: np.ndarray
    chance: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def area(self) -> float:
        """Area below our curve."""
        return float(np.trapezoid(self.ours, self.removed))

    @property
    def chance_area(self) -> float:
        """Area below the mean of the random orders."""
        return float(np.trapezoid(self.chance, self.removed))

    @property
    def low_area(self) -> float:
        """Area below the lowest of the random orders, point by point."""
        return float(np.trapezoid(self.low, self.removed))


def randomize_weights(module: nn.Module, *, seed: int) -> nn.Module:
    """A copy that never learnt: every layer drawn anew as its kind begins, other parameters with the spread they have.

    The module, and torch's own generator, are left as they are.
    """
    own = copy.deepcopy(module).eval()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        for part in own.modules():
            reset = getattr(part, "reset_parameters", None)
            if callable(reset):
                reset()
                continue
            for parameter in part.parameters(recurse=False):
                spread = float(parameter.std()) if parameter.numel() > 1 else 1.0
                parameter.normal_(std=spread or 1.0)
    return own


def similarity(module: nn.Module, explain: Explain, *, relevant: np.ndarray, draws: int = 3) -> list[float]:
    """How alike a module's map and those of random weights are: a rank correlation for each of `draws`, of |values|.

    relevant (H, W): pixels compared, true where the picture differs from what counts as nothing; the rest is 0 in most
    maps whatever the weights. Source: Adebayo et al. 2018, section 3 (all layers at once).
    """
    own = np.abs(explain(module))[relevant]
    return [
        rank_correlation(own, np.abs(explain(randomize_weights(module, seed=seed)))[relevant]) for seed in range(draws)
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
    """The probability of class `target` as pixels of one picture are put to the baseline, step by step.

    inputs (1, ...) of a picture (C, H, W) or (H, W); values (H, W) its map, high ones removed first. Pixels that are as
    the baseline already are not counted, in our order as in the random ones.
    """
    changed = (inputs != baseline).reshape(-1, *inputs.shape[-2:]).any(dim=0).numpy().ravel()
    pixels = np.flatnonzero(changed)
    generator = np.random.default_rng(0)
    orders = [pixels[np.argsort(-values.ravel()[pixels], kind="stable")]]
    orders += [generator.permutation(pixels) for _ in range(draws)]
    shares = np.linspace(0, 1, steps + 1)
    masks = np.zeros((len(orders), len(shares), values.size), dtype=bool)
    for mask, order in zip(masks, orders, strict=True):
        for place, share in enumerate(shares):
            mask[place, order[: round(share * len(order))]] = True
    hidden = torch.from_numpy(masks.reshape(-1, *inputs.shape[-2:]))
    if inputs.dim() == 4:
        hidden = hidden.unsqueeze(1)  # (M, H, W) -> (M, 1, H, W)
    own = copy.deepcopy(module).eval()
    with torch.no_grad():
        few = hidden.split(batch_size_for(inputs))
        parts = [own(torch.where(part, baseline, inputs)).softmax(dim=1)[:, target] for part in few]
    curves = torch.cat(parts).double().numpy().reshape(len(orders), -1)
    ours, others = curves[0], curves[1:]
    return DeletionCurve(shares, ours, others.mean(axis=0), others.min(axis=0), others.max(axis=0))
