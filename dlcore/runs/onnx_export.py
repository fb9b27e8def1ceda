"""A finished run's model as an ONNX file, with a card that says what goes in, what comes out, and what was checked."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlcore.core import settings
from dlcore.core.errors import RequestError, RunError, WorkbenchError
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.folder import translate_errors, write_atomic
from dlcore.runs.run import open_run

if TYPE_CHECKING:
    from dlcore.projects.project import LoadedModel

SIZES = (1, 8)
"""Batch sizes at which the graph is held against torch."""
ALIKE = 1.1
"""Two latencies that differ by less than this factor are called the same."""
PATIENCE = 600.0


@dataclass(frozen=True)
class OnnxReport:
    """What was written and measured: paths of the file and its card, bytes, the largest difference from torch by batch
    size, and median seconds of one answer on this machine."""

    path: str
    card: str
    size: int
    differences: dict[int, float]
    torch_s: float
    onnxruntime_s: float
    threads: int

    @property
    def faster(self) -> str:
        """`torch` or `onnxruntime`; empty where they are about as fast."""
        if max(self.torch_s, self.onnxruntime_s) < ALIKE * min(self.torch_s, self.onnxruntime_s):
            return ""
        return "torch" if self.torch_s < self.onnxruntime_s else "onnxruntime"

    @property
    def words(self) -> str:
        """The measurement in one sentence."""
        both = f"{_ms(self.torch_s)} a picture in torch and {_ms(self.onnxruntime_s)} in onnxruntime"
        threads = f"{self.threads} thread{'s' if self.threads > 1 else ''}"
        times = f"The network alone takes {both} on this machine, as busy as it is now (CPU, {threads}, median)"
        if not self.faster:
            return f"{times}: about the same."
        ratio = max(self.torch_s, self.onnxruntime_s) / min(self.torch_s, self.onnxruntime_s)
        return f"{times}: {self.faster} is {ratio:.1f} times as fast."

    @property
    def advice(self) -> str:
        """Which of the two to take here."""
        if not self.faster:
            return "Take either: on this machine neither is faster."
        if self.faster == "onnxruntime":
            return "For answers on this machine take the ONNX file: it is the faster one."
        return (
            "For answers on this machine stay with torch, which is the faster one; take ONNX where there is no torch."
        )

    def as_json(self) -> dict[str, Any]:
        """JSON-able, as the command line prints it."""
        return {**asdict(self), "faster": self.faster}


def why_no_onnx(bundle: Bundle) -> str:
    """Why this run has no ONNX file, in one line; empty where it has one. Reads no weights and loads no torch model."""
    from dlcore import projects

    config = bundle.config
    project = projects.get(config.project)
    if project.input_kind != "image":
        return f"ONNX is for networks that read pictures; '{project.slug}' does not: take the bundle instead."
    if project.models[config.model].trainee is not None:
        return f"'{config.model}' is computed by hand in NumPy, so torch has no graph of it: take the bundle instead."
    if bundle.preprocessing.get("kind") not in ("grey", "picture") or "mean" not in bundle.preprocessing:
        return f"'{project.slug}' does not sort pictures one by one: take the bundle instead."
    return ""


def export_onnx(ref: str, path: Path) -> OnnxReport:
    """Write the run's model to an ONNX file (`path`, or a file in it where it is a folder), and its card beside it.

    Nothing is written where outputs differ from torch's by more than 1e-4. Call it where nothing else computes; pages
    take `export_onnx_apart`.

    Raises:
        RunError: the run left no bundle, or its model has no graph.
        RequestError: a package is missing.
        StoreError: a file cannot be written.
    """
    bundle = open_run(ref).left
    if reason := why_no_onnx(bundle):
        raise RunError(reason)
    from dlcore.inference import onnx_graph

    onnx_graph.require_packages()
    config = bundle.config
    if path.is_dir():
        path = path / f"{config.project}-{config.model}.onnx"
    if path.suffix != ".onnx":
        raise RequestError(f"{path.name}: an ONNX file's name ends in .onnx, and its card goes beside it as .md.")
    loaded = bundle.load()
    inputs = _inputs(loaded, max(SIZES))
    model = onnx_graph.export_graph(loaded.module, inputs[:2], _facts(bundle, loaded))
    import torch

    graph = onnx_graph.open_session(model, threads=torch.get_num_threads())
    differences = onnx_graph.differences(loaded.module, graph, inputs, sizes=SIZES)
    times = onnx_graph.latency(loaded.module, graph, inputs[:1])
    report = OnnxReport(
        str(path), str(path.with_suffix(".md")), len(model), differences, times.torch, times.onnxruntime, times.threads
    )
    with translate_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, model)
        write_atomic(Path(report.card), _card(bundle, loaded, report).encode())
    return report


def export_onnx_apart(ref: str, path: Path) -> OnnxReport:
    """The same in a process of its own, through the command line: others' answers go on meanwhile.

    Raises:
        WorkbenchError: what the command line said, in one line.
    """
    command = [sys.executable, "-m", "dlcore", "runs", "export", ref, str(path), "--onnx", "--json"]
    code = os.pathsep.join(part for part in (str(settings.ROOT), os.environ.get("PYTHONPATH")) if part)
    given = {**os.environ, "PYTHONPATH": code}
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, env=given)
    except subprocess.TimeoutExpired:
        raise RunError(f"the export took more than {PATIENCE / 60:.0f} minutes: try when less runs here.") from None
    if done.returncode:
        said = [line for line in done.stderr.decode(errors="replace").splitlines() if line.startswith("dlcore: ")]
        kind = RequestError if done.returncode == 2 else WorkbenchError
        raise kind(said[-1].removeprefix("dlcore: ") if said else "the export ended early: is there memory enough?")
    found = json.loads(done.stdout)
    found.pop("faster")
    report = OnnxReport(**found)
    return replace(report, differences={int(size): value for size, value in report.differences.items()})


def _inputs(loaded: "LoadedModel", count: int) -> Any:
    """Random pictures as the network reads them, (N, ...) float32: the same on every machine."""
    import numpy as np
    import torch

    from dlcore.data.images import images

    height, width, channels = _frame(loaded.preprocessing)
    shape = (height, width) if channels == 1 else (height, width, channels)
    pixels = np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)
    return torch.from_numpy(np.stack([images.to_model_input(picture, loaded.preprocessing) for picture in pixels]))


def _frame(seen: Mapping[str, Any]) -> tuple[int, int, int]:
    """Height, width, channels."""
    if seen["kind"] == "picture":
        return int(seen["side"]), int(seen["side"]), int(seen["channels"])
    return int(seen["height"]), int(seen["width"]), 1


def _facts(bundle: Bundle, loaded: "LoadedModel") -> dict[str, str]:
    """What travels inside the file, as its metadata."""
    facts = {
        "project": loaded.config.project,
        "model": loaded.config.model,
        "labels": json.dumps(loaded.labels),
        "preprocessing": json.dumps(dict(loaded.preprocessing)),
        "what_goes_in": what_goes_in(loaded.preprocessing),
        "card": bundle.card,
    }
    rule = loaded.calibration
    if rule is None:
        return facts
    return {**facts, "temperature": repr(rule.temperature), "uncertain_below": repr(rule.threshold)}


def what_goes_in(seen: Mapping[str, Any]) -> str:
    """From a picture's file to the network's input, step by step, in Markdown."""
    height, width, channels = _frame(seen)
    mean, spread = (json.dumps(seen[name]) for name in ("mean", "std"))
    if channels == 1:
        opened = (
            "Turn the picture as its EXIF says, make it grey, invert it where its border is light (the thing is bright "
            "on a dark ground), crop it to what stands out, and scale that, its proportions kept, into the middle of "
            f"{height} x {width} pixels."
        )
    else:
        opened = (
            f"Turn the picture as its EXIF says, lay what is transparent on white, convert to RGB, scale the shorter "
            f"side to {height} pixels (bicubic) and keep the middle {height} x {width}."
        )
    order = f"(N, {height}, {width})" if seen["kind"] == "grey" else f"(N, {channels}, {height}, {width})"
    laid = "no axis for channels" if seen["kind"] == "grey" else "channels before rows and columns"
    each = "" if channels == 1 else ", each for red, green, blue"
    return "\n".join(
        (
            f"1. {opened}",
            f"2. Divide the pixels (0 to 255) by 255, take off the mean {mean}, divide by the spread {spread}{each}.",
            f"3. Give them as `pictures`: float32 {order}, {laid}, any N.",
        )
    )


def _card(bundle: Bundle, loaded: "LoadedModel", report: OnnxReport) -> str:
    """The run's card, and what concerns the ONNX file."""
    rule = loaded.calibration
    off = "; ".join(f"{value:.1e} on a batch of {size}" for size, value in report.differences.items())
    calibrated = (
        ""
        if rule is None
        else f" Divide them by {rule.temperature:.9g} before that for calibrated probabilities (fitted on validation). "
        f"Predictions below {rule.threshold:.6g} are flagged as uncertain."
    )
    parts = [
        bundle.card.rstrip(),
        f"## The ONNX file: `{Path(report.path).name}`",
        "### What goes in",
        what_goes_in(loaded.preprocessing),
        "### What comes out",
        f"`logits`: float32 (N, {len(loaded.labels)}), one number a class; their softmax are the probabilities."
        f"{calibrated} In this order: {', '.join(loaded.labels)}.",
        "### What was checked",
        f"Largest difference from torch, on random pictures: {off}. {report.words}",
        "Labels, preprocessing and the run's card are also in the file's own metadata.",
    ]
    return "\n\n".join(parts) + "\n"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms"
