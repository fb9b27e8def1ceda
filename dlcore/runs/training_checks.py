"""What a worker or a watched loop measured for the diagnosis besides curves: a file in the run's folder."""

import contextlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from dlcore.evaluation.data_checks import DataChecks, check_data
from dlcore.runs.folder import RunFolder, read_json, write_json

if TYPE_CHECKING:
    import torch
    from torch import nn

    from dlcore.data.splits import Prepared

FILE = "checks.json"
ROWS = 2000
"""Training samples whose scale and neighbors are checked, at most."""
VALUES = 20_000_000
"""Numbers of these samples, at most: large images are fewer."""
LARGEST = 500_000_000
"""Bytes of training inputs up to which copies in the validation split are searched."""


def check_once(folder: RunFolder, prepared: "Prepared", module: "nn.Module") -> None:
    """Check data and network of a run and store the result, unless that was done; never fails the run."""
    path = folder.path / FILE
    if path.exists():
        return
    stored: dict[str, Any] = {}
    with contextlib.suppress(Exception):  # the checks are advice: an unusual dataset goes without
        stored["data"] = _encode(_check_data(prepared))
    with contextlib.suppress(Exception):  # and so does an unusual network
        stored["structure"] = _check_structure(prepared, module)
    with contextlib.suppress(OSError):
        folder.path.mkdir(parents=True, exist_ok=True)
        write_json(path, stored)


def read(folder: RunFolder) -> tuple[DataChecks | None, dict[str, Any]]:
    """Return the checks of the data, and the other measured fields of `evaluation.diagnosis.Measurements`."""
    stored = read_json(folder.path / FILE)
    data = stored.get("data")
    checks = None
    if data:
        agreement = {int(shift): value for shift, value in data["agreement"].items()}
        spread, offset = (float("nan") if data[name] is None else data[name] for name in ("spread", "offset"))
        counts = tuple(data["class_counts"])
        checks = DataChecks(
            **{**data, "agreement": agreement, "spread": spread, "offset": offset, "class_counts": counts}
        )
    return checks, {**stored.get("structure", {}), **stored.get("loop", {})}


def write_loop(folder: RunFolder, **measured: Any) -> None:
    """Store what a watched loop measured of itself."""
    write_json(folder.path / FILE, {**read_json(folder.path / FILE), "loop": measured})


def _check_data(prepared: "Prepared") -> DataChecks | None:
    import torch

    train, validation = prepared.train, prepared.validation
    classes = int(prepared.facts.get("classes", 0))
    targets = train.targets.cpu().numpy()
    if not classes or targets.ndim != 1 or len(targets) < 20:
        return None
    count = max(64, min(ROWS, VALUES // max(1, train.inputs[0][0].numel())))
    rows = tuple(part[:count] for part in train.inputs)
    is_tokens = rows[0].dtype in (torch.int32, torch.int64)
    with torch.random.fork_rng(devices=[]):
        x = rows[0] if is_tokens or prepared.transform is None else prepared.transform(rows, False)[0]
    checks = check_data(x.cpu().numpy(), targets[: len(x)], np.empty(0), classes=classes, is_tokens=is_tokens)
    leaked = 0.0
    if train.inputs[0].nbytes < LARGEST:
        leaked = _leaked(train.inputs[0], validation.inputs[0])
    counts = tuple(int(count) for count in np.bincount(targets, minlength=classes))
    return DataChecks(**{**asdict(checks), "leaked": leaked, "class_counts": counts})


def _leaked(train: "torch.Tensor", validation: "torch.Tensor") -> float:
    known = {row.tobytes() for row in train.cpu().numpy()}
    rows = validation[:ROWS].cpu().numpy()
    return sum(row.tobytes() in known for row in rows) / max(1, len(rows))


def _check_structure(prepared: "Prepared", module: "nn.Module") -> dict[str, Any]:
    import torch

    from dlcore.inference.structure import check_structure

    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    with torch.random.fork_rng(devices=[]):
        inputs = tuple(part[:8].to(device) for part in prepared.train.inputs)
        if prepared.transform is not None:
            inputs = prepared.transform(inputs, False)
        return asdict(check_structure(module, *inputs))


def _encode(data: DataChecks | None) -> dict[str, Any] | None:
    if data is None:
        return None
    values = asdict(data)
    return values | {name: values[name] if np.isfinite(values[name]) else None for name in ("spread", "offset")}
