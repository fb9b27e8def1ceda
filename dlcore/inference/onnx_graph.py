"""Export of a trained module as an ONNX graph, comparison of its outputs with torch, and latency of both.

`onnx` and `onnxruntime` are imported on first use.
"""

import contextlib
import importlib.util
import io
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dlcore.core.errors import RequestError, RunError
from dlcore.inference.predict import evaluation_mode

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
INPUT, OUTPUT = "images", "logits"
TOLERANCE = 1e-4
"""Largest accepted difference between outputs of graph and module."""
WARMUP, REPEATS, BLOCKS, MAX_SECONDS = 3, 10, 3, 4.0


@dataclass(frozen=True)
class Latency:
    """Lowest seconds per sample (batch size 1) on the CPU of this machine, with this number of threads."""

    torch: float
    onnxruntime: float
    threads: int


def missing_packages() -> tuple[str, ...]:
    """Return the packages that the export needs and that are not installed; imports none."""
    return tuple(name for name in PACKAGES if importlib.util.find_spec(name) is None)


def require_packages() -> None:
    """Check that all packages of the export are installed.

    Raises:
        RequestError: a package is not installed.
    """
    if missing := missing_packages():
        raise RequestError(f"ONNX needs {' and '.join(missing)}: run 'pip install {' '.join(missing)}'.")


def export_graph(module: nn.Module, sample: Tensor, facts: dict[str, str]) -> bytes:
    """Return the module in evaluation mode as an ONNX file with `facts` as its metadata.

    sample: at least two inputs, (N, ...); the graph accepts any N. Tracing patches torch for all threads of the
    process: call it where nothing else computes.

    Raises:
        RequestError: a package is missing.
        RunError: torch cannot export an operation of the module.
    """
    require_packages()
    with evaluation_mode(module), contextlib.redirect_stdout(sys.stderr):  # stdout belongs to the caller
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
            reason = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
            raise RunError(
                f"this network cannot be exported to ONNX ({reason[:200]}): use the bundle instead."
            ) from None
    assert program is not None
    model = program.model_proto
    for name, value in facts.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = name, value
    content: bytes = model.SerializeToString()
    return content


def export_static(module: nn.Module, samples: Mapping[str, Tensor]) -> bytes:
    """Return the module in evaluation mode as an ONNX file that takes inputs of the shapes of `samples` only.

    Tracing is several times as fast as `export_graph` and exports recurrent networks of any kind; the slower exporter
    follows where it fails.

    samples: inputs by name, in the order of the module's arguments. The output is `OUTPUT`.

    Raises:
        RequestError: a package is missing.
        RunError: torch cannot export an operation of the module.
    """
    require_packages()
    failures = []
    with (
        evaluation_mode(module),
        contextlib.redirect_stdout(sys.stderr),  # stdout belongs to the caller
        _without_messages(),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # that tracing is the older way, and that shapes become constants
        for exporter in (_trace, _export_program):
            try:
                return exporter(module, samples)
            except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
                failures.append(str(error.__cause__ or error).strip() or type(error).__name__)
    raise RunError(f"this network cannot be exported to ONNX ({failures[0].splitlines()[0][:200]}).")


def _trace(module: nn.Module, samples: Mapping[str, Tensor]) -> bytes:
    buffer: Any = io.BytesIO()  # torch annotates paths only
    names: dict[str, Any] = {"input_names": list(samples), "output_names": [OUTPUT]}
    torch.onnx.export(module, tuple(samples.values()), buffer, dynamo=False, opset_version=17, **names)
    return buffer.getvalue()


def _export_program(module: nn.Module, samples: Mapping[str, Tensor]) -> bytes:
    names: dict[str, Any] = {"input_names": list(samples), "output_names": [OUTPUT]}
    program = torch.onnx.export(module, tuple(samples.values()), dynamo=True, verbose=False, **names)
    assert program is not None
    content: bytes = program.model_proto.SerializeToString()
    return content


@contextlib.contextmanager
def _without_messages() -> Iterator[None]:
    """Silence what torch prints of a graph that tracing cannot export."""
    log = torch._C._jit_onnx_log  # it writes to the process's stdout, past `sys.stdout`, whatever the settings say
    torch._C._jit_onnx_log = lambda *parts: None
    try:
        yield
    finally:
        torch._C._jit_onnx_log = log


def open_session(model: bytes, *, threads: int) -> Any:
    """Return an `onnxruntime.InferenceSession` on the CPU."""
    require_packages()
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def differences(module: nn.Module, graph: Any, inputs: Tensor, *, sizes: Sequence[int]) -> dict[int, float]:
    """Return the largest absolute difference between outputs of graph and module for each batch size.

    Raises:
        RunError: a difference exceeds `TOLERANCE`, or the graph fails on a batch size.
    """
    maxima = {}
    for size in sizes:
        try:
            with evaluation_mode(module):
                expected = module(inputs[:size]).numpy()
            maxima[size] = float(np.abs(graph.run([OUTPUT], {INPUT: inputs[:size].numpy()})[0] - expected).max())
        except Exception as error:  # errors of onnxruntime have no other common class
            reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise RunError(f"the ONNX graph fails on a batch of {size} ({reason}): nothing was written.") from None
        if not maxima[size] <= TOLERANCE:
            raise RunError(
                f"the ONNX graph's outputs are {maxima[size]:.1e} off torch's on a batch of {size}, "
                f"more than {TOLERANCE:g}: nothing was written."
            )
    return maxima


def latency(module: nn.Module, graph: Any, sample: Tensor) -> Latency:
    """Return the lowest latency of module and graph, measured in alternating blocks so that load affects both."""
    inputs = {INPUT: sample.numpy()}
    times: tuple[list[float], list[float]] = ([], [])
    functions: tuple[Callable[[], Any], Callable[[], Any]] = (
        lambda: module(sample),
        lambda: graph.run([OUTPUT], inputs),
    )
    begin = time.perf_counter()
    with evaluation_mode(module):
        for _ in range(BLOCKS):
            for function, seconds in zip(functions, times, strict=True):
                seconds += _time_block(function)
            if time.perf_counter() - begin > MAX_SECONDS:
                break
    return Latency(min(times[0]), min(times[1]), torch.get_num_threads())


def _time_block(function: Callable[[], Any]) -> list[float]:
    """Return the seconds of each call after the warm-up."""
    times = []
    for _ in range(WARMUP + REPEATS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return times[WARMUP:]
