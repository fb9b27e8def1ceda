"""Explain the class of an image: attribution maps by several methods, and the sanity checks of a map."""

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

from dlcore.data.images import images
from dlcore.explanation import cam, effort, findings, occlusion, sanity_checks
from dlcore.explanation.agreement import rank_correlation
from dlcore.explanation.attribution import attribute
from dlcore.explanation.findings import SanityCheck
from dlcore.explanation.methods import EXPLAINERS
from dlcore.explanation.methods import compute_map as compute_map_of_pack
from dlcore.explanation.rollout import rollout
from dlcore.explanation.sanity_checks import DeletionCurve
from dlcore.inference.predict import evaluation_mode
from dlcore.projects import classification
from dlcore.projects.project import LoadedModel
from dlcore.projects.vision import images as vision_images

Method = str
"""One of `METHODS`, or a method of a pack."""
METHODS: dict[Method, str] = {
    "gradients": "Integrated gradients",
    "occlusion": "Occlusion",
    "cam": "Grad-CAM",
    "rollout": "Attention rollout",
}
ONE_SIDED: tuple[Method, ...] = ("cam", "rollout")
"""Maps without negative values."""
LARGE = 128
"""Side in pixels from which Grad-CAM, the fastest method, is the default."""
REGIONS = 4
"""Rows and columns of the coarse grid in which `explain` sums a map."""


@dataclass(frozen=True)
class ImagePlan:
    """What a network supports: compute budget, occlusion window, and the last feature map's layer and grid."""

    budget: effort.ComputeBudget
    window: occlusion.OcclusionWindow
    layer: str | None
    grid: tuple[int, int]
    methods: tuple[Method, ...]


@dataclass(frozen=True)
class ImageQuestion:
    """One image and one class as model input: x and its black baseline (1, ...)."""

    module: nn.Module
    x: Tensor
    black: Tensor
    target: int
    plan: ImagePlan

    @property
    def default_method(self) -> Method:
        """Grad-CAM for large images if the network supports it, else integrated gradients."""
        return "cam" if "cam" in self.plan.methods and self.x.shape[-1] >= LARGE else "gradients"

    @property
    def is_visible(self) -> np.ndarray:
        """Mask (H, W) of pixels that are not black."""
        mask: np.ndarray = (self.x != self.black).reshape(-1, *self.x.shape[-2:]).any(dim=0).numpy()
        return mask


@dataclass(frozen=True)
class AttributionMap:
    """Attribution values (H, W); for integrated gradients also logit, baseline logit, and completeness gap."""

    values: np.ndarray
    output: float = 0.0
    baseline_output: float = 0.0
    delta: float | None = None


@dataclass(frozen=True)
class CheckedMap:
    """Sanity checks of a map, with the compared maps (H, W): of another method and of random weights."""

    checks: tuple[SanityCheck, ...]
    other: Method
    other_values: np.ndarray
    random_values: np.ndarray
    deletion: DeletionCurve


_PLANS: WeakKeyDictionary[nn.Module, ImagePlan] = WeakKeyDictionary()


def plan_explanation(model: LoadedModel, x: Tensor) -> ImagePlan:
    """Plan for a network and the size of its inputs (1, ...); computed once for each loaded model."""
    module = model.module
    if module not in _PLANS:
        budget = effort.budget_for(effort.multiply_adds(module, x))
        window = occlusion.window_for(*x.shape[-2:], affordable=budget.places)
        layer, grid = cam.feature_layer(module, x) or (None, (0, 0))
        methods: list[Method] = ["gradients", "occlusion"]
        if hasattr(module, "attentions"):
            methods.append("rollout")  # a stem's feature maps are far from the output
        elif layer:
            methods.append("cam")
        methods += [name for name in EXPLAINERS if name not in METHODS]
        _PLANS[module] = ImagePlan(budget, window, layer, grid, tuple(methods))
    return _PLANS[module]


def method_title(method: Method) -> str:
    """The title of a method."""
    return METHODS[method] if method in METHODS else EXPLAINERS[method].title


def prepare_explanation(model: LoadedModel, pixels: np.ndarray, target: int) -> ImageQuestion:
    """An image (H, W) or (H, W, 3), uint8, and a class, ready to be explained."""
    x, black = (
        torch.from_numpy(images.to_model_input(part, model.preprocessing)[None])
        for part in (pixels, np.zeros_like(pixels))
    )
    return ImageQuestion(model.module, x, black, target, plan_explanation(model, x))


def compute_map(question: ImageQuestion, method: Method, module: nn.Module | None = None) -> AttributionMap:
    """Map of one method, for the explained network or for one of the same architecture (random weights)."""
    module, plan = module or question.module, question.plan
    if method not in METHODS:
        return AttributionMap(compute_map_of_pack(method, module, question.x, question.target, question.black))
    if method == "gradients":
        attribution = attribute(module, question.x, question.target, baseline=question.black, steps=plan.budget.steps)
        assert attribution.delta is not None
        values = attribution.values[0]
        return AttributionMap(
            values.sum(axis=0) if values.ndim == 3 else values,  # (C, H, W) -> (H, W)
            float(attribution.output[0]),
            float(attribution.baseline_output[0]),
            float(attribution.delta[0]),
        )
    if method == "occlusion":
        losses = occlusion.occlusion(module, question.x, question.target, window=plan.window, baseline=question.black)
        return AttributionMap(losses[0])
    if method == "cam":
        assert plan.layer
        return AttributionMap(cam.grad_cam(module, question.x, question.target, layer=plan.layer)[0])
    return AttributionMap(_attention_rollout(module, question.x))


def _attention_rollout(module: Any, x: Tensor) -> np.ndarray:
    """Attention rollout (H, W): the class token's share of each patch, spread over its pixels."""
    with evaluation_mode(module):
        attentions = module.attentions(x)[0].numpy()
    rows, columns = module.grid
    height, width = x.shape[-2:]
    shares = rollout(attentions)[0, 1:].reshape(rows, columns)
    return shares.repeat(-(-height // rows), axis=0).repeat(-(-width // columns), axis=1)[:height, :width]


def second_method(method: Method) -> Method:
    """Method whose map is compared with that of `method`."""
    return "gradients" if method == "occlusion" else "occlusion"


def check_map(question: ImageQuestion, method: Method, result: AttributionMap, second: AttributionMap) -> CheckedMap:
    """Sanity checks of a map: completeness (integrated gradients only), random weights, agreement, deletion.

    second: the map by `second_method(method)`.
    """
    other, budget, values = second_method(method), question.plan.budget, result.values
    random_maps: list[np.ndarray] = []

    def explain_module(module: nn.Module) -> np.ndarray:
        if module is question.module:
            return values
        random_maps.append(compute_map(question, method, module).values)
        return random_maps[-1]

    correlations = sanity_checks.similarity(
        question.module, explain_module, relevant=question.is_visible, draws=budget.draws
    )
    deletion = sanity_checks.deletion_curve(
        question.module,
        question.x,
        question.target,
        values,
        baseline=question.black,
        steps=budget.points,
        draws=budget.orders,
    )
    checks = [findings.check_random_weights(correlations)]
    if result.delta is not None:
        checks.insert(0, findings.check_completeness(result.output, result.baseline_output, result.delta))
    checks.append(
        findings.check_agreement(
            rank_correlation(*_align_maps(question, method, values, second.values)),
            first=method_title(method),
            second=method_title(other),
        )
    )
    checks.append(findings.check_deletion(deletion))
    return CheckedMap(tuple(checks), other, second.values, random_maps[0], deletion)


def _align_maps(
    question: ImageQuestion, method: Method, values: np.ndarray, other: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Two maps at the same resolution, unsigned if one of them is."""
    if method == "occlusion":
        return values.ravel(), occlusion.coarsen(other, question.plan.window).ravel()
    if method == "gradients":
        return occlusion.coarsen(values, question.plan.window).ravel(), other.ravel()
    return values.ravel(), np.abs(other).ravel() if method == "rollout" else other.ravel()


def explain(loaded: LoadedModel, payload: bytes, method: str, target: str) -> dict[str, Any]:
    """Attribution map of an image file for one class, summed over a coarse grid, with its sanity checks.

    method: a key of `METHODS`; the default for the image's size if empty. target: a label; the predicted one if empty.

    Raises:
        DataError: the file is not an image that can be read.
        RequestError: the network does not support the method, or has no such class.
    """
    pixels = vision_images.read_model_image(payload, loaded.preprocessing)
    model_input = torch.from_numpy(images.to_model_input(pixels, loaded.preprocessing)[None])
    prediction = classification.classify_input(loaded, model_input)
    label = classification.choose(target, loaded.labels, default=prediction["label"], kind="class")
    question = prepare_explanation(loaded, pixels, loaded.labels.index(label))
    selected = classification.choose(method, question.plan.methods, default=question.default_method, kind="method")
    result = compute_map(question, selected)
    checked = check_map(question, selected, result, compute_map(question, second_method(selected)))
    regions = _sum_regions(result.values)
    top = max(regions, key=lambda row: row["value"])["part"]
    return {
        "method": method_title(selected),
        "methods": list(question.plan.methods),
        "target": label,
        "prediction": prediction,
        "summary": f"Evidence for class “{label}” is strongest in {top}.",
        "contributions": regions,
        "checks": [check.as_json() for check in checked.checks],
        "map": result.values.tolist(),
    }


def _sum_regions(values: np.ndarray) -> list[dict[str, Any]]:
    """Sums of a map (H, W) over a coarse grid, by row and column."""
    rows, columns = (np.array_split(np.arange(length), REGIONS) for length in values.shape)
    return [
        {
            "part": f"rows {r[0]}-{r[-1]}, columns {c[0]}-{c[-1]}",
            "value": float(values[np.ix_(r, c)].sum()),
        }
        for r in rows
        for c in columns
    ]
