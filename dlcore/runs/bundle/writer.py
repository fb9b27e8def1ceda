"""What a run leaves behind, and how it becomes a bundle."""

import csv
import io
import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from dlcore.core import devices
from dlcore.data.splits import Prepared
from dlcore.evaluation.abstention import fit_from_predictions
from dlcore.projects.command import command_line
from dlcore.projects.project import Evaluation, RunConfig
from dlcore.runs.bundle import card, weight_format
from dlcore.runs.bundle.weight_format import WeightFormat
from dlcore.runs.folder import read_json, translate_errors
from dlcore.runs.record import Curve, GradientNorms, Record


@dataclass(frozen=True)
class RunArtifacts:
    """All that goes into a bundle. `predictions` are keyed `<split>_scores` and so on."""

    config: RunConfig
    record: Record
    prepared: Prepared
    weights: dict[str, Tensor]
    predictions: Mapping[str, np.ndarray]
    evaluation: Evaluation
    history: dict[str, Curve]
    gradients: GradientNorms | None = None


def write_bundle(remains: RunArtifacts, folder: Path, *, weights: WeightFormat = "float32") -> None:
    """Write the bundle beside its place and then move it there, so that it is never half written.

    Raises:
        StoreError: the disk is full or the folder cannot be written.
    """
    draft = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    before = read_json(folder / "run.json")
    same_run = before.get("record", {}).get("run_id") == remains.record.run_id
    looks = 1 + (int(before.get("test_looks", 0)) if same_run else 0)
    with translate_errors(folder):
        for left in folder.parent.glob(f".{folder.name}.*"):  # of a worker that was killed while it wrote
            shutil.rmtree(left, ignore_errors=True)
        draft.mkdir(parents=True)
        for name, data in _files(remains, weights, looks).items():
            (draft / name).write_bytes(data)
        _replace(draft, folder)


def round_weights(module: nn.Module, form: WeightFormat) -> None:
    """Give the module the very weights that the bundle will hold, so that what is measured is what is shipped."""
    if form != "float32":
        module.load_state_dict(weight_format.rounded(module.state_dict(), form))


def _replace(draft: Path, folder: Path) -> None:
    """Put the draft in the folder's place; what was there before goes only then."""
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    if folder.exists():
        folder.replace(old)
    draft.replace(folder)
    shutil.rmtree(old, ignore_errors=True)


def _files(remains: RunArtifacts, weights: WeightFormat, looks: int) -> dict[str, bytes]:
    prepared = remains.prepared
    run = describe(remains) | {"weights": weights, "test_looks": looks}
    files = {
        "run.json": _json(run),
        "card.md": card.render_card(run).encode(),
        "metrics.csv": metrics_csv(remains.history),
        "model.safetensors": safetensors.torch.save(weight_format.stored(remains.weights, weights)),
        "preprocessing.json": _json(dict(prepared.preprocessing)),
        "labels.json": _json(list(prepared.labels)),
        "threshold.json": _json({"threshold": remains.evaluation.threshold}),
        "predictions.npz": _npz({_short(name): array for name, array in remains.predictions.items()}),
    }
    rule = fit_from_predictions(remains.predictions, classes=len(prepared.labels))
    if rule is not None:
        files["calibration.json"] = _json(rule.as_json())
    if remains.gradients is not None:
        kept = remains.gradients
        seen = {name: values.astype(np.float32) for name, values in kept.measures.items()}
        files["gradients.npz"] = _npz(
            {"layers": np.array(kept.layers), "steps": kept.steps, "norms": kept.norms, **seen}
        )
    return files


def describe(remains: RunArtifacts) -> dict[str, Any]:
    """`run.json`: everything needed to know what was measured, and to measure it again."""
    return {
        "format": 1,
        "written": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "record": remains.record.as_json(),
        "config": remains.config.model_dump(),
        "facts": dict(remains.prepared.facts),
        "labels": list(remains.prepared.labels),
        "data_checksum": remains.prepared.checksum,
        "pretrained": _pretrained(remains.prepared.preprocessing),
        "sizes": {name: len(remains.prepared.split(name)) for name in ("train", "validation", "test")},
        "command": command_line(remains.config),
        "environment": {**card.versions(), **devices.describe(), "threads": torch.get_num_threads()},
        "evaluation": asdict(remains.evaluation),
    }


def _pretrained(preprocessing: Mapping[str, Any]) -> dict[str, str]:
    """Name and checksum of the pretrained network that the run stands on; it is not part of the bundle."""
    name = preprocessing.get("bert")
    return {"name": name, "checksum": preprocessing["bert_checksum"]} if name else {}


def metrics_csv(history: dict[str, Curve]) -> bytes:
    """All curves as rows of name, step, value; values keep every bit."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("name", "step", "value"))
    for name, curve in history.items():
        writer.writerows(
            (name, step, repr(value)) for step, value in zip(curve.steps.tolist(), curve.values.tolist(), strict=True)
        )
    return buffer.getvalue().encode()


def _short(name: str) -> str:
    """The test split goes by plain names: it is what others will read."""
    return name.removeprefix("test_")


def _npz(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, allow_nan=False, default=_plain).encode()


def _plain(value: Any) -> Any:
    """NumPy's numbers and arrays as Python's."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no JSON form")
