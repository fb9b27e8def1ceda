"""A trained module as an ONNX graph: written, asked the same as the module, and timed beside it.

`onnx` and `onnxruntime` are loaded by whoever calls, not before.
"""

import contextlib
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dlcore.core.errors import RequestError, RunError
from dlcore.inference.predict import evaluation_mode

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
INPUT, OUTPUT = "pictures", "logits"
CLOSE = 1e-4
"""Outputs of graph and module may differ by so much."""
WARM, TRIES, BLOCKS, SECONDS = 3, 10, 3, 4.0


@dataclass(frozen=True)
class Latency:
    """Median seconds of one answer, a batch of one, on this machine's CPU with so many threads."""

    torch: float
    onnxruntime: float
    threads: int


def missing_packages() -> tuple[str, ...]:
    """What must be installed before a graph can be written; nothing is loaded to find out."""
    return tuple(name for name in PACKAGES if importlib.util.find_spec(name) is None)


def require_packages() -> None:
    """Raises RequestError: a package is not installed; the line says how to get it."""
    if absent := missing_packages():
        names = " ".join(absent)
        raise RequestError(f"ONNX needs {' and '.join(absent)}, not installed here: run 'pip install {names}'.")


def export_graph(module: nn.Module, sample: Tensor, facts: dict[str, str]) -> bytes:
    """The module in evaluation mode as an ONNX file; `facts` are kept in it as its metadata.

    sample: at least two inputs, (N, ...); the graph takes any N. Tracing changes torch's modules for all threads while
    it lasts: call it in a process where nothing else computes.

    Raises:
        RequestError: a package is missing.
        RunError: the module computes something that has no graph.
    """
    require_packages()
    with evaluation_mode(module), contextlib.redirect_stdout(sys.stderr):  # standard output is the caller's
        try:
            program = torch.onnx.export(
                module,
                (sample,),
                dynamo=True,
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                input_names=[INPUT],
                output_names=[OUTPUT],
                verbose=False,
            )
        except torch.onnx.errors.OnnxExporterError as error:
            cause = error.__cause__ or error
            what = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
            raise RunError(f"this network cannot be written as ONNX ({what[:200]}): take the bundle instead.") from None
    assert program is not None
    model = program.model_proto
    for name, value in facts.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = name, value
    content: bytes = model.SerializeToString()
    return content


def open_session(model: bytes, *, threads: int) -> Any:
    """An `onnxruntime.InferenceSession` on the CPU."""
    require_packages()
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def differences(module: nn.Module, graph: Any, inputs: Tensor, *, sizes: Sequence[int]) -> dict[int, float]:
    """Largest absolute difference between the graph's and the module's outputs at each batch size.

    Raises:
        RunError: one is above `CLOSE`, or the graph does not take that batch.
    """
    found = {}
    for size in sizes:
        try:
            with evaluation_mode(module):
                expected = module(inputs[:size]).numpy()
            found[size] = float(np.abs(graph.run([OUTPUT], {INPUT: inputs[:size].numpy()})[0] - expected).max())
        except Exception as error:  # onnxruntime's errors have no class in common but this one
            what = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise RunError(f"the ONNX graph fails on a batch of {size} ({what}): nothing was written.") from None
        if not found[size] <= CLOSE:
            raise RunError(
                f"the ONNX graph's outputs are {found[size]:.1e} off torch's on a batch of {size}, "
                f"more than {CLOSE:g}: nothing was written."
            )
    return found


def latency(module: nn.Module, graph: Any, sample: Tensor) -> Latency:
    """Both timed in turn, block by block, so that what else the machine does falls on both alike."""
    given = {INPUT: sample.numpy()}
    times: tuple[list[float], list[float]] = ([], [])
    ways: tuple[Callable[[], Any], Callable[[], Any]] = (lambda: module(sample), lambda: graph.run([OUTPUT], given))
    begin = time.perf_counter()
    with evaluation_mode(module):
        for _ in range(BLOCKS):
            for way, kept in zip(ways, times, strict=True):
                kept += _block(way)
            if time.perf_counter() - begin > SECONDS:
                break
    return Latency(statistics.median(times[0]), statistics.median(times[1]), torch.get_num_threads())


def _block(way: Callable[[], Any]) -> list[float]:
    """Seconds of each try, the first few left out: caches, and threads of the other that still spin."""
    times = []
    for _ in range(WARM + TRIES):
        start = time.perf_counter()
        way()
        times.append(time.perf_counter() - start)
    return times[WARM:]
