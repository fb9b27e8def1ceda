"""A network packed for a browser: its ONNX file with fixed shapes, checked against torch, and its preprocessing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn

from dlcore.core.errors import RunError

TOLERANCE = 1e-4
"""Largest accepted difference between outputs of the ONNX file and of torch, relative for outputs above 1."""


@dataclass(frozen=True)
class BrowserModel:
    """A network for ONNX Runtime Web.

    kind: the module of `ui/components/model` that reads the input. onnx: the file; inputs have the shapes of the
    samples it was exported with. settings: JSON-able preprocessing, labels and calibration.
    """

    kind: str
    onnx: bytes
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class NetworkInputs:
    """A network and two lists of its inputs by name: one to export it with, one to check the export."""

    module: nn.Module
    samples: Mapping[str, Tensor]
    checks: Sequence[Mapping[str, Tensor]]


def pack(kind: str, network: NetworkInputs, settings: Mapping[str, Any]) -> BrowserModel:
    """Export a network and check it.

    Raises:
        RunError: torch cannot export it, or the outputs of the export differ from torch's by more than 1e-4.
        RequestError: a package is missing.
    """
    from dlcore.inference import onnx_graph

    content = onnx_graph.export_static(network.module, network.samples)
    session = onnx_graph.open_session(content, threads=1)
    used = {each.name for each in session.get_inputs()}  # the export drops inputs that the network ignores
    for inputs in (network.samples, *network.checks):
        outputs = session.run(None, {name: value.numpy() for name, value in inputs.items() if name in used})[0]
        with onnx_graph.evaluation_mode(network.module):
            expected = network.module(*inputs.values()).numpy()
        difference = float((np.abs(outputs - expected) / np.maximum(1.0, np.abs(expected))).max())
        if not difference <= TOLERANCE:
            raise RunError(f"the ONNX file's outputs are {difference:.1e} off torch's, more than {TOLERANCE:g}.")
    return BrowserModel(kind, content, settings)
