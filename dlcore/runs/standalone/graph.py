"""ONNX export of networks of images, sequences and series for any batch size and length, checked against torch."""

import contextlib
import io
import sys
import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dlcore import projects
from dlcore.core.errors import RunError
from dlcore.inference import onnx_graph
from dlcore.inference.predict import evaluation_mode
from dlcore.projects.anomaly.models import MODELS, view_of
from dlcore.projects.project import LoadedModel
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.onnx_export import image_size

BATCHES = (1, 8)
"""Batch sizes of the comparison with torch."""
LENGTHS = (24, 8)
"""Lengths of texts in the comparison; a series is compared at its window and at half of it."""
TEXT_KINDS = ("words", "wordpiece", "byte_pair")


def export_network(bundle: Bundle, loaded: LoadedModel) -> tuple[bytes, float]:
    """Return the network as an ONNX file, and its largest difference from torch over batch sizes and lengths.

    Raises:
        RunError: why the network cannot be exported.
        RequestError: a package is missing.
    """
    onnx_graph.require_packages()
    samples, axes = _samples(bundle, loaded)
    content = _trace(loaded.module, samples[0], axes)
    session = onnx_graph.open_session(content, threads=torch.get_num_threads())
    known = {each.name for each in session.get_inputs()}  # without those that the network does not read
    largest = 0.0
    for inputs in samples:
        with evaluation_mode(loaded.module):
            expected = loaded.module(*inputs).numpy()
        try:
            named = zip(_names(inputs), inputs, strict=True)
            values = session.run(None, {name: each.numpy() for name, each in named if name in known})[0]
        except Exception as error:  # errors of onnxruntime have no other common class
            raise RunError(
                f"the ONNX graph fails on {tuple(inputs[0].shape)} ({str(error).splitlines()[0][:150]})."
            ) from None
        largest = max(largest, float(np.abs(values - expected).max()))
    if not largest <= onnx_graph.TOLERANCE:
        raise RunError(f"the ONNX graph's outputs are {largest:.1e} off torch's, more than {onnx_graph.TOLERANCE:g}.")
    return content, largest


def _samples(bundle: Bundle, loaded: LoadedModel) -> tuple[list[tuple[Tensor, ...]], list[dict[int, str]]]:
    """Return inputs of every batch size and length, the one to trace first, and the axes that may vary."""
    config, facts, kind = bundle.config, bundle.facts, bundle.preprocessing.get("kind")
    project, generator = projects.get(config.project), torch.Generator().manual_seed(0)
    if project.models[config.model].training_loop is not None and config.model not in MODELS:
        raise RunError(f"'{config.model}' is implemented in NumPy, so torch cannot export it.")
    if kind in TEXT_KINDS and project.task.name == "classification":
        ids = [
            torch.randint(1, facts["vocabulary"], (n, t), generator=generator) for t in LENGTHS for n in BATCHES[::-1]
        ]
        for each in ids:
            each[0, each.shape[1] // 2 :] = 0  # padding
        return [(each,) for each in ids], [{0: "batch", 1: "length"}]
    if project.modality == "image" and kind in ("grey", "picture") and "mean" in bundle.preprocessing:
        height, width, channels = image_size(bundle.preprocessing)
        shape = (height, width) if kind == "grey" else (channels, height, width)
        return [(torch.randn(n, *shape, generator=generator),) for n in BATCHES[::-1]], [{0: "batch"}]
    if project.task.name == "anomaly detection":
        view, length, features = view_of(config), facts["window"], facts["features"]
        if view == "row":
            return [(torch.rand(n, features, generator=generator),) for n in BATCHES[::-1]], [{0: "batch"}]
        if view in ("window", "value window"):
            lengths = (length, max(4, length // 8 * 4))
            shapes = [(n, 1, t) if view == "value window" else (n, t, features) for t in lengths for n in BATCHES[::-1]]
            axis = 2 if view == "value window" else 1
            return [(torch.rand(*each, generator=generator),) for each in shapes], [{0: "batch", axis: "length"}]
        raise RunError(f"'{config.model}' compares windows with stored ones or with folds: use the bundle.")
    if project.task.name == "forecasting":
        return _forecast_samples(bundle, loaded, generator)
    if kind == "memory":
        raise RunError("the inputs of this project are generated, so there is no file to predict: use the bundle.")
    raise RunError(f"'{project.slug}' has no input that one ONNX graph takes: use the bundle.")


def _forecast_samples(
    bundle: Bundle, loaded: LoadedModel, generator: torch.Generator
) -> tuple[list[tuple[Tensor, ...]], list[dict[int, str]]]:
    """Return window, calendar and, for a blend, linear forecast; of one length if the network takes no other."""
    facts, is_blend = bundle.facts, "linear" in bundle.preprocessing
    samples: list[tuple[Tensor, ...]] = []
    axes: list[dict[int, str]] = [{0: "batch", 1: "length"}, {0: "batch"}, {0: "batch"}][: 2 + is_blend]
    for length in (facts["window"], max(2, facts["window"] // 2)):
        for n in BATCHES[::-1]:
            shapes = [(n, length, facts["features"]), (n, facts["calendar"]), (n, facts["steps"], facts["variables"])]
            samples.append(tuple(torch.randn(*each, generator=generator) for each in shapes[: 2 + is_blend]))
    try:
        with evaluation_mode(loaded.module):
            loaded.module(*samples[-1])
    except RuntimeError:  # a linear layer over the window
        samples, axes[0] = samples[: len(BATCHES)], {0: "batch"}
    return samples, axes


def _names(inputs: tuple[Tensor, ...]) -> list[str]:
    return [f"input_{number}" if number else "inputs" for number in range(len(inputs))]


def _trace(module: torch.nn.Module, inputs: tuple[Tensor, ...], axes: list[dict[int, str]]) -> bytes:
    """Return the module in evaluation mode as an ONNX file whose `axes` may vary, by tracing: recurrent layers take any
    length then."""
    names = _names(inputs)
    buffer: Any = io.BytesIO()
    settings: dict[str, Any] = {"dynamo": False, "opset_version": 17, "input_names": names, "output_names": ["output"]}
    with (
        evaluation_mode(module),
        contextlib.redirect_stdout(sys.stderr),  # stdout belongs to the caller
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # that tracing is the older way, and that Python values become constants
        try:
            torch.onnx.export(module, inputs, buffer, dynamic_axes=dict(zip(names, axes, strict=True)), **settings)
        except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise RunError(f"torch cannot export this network to ONNX ({reason[:150]}).") from None
    return buffer.getvalue()
