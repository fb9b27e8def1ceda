"""The maps that explain a picture's class: which methods a network allows, and one map by one of them."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from dlcore.data.images import images
from dlcore.explanation import cam, effort, occlusion
from dlcore.explanation.attribution import attribute
from dlcore.explanation.rollout import rollout
from dlcore.inference.predict import evaluation_mode
from dlcore.projects import LoadedModel

Method = Literal["gradients", "occlusion", "cam", "rollout"]
NAMES: dict[Method, str] = {
    "gradients": "Integrated gradients",
    "occlusion": "Occlusion",
    "cam": "Grad-CAM",
    "rollout": "Attention rollout",
}
ONE_SIDED: tuple[Method, ...] = ("cam", "rollout")
"""Maps without a negative side."""


@dataclass(frozen=True)
class ImageExplanation:
    """One picture and one class, as the network takes them: x and black (1, ...).

    `layer` is the last feature map's, `grid` its rows and columns; None and zeros without one.
    """

    module: nn.Module
    x: Tensor
    black: Tensor
    target: int
    effort: effort.ComputeBudget
    window: occlusion.OcclusionWindow
    layer: str | None
    grid: tuple[int, int] = (0, 0)

    @property
    def ways(self) -> tuple[Method, ...]:
        """The methods that this network allows."""
        found: list[Method] = ["gradients", "occlusion"]
        if hasattr(self.module, "attentions"):
            found.append("rollout")  # its stem's maps, if there are any, are far from the answer
        elif self.layer:
            found.append("cam")
        return tuple(found)

    @property
    def relevant(self) -> np.ndarray:
        """(H, W): where the picture is not black."""
        found: np.ndarray = (self.x != self.black).reshape(-1, *self.x.shape[-2:]).any(dim=0).numpy()
        return found


@dataclass(frozen=True)
class AttributionMap:
    """values (H, W); of integrated gradients also the logit, that of black, and by how much the sum misses."""

    values: np.ndarray
    output: float = 0.0
    floor: float = 0.0
    delta: float | None = None


def prepare_explanation(model: LoadedModel, picture: np.ndarray, target: int) -> ImageExplanation:
    """A picture (H, W) or (H, W, 3), uint8, and a class, ready to be explained."""
    x, black = (
        torch.from_numpy(images.to_model_input(pixels, model.preprocessing)[None])
        for pixels in (picture, np.zeros_like(picture))
    )
    planned = effort.budget_for(effort.multiply_adds(model.module, x))
    window = occlusion.window_for(*x.shape[-2:], affordable=planned.places)
    layer, grid = cam.feature_layer(model.module, x) or (None, (0, 0))
    return ImageExplanation(model.module, x, black, target, planned, window, layer, grid)


def compute_map(asked: ImageExplanation, how: Method, module: nn.Module | None = None) -> AttributionMap:
    """The map by one method, of the network asked for or of another one of its build (random weights, say)."""
    module = module or asked.module
    if how == "gradients":
        found = attribute(module, asked.x, asked.target, baseline=asked.black, steps=asked.effort.steps)
        assert found.delta is not None
        values = found.values[0].sum(axis=0) if found.values[0].ndim == 3 else found.values[0]  # (C, H, W) -> (H, W)
        return AttributionMap(values, float(found.output[0]), float(found.baseline_output[0]), float(found.delta[0]))
    if how == "occlusion":
        lost = occlusion.occlusion(module, asked.x, asked.target, window=asked.window, baseline=asked.black)
        return AttributionMap(lost[0])
    if how == "cam":
        assert asked.layer
        return AttributionMap(cam.grad_cam(module, asked.x, asked.target, layer=asked.layer)[0])
    return AttributionMap(_rolled(module, asked.x))


def _rolled(module: Any, x: Tensor) -> np.ndarray:
    """The class token's share of each patch, spread over the patch's pixels: (H, W)."""
    with evaluation_mode(module):
        attentions = module.attentions(x)[0].numpy()
    rows, columns = module.grid
    height, width = x.shape[-2:]
    shares = rollout(attentions)[0, 1:].reshape(rows, columns)
    return shares.repeat(-(-height // rows), axis=0).repeat(-(-width // columns), axis=1)[:height, :width]


def align_maps(
    asked: ImageExplanation, how: Method, values: np.ndarray, other: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Two maps by pixel, `other` occlusion's, made alike: equally coarse, or without sign where `how` has none."""
    if how == "gradients":
        return occlusion.coarsen(values, asked.window).ravel(), other.ravel()
    return values.ravel(), np.abs(other).ravel() if how == "rollout" else other.ravel()
