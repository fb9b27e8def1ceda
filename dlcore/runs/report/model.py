"""The model in a report: a part that answers in the page, or one line that says why it is not there."""

import base64
import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dlcore.core.errors import WorkbenchError
from dlcore.runs.browser_model import ort_web
from dlcore.runs.browser_model.build import pack_run
from dlcore.runs.report.figures import ReportPart
from dlcore.runs.report.samples import model_samples
from dlcore.runs.report.sections import Subject

MAX_BYTES = 25 * 2**20
"""Size of a report."""
_OTHER_BYTES = 7 * 2**20
"""Left for plotly.js and the data of charts."""


@dataclass(frozen=True)
class ModelInReport:
    """The model of a report: its part and the binary parts by id, or the reason why there is none."""

    part: ReportPart | None = None
    binaries: Mapping[str, str] = field(default_factory=dict)
    script: str = ""
    reason: str = ""


def embed_model(subject: Subject, runtime: ort_web.OrtWeb) -> ModelInReport:
    """Return the model of a run with ONNX Runtime Web, compressed; a reason if it is too large or cannot answer."""
    try:
        model = pack_run(subject.bundle)
    except WorkbenchError as error:
        return ModelInReport(reason=f"The model does not answer here: {error}")
    binaries = {"dlr-wasm": _compress(runtime.wasm.read_bytes()), "dlr-onnx": _compress(model.onnx)}
    size = sum(map(len, binaries.values()))
    if size + _OTHER_BYTES > MAX_BYTES:
        return ModelInReport(
            reason=f"The model does not answer here: with it the file would exceed {MAX_BYTES >> 20} MB "
            f"({size / 2**20:.0f} MB compressed)."
        )
    data: dict[str, Any] = {
        "kind": model.kind,
        "settings": {**model.settings, "samples": model_samples(subject.bundle, model.kind)},
        "onnx": "dlr-onnx",
        "wasm": "dlr-wasm",
    }
    part = ReportPart("model", data, "The model", inner=("draw",) if model.settings.get("box") else ())
    return ModelInReport(part, binaries, runtime.global_script())


def _compress(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()
