"""Export of a finished run to an ONNX file, with a card that documents input, output and checks."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlcore.core import access, settings
from dlcore.core.errors import RequestError, RunError, WorkbenchError
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.folder import translate_errors, write_atomic
from dlcore.runs.run import open_run

if TYPE_CHECKING:
    from dlcore.projects.project import LoadedModel

SIZES = (1, 8)
"""Batch sizes at which the graph is compared with torch."""
TIE_FACTOR = 1.1
"""Latencies within this factor count as equal."""
TIMEOUT = 600.0
"""Seconds for an export in its own process."""


@dataclass(frozen=True)
class OnnxReport:
    """Result of an export: paths of the file and its card, size in bytes, differences, and latencies.

    differences: largest difference from torch by batch size. Latencies: lowest seconds per sample on this machine.
    `is_quiet` False: a run was active meanwhile, so that only the ratio of the two, measured in turns, can be trusted.
    """

    path: str
    card: str
    size: int
    differences: dict[int, float]
    torch_s: float
    onnxruntime_s: float
    threads: int
    is_quiet: bool = True

    @property
    def faster(self) -> str:
        """`torch` or `onnxruntime`; empty if they tie."""
        if max(self.torch_s, self.onnxruntime_s) < TIE_FACTOR * min(self.torch_s, self.onnxruntime_s):
            return ""
        return "torch" if self.torch_s < self.onnxruntime_s else "onnxruntime"

    @property
    def summary(self) -> str:
        """Latencies in one sentence."""
        both = f"{_ms(self.torch_s)} in torch, {_ms(self.onnxruntime_s)} in onnxruntime"
        threads = f"{self.threads} thread{'s' if self.threads > 1 else ''}"
        times = f"Lowest latency per image: {both} (network alone, this machine, CPU, {threads})"
        if not self.is_quiet:
            times = "No latency, since a run was active; torch and onnxruntime were timed in turns"
        if not self.faster:
            return f"{times}. They tie."
        ratio = max(self.torch_s, self.onnxruntime_s) / min(self.torch_s, self.onnxruntime_s)
        return f"{times}. {self.faster} is {ratio:.1f} times as fast."

    @property
    def advice(self) -> str:
        """Which of the two to use on this machine."""
        if not self.faster:
            return "Use either: they are equally fast on this machine."
        if self.faster == "onnxruntime":
            return "On this machine, use the ONNX file: it is faster."
        return "On this machine, use torch: it is faster. Use the ONNX file where torch is not installed."

    def as_json(self) -> dict[str, Any]:
        """Return a plain dict."""
        return {**asdict(self), "faster": self.faster}


def why_no_onnx(bundle: Bundle) -> str:
    """Return why this run cannot be exported, in one line; empty if it can. Reads no weights."""
    from dlcore import projects

    config = bundle.config
    project = projects.get(config.project)
    if project.modality != "image":
        return f"the ONNX export supports image models only, and '{project.slug}' has none: use the bundle instead."
    if project.models[config.model].training_loop is not None:
        return f"'{config.model}' is implemented in NumPy, so torch cannot export it: use the bundle instead."
    if bundle.preprocessing.get("kind") not in ("grey", "picture") or "mean" not in bundle.preprocessing:
        return f"'{project.slug}' does not classify single images: use the bundle instead."
    return ""


def export_onnx(ref: str, path: Path) -> OnnxReport:
    """Export the model of a run to an ONNX file (`path`, or a file in that folder), with its card beside it.

    Nothing is written if outputs differ from torch by more than 1e-4. Call it where nothing else computes; pages use
    `export_onnx_apart`.

    Raises:
        RunError: the run has no bundle, or its model cannot be exported.
        RequestError: a package is missing.
        StoreError: a file cannot be written.
    """
    bundle = open_run(ref).finished_bundle
    if reason := why_no_onnx(bundle):
        raise RunError(reason)
    from dlcore.inference import onnx_graph
    from dlcore.runs import latency

    onnx_graph.require_packages()
    config = bundle.config
    if path.is_dir():
        path = path / f"{config.project}-{config.model}.onnx"
    if path.suffix != ".onnx":
        raise RequestError(
            f"{path.name}: the name of an ONNX file must end in .onnx; its card is written beside it as .md."
        )
    loaded = bundle.load()
    inputs = _inputs(loaded, max(SIZES))
    model = onnx_graph.export_graph(loaded.module, inputs[:2], _facts(bundle, loaded))
    import torch

    graph = onnx_graph.open_session(model, threads=torch.get_num_threads())
    differences = onnx_graph.differences(loaded.module, graph, inputs, sizes=SIZES)
    is_quiet = not latency.is_machine_in_use()
    times = onnx_graph.latency(loaded.module, graph, inputs[:1])
    report = OnnxReport(
        str(path),
        str(path.with_suffix(".md")),
        len(model),
        differences,
        times.torch,
        times.onnxruntime,
        times.threads,
        is_quiet=is_quiet and not latency.is_machine_in_use(),
    )
    with translate_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, model)
        write_atomic(Path(report.card), _card(bundle, loaded, report).encode())
    return report


def export_onnx_apart(ref: str, path: Path) -> OnnxReport:
    """Export in a separate process, so that this one can keep predicting; see `export_onnx`.

    Raises:
        WorkbenchError: the error of that process, in one line.
    """
    fields = export_apart(ref, path, "--onnx")
    fields.pop("faster")
    report = OnnxReport(**fields)
    return replace(report, differences={int(size): value for size, value in report.differences.items()})


def export_standalone_apart(ref: str, path: Path) -> dict[str, Any]:
    """Write a zip that needs no dlcore in a separate process; see `standalone.archive.export_standalone`.

    Raises:
        WorkbenchError: the error of that process, in one line.
    """
    return export_apart(ref, path, "--standalone")


def export_apart(ref: str, path: Path, kind: str) -> dict[str, Any]:
    """Run an export of the command line in a separate process; returns its report.

    Raises:
        WorkbenchError: the error of that process, in one line.
    """
    command = [sys.executable, "-m", "dlcore", "runs", "export", ref, str(path), kind, "--json"]
    code = os.pathsep.join(part for part in (str(settings.IMPORT_ROOT), os.environ.get("PYTHONPATH")) if part)
    environment = {**os.environ, "PYTHONPATH": code, **access.environment()}
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, env=environment)
    except subprocess.TimeoutExpired:
        raise RunError(
            f"the export took more than {TIMEOUT / 60:.0f} minutes: try again when this machine is less busy."
        ) from None
    if done.returncode:
        errors = [line for line in done.stderr.decode(errors="replace").splitlines() if line.startswith("dlcore: ")]
        error = RequestError if done.returncode == 2 else WorkbenchError
        raise error(errors[-1].removeprefix("dlcore: ") if errors else "the export died: perhaps of too little memory.")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _inputs(loaded: "LoadedModel", count: int) -> Any:
    """Return preprocessed random images, (N, ...) float32, equal on every machine."""
    import numpy as np
    import torch

    from dlcore.data.images import images

    height, width, channels = image_size(loaded.preprocessing)
    shape = (height, width) if channels == 1 else (height, width, channels)
    pixels = np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)
    return torch.from_numpy(np.stack([images.to_model_input(image, loaded.preprocessing) for image in pixels]))


def image_size(preprocessing: Mapping[str, Any]) -> tuple[int, int, int]:
    """Return height, width and channels."""
    if preprocessing["kind"] == "picture":
        return int(preprocessing["side"]), int(preprocessing["side"]), int(preprocessing["channels"])
    return int(preprocessing["height"]), int(preprocessing["width"]), 1


def _facts(bundle: Bundle, loaded: "LoadedModel") -> dict[str, str]:
    """Return the metadata of the file."""
    facts = {
        "project": loaded.config.project,
        "model": loaded.config.model,
        "labels": json.dumps(loaded.labels),
        "preprocessing": json.dumps(dict(loaded.preprocessing)),
        "input": describe_input(loaded.preprocessing),
        "card": bundle.card,
    }
    rule = loaded.calibration
    if rule is None:
        return facts
    return {**facts, "temperature": repr(rule.temperature), "uncertain_below": repr(rule.threshold)}


def describe_input(preprocessing: Mapping[str, Any]) -> str:
    """Return the steps from an image file to the input of the network, in Markdown."""
    height, width, channels = image_size(preprocessing)
    mean, std = (json.dumps(preprocessing[name]) for name in ("mean", "std"))
    if channels == 1:
        load = (
            "Apply the EXIF orientation, convert to grayscale, invert if the border is light (bright object on a dark "
            "background), crop to the object, resize it with its aspect ratio and center it in "
            f"{height} x {width} pixels."
        )
    else:
        load = (
            f"Apply the EXIF orientation, composite transparent pixels on white, convert to RGB, resize the shorter "
            f"side to {height} pixels (bicubic) and center-crop to {height} x {width}."
        )
    order = f"(N, {height}, {width})" if preprocessing["kind"] == "grey" else f"(N, {channels}, {height}, {width})"
    axes = "without a channel axis" if preprocessing["kind"] == "grey" else "channels first"
    each = "" if channels == 1 else ", each for red, green, blue"
    return "\n".join(
        (
            f"1. {load}",
            f"2. Divide the pixels (0 to 255) by 255, subtract the mean {mean}, divide by the std {std}{each}.",
            f"3. Input `images`: float32 {order}, {axes}, any N.",
        )
    )


def _card(bundle: Bundle, loaded: "LoadedModel", report: OnnxReport) -> str:
    """Return the card of the run with a section on the ONNX file."""
    rule = loaded.calibration
    differences = "; ".join(f"{value:.1e} on a batch of {size}" for size, value in report.differences.items())
    calibrated = (
        ""
        if rule is None
        else f" For calibrated probabilities, divide by the temperature {rule.temperature:.9g} first (fitted on "
        f"validation). Predictions below {rule.threshold:.6g} are flagged as uncertain"
        f"{'; how unlike the training images the features are is not part of the file' if rule.limits else ''}."
    )
    parts = [
        bundle.card.rstrip(),
        f"## ONNX file: `{Path(report.path).name}`",
        "### Input",
        describe_input(loaded.preprocessing),
        "### Output",
        f"`logits`: float32 (N, {len(loaded.labels)}), one per class; their softmax is the predicted probability."
        f"{calibrated} Classes in order: {', '.join(loaded.labels)}.",
        "### Checks",
        f"Largest difference from torch, on random images: {differences}. {report.summary}",
        "Labels, preprocessing and this card are also in the metadata of the file.",
    ]
    return "\n\n".join(parts) + "\n"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms"
