"""Image models for a browser: classifiers of gray images and of photos, and autoencoders."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from dlcore.core.errors import RunError
from dlcore.data.images import images
from dlcore.models.numpy_module import NumpyModule
from dlcore.projects.foundations import backprop
from dlcore.projects.project import LoadedModel
from dlcore.runs.browser_model.numpy_twin import TorchTwin
from dlcore.runs.browser_model.packing import BrowserModel, NetworkInputs, pack


def pack_classifier(loaded: LoadedModel, *, box: int = 0) -> BrowserModel:
    """Return a classifier of images; with `box`, bright objects are fitted into this side and centered by mass."""
    known = loaded.preprocessing
    side = (int(known["side"]),) * 2 if known["kind"] == "picture" else (int(known["height"]), int(known["width"]))
    channels = int(known.get("channels", 1))
    pixels = np.random.default_rng(0).integers(0, 256, (2, *side, channels), dtype=np.uint8)
    inputs = [images.to_model_input(image if channels > 1 else image[..., 0], known)[None] for image in pixels]
    settings = {
        "height": side[0],
        "width": side[1],
        "channels": channels,
        "mean": np.atleast_1d(known["mean"]).tolist(),
        "std": np.atleast_1d(known["std"]).tolist(),
        "shape": list(inputs[0].shape),
        "box": box,
        **classes(loaded),
    }
    return pack("image", _network(loaded.module, inputs), settings)


def pack_digits(loaded: LoadedModel) -> BrowserModel:
    """Return a classifier of digits, which are centered by their mass as in MNIST.

    Raises:
        RunError: it was trained on the synthetic memory task.
    """
    if "height" not in loaded.preprocessing:
        raise RunError("its task is synthetic and has no input of yours.")
    side = int(loaded.preprocessing["height"])
    return pack_classifier(loaded, box=backprop.BOX.get(side, side))


def classes(loaded: LoadedModel) -> dict[str, Any]:
    """Return labels, temperature, threshold of two classes, and the probability below which one is uncertain."""
    rule = loaded.calibration
    threshold = (0.5 if loaded.threshold is None else loaded.threshold) if len(loaded.labels) == 2 else None
    return {
        "labels": list(loaded.labels),
        "temperature": 1.0 if rule is None else rule.temperature,
        "uncertain_below": 0.0 if rule is None else rule.threshold,
        "threshold": threshold,
    }


def _network(module: nn.Module, inputs: list[np.ndarray]) -> NetworkInputs:
    twin = TorchTwin(module) if isinstance(module, NumpyModule) else module
    named: list[Mapping[str, torch.Tensor]] = [{"input": torch.from_numpy(x)} for x in inputs]
    return NetworkInputs(twin.eval(), named[0], named[1:])
