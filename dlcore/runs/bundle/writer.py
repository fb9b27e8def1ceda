"""Writes the artifacts of a run as a bundle."""

import csv
import io
import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from dlcore.core import devices
from dlcore.data.custom import registry
from dlcore.data.splits import Prepared
from dlcore.evaluation.abstention import MEASURES, AbstentionRule, encode_reasons, fit_from_predictions
from dlcore.evaluation.familiarity import familiarity_arrays
from dlcore.projects.command import command_line
from dlcore.projects.custom import source
from dlcore.projects.project import Evaluation, RunConfig
from dlcore.runs import budgets
from dlcore.runs.bundle import card, weight_format
from dlcore.runs.bundle.weight_format import WeightFormat
from dlcore.runs.epoch_log import EpochRecord
from dlcore.runs.folder import read_json, translate_errors
from dlcore.runs.record import Curve, GradientNorms, Record


@dataclass(frozen=True)
class RunArtifacts:
    """The content of a bundle. Keys of `predictions` are `<split>_scores` and so on; `baselines` are arrays by name;
    `correctness` (E, N) says which training samples were correct in each epoch, None if unknown; `epochs` are the
    outputs for validation samples after each epoch."""

    config: RunConfig
    record: Record
    prepared: Prepared
    weights: dict[str, Tensor]
    predictions: Mapping[str, np.ndarray]
    evaluation: Evaluation
    history: dict[str, Curve]
    gradients: GradientNorms | None = None
    baselines: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    correctness: np.ndarray | None = None
    epochs: EpochRecord | None = None


def write_bundle(artifacts: RunArtifacts, folder: Path, *, weights: WeightFormat = "float32") -> None:
    """Write the bundle to a temporary folder and move it into place, so that it is never half written.

    Raises:
        StoreError: the disk is full or the folder cannot be written.
    """
    draft = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    before = read_json(folder / "run.json")
    same_run = before.get("record", {}).get("run_id") == artifacts.record.run_id
    looks = 1 + (int(before.get("test_looks", 0)) if same_run else 0)
    with translate_errors(folder):
        for old in folder.parent.glob(f".{folder.name}.*"):  # of a worker that was killed while it wrote
            shutil.rmtree(old, ignore_errors=True)
        draft.mkdir(parents=True)
        for name, data in _files(artifacts, weights, looks).items():
            (draft / name).write_bytes(data)
        _replace(draft, folder)


def round_weights(module: nn.Module, form: WeightFormat) -> None:
    """Round the weights of the module as the bundle does, so that the evaluation is of what it contains."""
    if form != "float32":
        module.load_state_dict(weight_format.round_trip(module.state_dict(), form))


def _replace(draft: Path, folder: Path) -> None:
    """Replace the folder by the draft; the old content is deleted last."""
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    if folder.exists():
        folder.replace(old)
    draft.replace(folder)
    shutil.rmtree(old, ignore_errors=True)


def _files(artifacts: RunArtifacts, weights: WeightFormat, looks: int) -> dict[str, bytes]:
    prepared = artifacts.prepared
    flagging = flagging_files(artifacts.predictions, classes=len(prepared.labels))
    run = describe(artifacts) | {"weights": weights, "test_looks": looks}
    files = {
        "run.json": _json(run),
        "card.md": card.render_card(run, flagging.rule).encode(),
        "metrics.csv": metrics_csv(artifacts.history),
        "model.safetensors": safetensors.torch.save(weight_format.encode(artifacts.weights, weights)),
        "preprocessing.json": _json(dict(prepared.preprocessing)),
        "labels.json": _json(list(prepared.labels)),
        "threshold.json": _json({"threshold": artifacts.evaluation.threshold}),
        **flagging.files,
    }
    if artifacts.gradients is not None:
        gradients = artifacts.gradients
        measures = {name: values.astype(np.float32) for name, values in gradients.measures.items()}
        files["gradients.npz"] = _npz(
            {"layers": np.array(gradients.layers), "steps": gradients.steps, "norms": gradients.norms, **measures}
        )
    if artifacts.correctness is not None:
        samples = np.array(artifacts.correctness.shape[1])
        files["correctness.npz"] = _npz({"bits": np.packbits(artifacts.correctness, axis=1), "samples": samples})
    if artifacts.epochs is not None:
        files["epochs.npz"] = _npz(dict(vars(artifacts.epochs)))
    if (network := source.find(artifacts.config.model)) is not None:
        files[source.FILE] = network.text.encode()
    if artifacts.baselines:
        named = {
            f"{name}.{part}": values for name, arrays in artifacts.baselines.items() for part, values in arrays.items()
        }
        files["baselines.npz"] = _npz(named)
    return files


@dataclass(frozen=True)
class Flagging:
    """A classifier's abstention rule (None: no classifier), and the files that hold predictions, rule and what
    measures new inputs."""

    rule: AbstentionRule | None
    files: dict[str, bytes]


def flagging_files(predictions: Mapping[str, np.ndarray], *, classes: int) -> Flagging:
    """Fit the abstention rule on the predictions of all splits, and encode the files that depend on it."""
    rule, measuring = fit_from_predictions(predictions, classes=classes), familiarity_arrays(predictions)
    dropped = {*measuring, *(name for name in predictions if name.startswith("limit_"))}
    dropped |= {f"{split}_{name}" for split in ("validation", "test") for name in MEASURES}
    stored = {name: array for name, array in predictions.items() if name not in dropped}
    files: dict[str, bytes] = {}
    if rule is not None:
        measures = {name: predictions[f"test_{name}"] for name in MEASURES if f"test_{name}" in predictions}
        stored["test_reasons"] = encode_reasons(rule, predictions["test_scores"], measures)
        files["calibration.json"] = _json(rule.as_json())
        if measuring:
            files["familiarity.npz"] = _npz(measuring)
    files["predictions.npz"] = _npz({_short(name): array for name, array in stored.items()})
    return Flagging(rule, files)


def describe(artifacts: RunArtifacts) -> dict[str, Any]:
    """`run.json`: everything needed to reproduce the evaluation."""
    return {
        "format": 1,
        "written": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "record": artifacts.record.as_json(),
        "config": artifacts.config.model_dump(),
        "facts": dict(artifacts.prepared.facts),
        "labels": list(artifacts.prepared.labels),
        "data_checksum": artifacts.prepared.checksum,
        **_data_repairs(artifacts.config),
        "pretrained": _pretrained(artifacts.prepared.preprocessing),
        "multiply_adds": _multiply_adds(artifacts),
        "sizes": {name: len(artifacts.prepared.split(name)) for name in ("train", "validation", "test")},
        "command": command_line(artifacts.config),
        "sharing": artifacts.config.sharing,
        "environment": {**card.package_versions(), **devices.describe(), "threads": torch.get_num_threads()},
        "evaluation": asdict(artifacts.evaluation),
    }


def _multiply_adds(artifacts: RunArtifacts) -> int:
    """Return the multiply-adds of one prediction; 0 if they cannot be counted."""
    cost = budgets.count_config(artifacts.config, artifacts.prepared.facts)
    return cost.multiply_adds if cost else 0


def _data_repairs(config: RunConfig) -> dict[str, Any]:
    """Return source and receipt of a custom dataset: what its import changed."""
    entry = registry.find(config.dataset) if registry.is_custom(config.dataset) else None
    if entry is None or entry.checksum != config.data_checksum:
        return {}
    return {"data_source": entry.source, "data_receipt": list(entry.receipt)}


def _pretrained(preprocessing: Mapping[str, Any]) -> dict[str, str]:
    """Name and checksum of the pretrained network of the run; its weights are not part of the bundle."""
    name = preprocessing.get("bert")
    return {"name": name, "checksum": preprocessing["bert_checksum"]} if name else {}


def metrics_csv(history: dict[str, Curve]) -> bytes:
    """All curves as rows of name, step, value; values round-trip exactly."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("name", "step", "value"))
    for name, curve in history.items():
        writer.writerows(
            (name, step, repr(value)) for step, value in zip(curve.steps.tolist(), curve.values.tolist(), strict=True)
        )
    return buffer.getvalue().encode()


def _short(name: str) -> str:
    """Arrays of the test split have no prefix."""
    return name.removeprefix("test_")


def _npz(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, allow_nan=False, default=_plain).encode()


def _plain(value: Any) -> Any:
    """NumPy scalars and arrays as Python objects."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no JSON form")
