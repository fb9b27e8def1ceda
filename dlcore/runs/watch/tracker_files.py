"""Reads scalars from files of other trackers: TensorBoard event files and offline runs of Weights & Biases.

Both hold protocol buffers; the few messages that scalars need are declared here. Records cut short end a file.
"""

import json
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory

from dlcore.core.errors import DataError

EVENTS, OFFLINE = "*.tfevents.*", "*.wandb"
MOST_BYTES, MOST_VALUES = 2**31, 5_000_000
LONGEST_RECORD = 64 * 2**20
_BLOCK, _HEADER = 32768, 7
_DOUBLE, _FLOAT, _INT64, _BOOL, _STRING, _MESSAGE, _BYTES, _INT32, _SINT64 = 1, 2, 3, 8, 9, 11, 12, 5, 18
_MESSAGES: dict[str, dict[str, tuple[int, int, str, bool]]] = {
    "Event": {
        "wall_time": (1, _DOUBLE, "", False),
        "step": (2, _INT64, "", False),
        "summary": (5, _MESSAGE, "Summary", False),
    },
    "Summary": {"value": (1, _MESSAGE, "Value", True)},
    "Value": {
        "tag": (1, _STRING, "", False),
        "simple_value": (2, _FLOAT, "", False),
        "tensor": (8, _MESSAGE, "Tensor", False),
    },
    "Tensor": {
        "dtype": (1, _INT32, "", False),
        "content": (4, _BYTES, "", False),
        "float_val": (5, _FLOAT, "", True),
        "double_val": (6, _DOUBLE, "", True),
    },
    "Record": {
        "history": (2, _MESSAGE, "History", False),
        "config": (5, _MESSAGE, "Config", False),
        "run": (17, _MESSAGE, "RunRecord", False),
    },
    "History": {"item": (1, _MESSAGE, "Item", True), "step": (2, _MESSAGE, "StepNumber", False)},
    "StepNumber": {"num": (1, _INT64, "", False)},
    "Item": {
        "key": (1, _STRING, "", False),
        "nested_key": (2, _STRING, "", True),
        "boolean": (4, _BOOL, "", False),
        "integer": (5, _SINT64, "", False),
        "number": (6, _DOUBLE, "", False),
        "value_json": (16, _STRING, "", False),
    },
    "Config": {"update": (1, _MESSAGE, "Item", True)},
    "RunRecord": {
        "project": (3, _STRING, "", False),
        "config": (4, _MESSAGE, "Config", False),
        "display_name": (8, _STRING, "", False),
    },
}
"""Message -> field -> number, type, message type, whether it repeats."""


@dataclass
class TrackedRun:
    """Scalars of one run: metric -> step -> (value, wall time in seconds), and what the tracker knows of it."""

    name: str
    project: str
    scalars: dict[str, dict[int, tuple[float, float]]] = field(default_factory=dict)
    config: dict[str, float | str | bool] = field(default_factory=dict)

    def add(self, metric: str, step: int, value: float, wall_time: float) -> None:
        """Add one value; the last of a step counts."""
        if math.isfinite(value):
            self.scalars.setdefault(metric, {})[step] = (value, wall_time)


def find_runs(path: Path) -> list[TrackedRun]:
    """Read the runs of a file or folder: each folder with event files, and each `.wandb` file, is one.

    Raises:
        DataError: there are none, or a file is of another format.
    """
    if path.is_file():
        files = [path]
    else:
        files = [file for pattern in (EVENTS, OFFLINE) for file in sorted(path.rglob(pattern)) if file.is_file()]
    runs: dict[Path, TrackedRun] = {}
    for file in files:
        if file.stat().st_size > MOST_BYTES:
            raise DataError(f"{file.name} has more than {MOST_BYTES >> 30} GiB: import the runs one by one.")
        if file.suffix == ".wandb":
            runs[file] = _read_offline(file)
        elif ".tfevents." in file.name:
            folder = file.parent
            run = runs.setdefault(folder, TrackedRun(folder.name or file.name, folder.parent.name or "TensorBoard"))
            _read_events(file, run)
    found_scalars = [run for run in runs.values() if run.scalars]
    if not found_scalars:
        raise DataError(f"{path} holds no scalars of TensorBoard (*.tfevents.*) or Weights & Biases (*.wandb).")
    return found_scalars


def _read_events(path: Path, run: TrackedRun) -> None:
    """Add the scalars of an event file."""
    count = 0
    for data in _framed(path):
        event = _parse("Event", data, path)
        if event is None:
            return
        for value in event.summary.value:
            number = _scalar(value)
            if number is not None and value.tag:
                run.add(value.tag, event.step, number, event.wall_time)
                count += 1
        if count > MOST_VALUES:
            raise DataError(f"{path.name} holds more than {MOST_VALUES:,} values: log less often.")


def _framed(path: Path) -> Iterator[bytes]:
    """Yield the records of a file of TensorFlow records: length, checksum, data, checksum."""
    with path.open("rb") as file:
        while len(head := file.read(12)) == 12:
            (length,) = struct.unpack("<Q", head[:8])
            if length > LONGEST_RECORD:
                raise DataError(f"{path.name} is no event file of TensorBoard: choose another file.")
            data = file.read(length)
            if len(data) < length or len(file.read(4)) < 4:
                return
            yield data


def _scalar(value: Any) -> float | None:
    """The number of a summary; None for histograms, images and texts."""
    if value.HasField("simple_value"):
        return float(value.simple_value)
    if not value.HasField("tensor"):
        return None
    tensor = value.tensor
    for numbers in (tensor.float_val, tensor.double_val):
        if len(numbers) == 1:
            return float(numbers[0])
    formats = {1: "<f", 2: "<d"}  # DT_FLOAT, DT_DOUBLE
    code = formats.get(tensor.dtype)
    return struct.unpack(code, tensor.content)[0] if code and len(tensor.content) == struct.calcsize(code) else None


def _read_offline(path: Path) -> TrackedRun:
    """Read a `run-*.wandb` file."""
    run = TrackedRun(path.stem, "Weights & Biases")
    for data in _blocks(path):
        record = _parse("Record", data, path)
        if record is None:
            break
        for item in (*record.config.update, *record.run.config.update):
            name, setting = ".".join((item.key, *item.nested_key)).strip("."), _value(item)
            if not name.startswith("_wandb"):
                run.config |= _flat(name, setting)
        if record.HasField("run"):
            run.name, run.project = record.run.display_name or run.name, record.run.project or run.project
        values = {".".join((item.key, *item.nested_key)).strip("."): _value(item) for item in record.history.item}
        step = record.history.step.num or int(values.get("_step", 0) or 0)
        for name, value in values.items():
            if not name.startswith("_") and isinstance(value, int | float) and not isinstance(value, bool):
                run.add(name, step, float(value), float(values.get("_timestamp") or 0.0))
    return run


def _blocks(path: Path) -> Iterator[bytes]:
    """Yield the records of a LevelDB log after the header of Weights & Biases."""
    data = path.read_bytes()
    if data[:4] != b":W&B":
        raise DataError(f"{path.name} is no run of Weights & Biases: choose another file.")
    position, record = _HEADER, b""
    while position + _HEADER <= len(data):
        left = _BLOCK - position % _BLOCK
        if left < _HEADER:
            position += left
            continue
        _, length, kind = struct.unpack("<IHB", data[position : position + _HEADER])
        body = data[position + _HEADER : position + _HEADER + length]
        if kind == 0 or kind > 4 or len(body) < length:
            return
        position += _HEADER + length
        record = body if kind in (1, 2) else record + body  # full, first, middle, last
        if kind in (1, 4):
            yield record


def _value(item: Any) -> Any:
    """The value of an item: JSON in older files, typed fields in newer ones."""
    if item.value_json:
        try:
            return json.loads(item.value_json)
        except ValueError:
            return None
    return next((getattr(item, name) for name in ("integer", "number", "boolean") if item.HasField(name)), None)


def _flat(name: str, value: Any) -> dict[str, float | str | bool]:
    """Settings with dotted names; `{"value": ...}` of config files is unwrapped."""
    if isinstance(value, dict):
        return {key: part for inner, each in value.items() for key, part in _flat(f"{name}.{inner}", each).items()}
    return {name: value if isinstance(value, bool | int | float | str) else json.dumps(value)[:200]}


def _parse(kind: str, data: bytes, path: Path) -> Any:
    """Parse a message; None if it is damaged, as the last of a killed program may be."""
    parsed = _classes()[kind]()
    try:
        parsed.ParseFromString(data)
    except message.DecodeError:
        return None
    return parsed


@cache
def _classes() -> dict[str, Any]:
    """Message classes of the declarations above."""
    file = descriptor_pb2.FileDescriptorProto(name="dlcore_trackers.proto", package="dlcore_trackers", syntax="proto2")
    for kind, declared in _MESSAGES.items():
        entry = file.message_type.add(name=kind)
        for name, (number, code, of, repeats) in declared.items():
            added = entry.field.add(name=name, number=number, type=code, label=3 if repeats else 1)
            if of:
                added.type_name = f".dlcore_trackers.{of}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        kind: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"dlcore_trackers.{kind}"))
        for kind in _MESSAGES
    }
