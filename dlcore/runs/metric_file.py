"""Scalars of a run as JSON lines: `{"step": 12, "time": 1760000000000, "values": {"batch_loss": 0.31}}`.

Lines are appended under a lock, so several processes may write. A last line cut short (a kill, a full disk) is ignored.
Values that JSON lacks are the strings "nan", "inf" and "-inf". A file is parsed once: later reads parse what was added.
"""

import contextlib
import json
import math
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import dlcore.runs.locks as locks
from dlcore.core.errors import StoreError
from dlcore.runs.folder import RunFolder, translate_errors
from dlcore.runs.record import Curve

Row = tuple[int, Mapping[str, float], int]
"""Optimizer step, values by metric, wall time in milliseconds."""
_CACHED_FILES = 64


@dataclass
class _Parsed:
    """The part of a file that was parsed: values by metric and step."""

    inode: int
    offset: int = 0
    columns: dict[str, dict[int, float]] = field(default_factory=dict)


_CACHE: "OrderedDict[Path, _Parsed]" = OrderedDict()
_CACHE_LOCK = threading.Lock()


def append_metrics(folder: RunFolder, rows: Iterable[Row], *, timeout: float = locks.WAIT_SECONDS) -> None:
    """Append rows to the metrics of a run; wait for its lock at most `timeout` seconds.

    Raises:
        LockedError: another program holds the lock.
        StoreError: the disk is full or the folder cannot be written.
    """
    data = "".join(_line(*row) for row in rows).encode()
    if not data:
        return
    with (
        locks.hold(folder.write_lock, timeout=timeout),
        translate_errors(folder.metrics),
        folder.metrics.open("a+b") as file,
    ):
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        if size and file.read(1) != b"\n":
            data = b"\n" + data  # close the line that a kill or a full disk cut short
        file.write(data)


def read_metrics(folder: RunFolder) -> dict[str, Curve]:
    """Every metric of the run; of a step written twice the last value counts.

    Raises:
        StoreError: the file exists but cannot be read.
    """
    with _CACHE_LOCK:
        return {name: _curve(column) for name, column in _columns(folder.metrics).items()}


def _line(step: int, values: Mapping[str, float], time_ms: int) -> str:
    plain = {name: value if math.isfinite(value) else str(value) for name, value in values.items()}
    return json.dumps({"step": step, "time": time_ms, "values": plain}, separators=(",", ":")) + "\n"


def read_rows(path: Path, offset: int, *, size: int = -1) -> tuple[list[Row], int]:
    """Rows in the file after byte `offset`, in at most `size` bytes, and the offset after the last complete one.

    Raises:
        StoreError: the file exists but cannot be read.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            complete, newline, _ = file.read(size).rpartition(b"\n")
    except FileNotFoundError:
        return [], 0
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror}): check the permissions of the file.") from error
    return _parse(complete), offset + len(complete) + len(newline)


def _columns(path: Path) -> dict[str, dict[int, float]]:
    parsed = _CACHE.pop(path, None)
    try:
        stat = path.stat()
    except FileNotFoundError:
        return {}
    if parsed is None or parsed.inode != stat.st_ino or parsed.offset > stat.st_size:
        parsed = _Parsed(stat.st_ino)
    if stat.st_size > parsed.offset:
        rows, parsed.offset = read_rows(path, parsed.offset)
        for step, values, _ in rows:
            for name, value in values.items():
                parsed.columns.setdefault(name, {})[step] = value
    _CACHE[path] = parsed
    if len(_CACHE) > _CACHED_FILES:
        _CACHE.popitem(last=False)
    return parsed.columns


def _parse(lines: bytes) -> list[Row]:
    rows: list[Row] = []
    for line in lines.splitlines():
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):  # a line cut short
            row = json.loads(line)
            values = {name: float(value) for name, value in row["values"].items()}
            rows.append((int(row["step"]), values, int(row["time"])))
    return rows


def _curve(column: Mapping[int, float]) -> Curve:
    steps = np.fromiter(column.keys(), dtype=np.int64, count=len(column))
    values = np.fromiter(column.values(), dtype=np.float64, count=len(column))
    if len(steps) > 1 and (np.diff(steps) < 0).any():
        order = np.argsort(steps)
        steps, values = steps[order], values[order]
    return Curve(steps, values)
