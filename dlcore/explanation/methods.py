"""Explanation methods of packs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from torch import Tensor, nn

from dlcore.core import packs


@dataclass(frozen=True)
class Explainer:
    """An attribution method for images: (network, x (1, ...), class, black baseline (1, ...)) -> values (H, W).

    `caption` says below the map what it shows.
    """

    title: str
    compute: Callable[[nn.Module, Tensor, int, Tensor], np.ndarray]
    caption: str = ""
    modality: Literal["image"] = "image"


EXPLAINERS: packs.Registry[Explainer] = packs.Registry("dlcore.explainers", {}, Explainer)
"""Methods of packs by name, for every network that classifies images."""


def compute_map(name: str, module: nn.Module, x: Tensor, target: int, black: Tensor) -> np.ndarray:
    """Return the map (H, W) of a method of a pack.

    Raises:
        TrainingError: the method raises an error, or its map has another shape or is not finite; names the pack.
    """
    entry, method = EXPLAINERS.packs(name)[name]
    return packs.guard(entry, _checked)(method, module, x, target, black)


def _checked(method: Explainer, module: nn.Module, x: Tensor, target: int, black: Tensor) -> np.ndarray:
    values = np.asarray(method.compute(module, x, target, black), dtype=np.float32)
    if values.shape != tuple(x.shape[-2:]) or not np.isfinite(values).all():
        raise ValueError(f"the map has shape {values.shape} instead of {tuple(x.shape[-2:])}, or is not finite")
    return values
