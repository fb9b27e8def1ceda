"""A zip of a run that works without dlcore: bundle, training script, notebook, ONNX file, prediction script."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from dlcore import projects
from dlcore.core.errors import DataError, RunError, WorkbenchError
from dlcore.projects.anomaly.models import AnomalyData, view_of
from dlcore.projects.forecast.windows import ForecastData
from dlcore.runs.bundle.card import hub_metadata
from dlcore.runs.bundle.reader import OPTIONAL, REQUIRED, Bundle
from dlcore.runs.folder import translate_errors, write_atomic
from dlcore.runs.run import open_run

MAX_DATA = 512 * 2**20
"""Largest data file, in bytes before compression."""
_EPOCH = (1980, 1, 1, 0, 0, 0)


def export_standalone(ref: str, path: Path) -> dict[str, Any]:
    """Write a run to a zip file (`path`, or a file in that folder) whose scripts need no dlcore.

    Returns the path, the names of the files in it, and `missing`: why a file could not be made, by its name.

    Raises:
        RunError: the run has no bundle yet, or is stored without weights.
        StoreError: the file cannot be training.
    """
    run = open_run(ref)
    bundle = run.finished_bundle
    bundle.require_weights()
    if path.is_dir():
        path = path / f"{run.record.project}-{run.record.model}-standalone.zip"
    files: dict[str, bytes] = {
        name: (bundle.folder / name).read_bytes() for name in (*REQUIRED, *OPTIONAL) if (bundle.folder / name).exists()
    }
    missing: dict[str, str] = {}
    for name, make in (("train.py", training_files), ("predict.py", prediction_files)):
        try:
            files |= make(bundle)
        except WorkbenchError as error:
            missing[name] = str(error)
        else:
            if name not in files:
                missing[name] = "`model.onnx` is the network alone: its inputs are prepared by the bundle's project."
    files["predictions.csv"] = predictions_csv(bundle)
    files["README.md"] = _readme(bundle, files, missing)
    with translate_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, _zip(files))
    return {"path": str(path), "files": sorted(files), "missing": missing}


def training_files(bundle: Bundle) -> dict[str, bytes]:
    """Return training script, notebook and data file by name.

    Raises:
        RunError: why the run has no training script.
        DataError: its dataset is not on this machine.
    """
    from dlcore.runs.standalone import loop, script

    config = bundle.config
    code = _task_code(bundle)
    prepared = projects.get(config.project).prepare(config)
    if bundle.run["data_checksum"] not in ("", prepared.checksum):
        raise DataError("the dataset on this machine is not the one of the run.")
    parameters = bundle.record.parameters
    task = code(config, prepared)
    training = script.write_script(config, prepared, task, bundle.evaluation.metrics, parameters=parameters)
    size = sum(array.nbytes for array in training.arrays.values())
    if size > MAX_DATA:
        raise RunError(f"its data file would have {size / 2**20:,.0f} MB, more than {MAX_DATA / 2**20:.0f}.")
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **training.arrays)
    return {loop.DATA_FILE: buffer.getvalue()} | {name: text.encode() for name, text in training.files.items()}


def _task_code(bundle: Bundle) -> Callable[..., Any]:
    """Return what writes the code of the run's kind of task.

    Raises:
        RunError: there is none.
    """
    from dlcore.runs.standalone import anomaly, classifier, forecast, seq2seq

    project, config = projects.get(bundle.config.project), bundle.config
    if "bert" in bundle.preprocessing and project.slug != "bert":
        raise RunError(f"'{config.model}' reads states of a BERT that is not part of the run.")
    if config.flat.get("teacher"):
        raise RunError(f"'{config.model}' imitates a teacher, which a training script of 150 lines cannot load.")
    if project.task.name == "anomaly detection":
        return anomaly.anomaly_code
    if project.task.name == "forecasting":
        return forecast.forecast_code
    if project.slug == "seq2seq":
        return seq2seq.seq2seq_code
    if project.task.name == "classification":
        return classifier.classifier_code
    raise RunError(f"'{project.slug}' solves a special task, for which there is no training script.")


def prediction_files(bundle: Bundle) -> dict[str, bytes]:
    """Return ONNX file, prediction script and its facts by name; without a script where only the network is exported.

    Raises:
        RunError: why the network cannot be exported.
    """
    from dlcore.runs.standalone import predict_image, predict_series, predict_table, predict_text
    from dlcore.runs.standalone.graph import TEXT_KINDS, export_network

    loaded = bundle.load()
    content, _ = export_network(bundle, loaded)
    config, known, kind = bundle.config, bundle.preprocessing, bundle.preprocessing.get("kind")
    facts: dict[str, Any] = {"preprocessing": dict(bundle.preprocessing), "labels": list(bundle.labels)}
    rule = loaded.calibration
    facts |= {
        "threshold": 0.5 if bundle.threshold is None else bundle.threshold,
        "temperature": rule.temperature if rule else 1.0,
        "uncertain_below": rule.threshold if rule else 0.0,
        "set_limit": rule.set_limit if rule else 0.0,
    }
    module: ModuleType | None = None
    task = projects.get(config.project).task.name
    if task == "anomaly detection":
        module = predict_series
        cycles = facts["preprocessing"].get("cycles", ["day", "week"])
        facts["preprocessing"]["cycles"] = cycles
        smoothing = config.data_as(AnomalyData).smoothing_h
        facts |= {"view": view_of(config), "window": bundle.facts["window"], "smoothing_h": smoothing}
    elif task == "forecasting" and bundle.facts["horizon"] == bundle.facts["steps"] and "linear" not in known:
        module, data = predict_table, config.data_as(ForecastData)
        read = {"difference": data.difference_input, "mask": data.mask_input, "calendar": data.calendar_input}
        facts |= {"window": data.window, "inputs": read}
    elif kind in TEXT_KINDS:
        module = predict_text
    elif kind in ("grey", "picture"):
        module = predict_image
    files = {"model.onnx": content, "predict.json": json.dumps(facts, indent=1).encode()}
    return files | ({"predict.py": script_of(module).encode()} if module else {})


def script_of(module: ModuleType) -> str:
    """Return a module with a function `main` as a script: its source with everything of dlcore that it uses."""
    from dlcore.runs.standalone.source import collect, join, order_imports

    source = collect([module.main])
    main = 'if __name__ == "__main__":\n    main()'
    parts = [f'"""{module.__doc__}"""', "from __future__ import annotations"]
    return (
        "\n\n".join([*parts, order_imports(source.imports)])
        + f"\n\n\n{join(source.definitions.values())}\n\n\n{main}\n"
    )


def predictions_csv(bundle: Bundle) -> bytes:
    """Return the test predictions as a table: id, then every array of numbers of the test split, a column each."""
    arrays = {
        name.removeprefix("test_"): array for name, array in bundle.predictions().items() if name.startswith("test_")
    }
    rows = len(arrays["ids"])
    columns: dict[str, np.ndarray] = {"id": arrays.pop("ids")}
    for name, array in arrays.items():
        if len(array) != rows or array.ndim == 0:
            continue
        flat = array.reshape(rows, -1)
        labels = bundle.labels if len(bundle.labels) == flat.shape[1] and flat.shape[1] > 1 else range(flat.shape[1])
        for label, column in zip(labels, flat.T, strict=True):
            columns[name if flat.shape[1] == 1 else f"{name}_{label}"] = column
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))
    return buffer.getvalue().encode()


def _readme(bundle: Bundle, files: Mapping[str, bytes], missing: Mapping[str, str]) -> bytes:
    """Return the model card with the metadata of the Hugging Face hub, and how to use the files."""
    uses = {
        "train.py": "`python train.py` trains the network again in plain PyTorch; `train.ipynb` is its notebook.",
        "network.py": "`network.py` is the code of the network, which `train.py` imports.",
        "predict.py": "`python predict.py INPUT` answers with NumPy and ONNX Runtime.",
        "model.onnx": "`model.onnx` is the network for any batch size, checked against torch.",
    }
    lines = [f"* {text}" for name, text in uses.items() if name in files]
    lines += [f"* No `{name}`: {reason}" for name, reason in missing.items()]
    return f"{hub_metadata(bundle.run)}\n{bundle.card.rstrip()}\n\n## Files\n\n{chr(10).join(lines)}\n".encode()


def _zip(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()
