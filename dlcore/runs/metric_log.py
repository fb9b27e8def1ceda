"""Where a run writes its numbers while it trains: its folder, or memory for a run without one."""

import contextlib
import json
import logging
import math
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from dlcore.core.errors import LockedError
from dlcore.runs.folder import RunFolder, translate_errors
from dlcore.runs.lifecycle import update_state
from dlcore.runs.metric_file import Row, append_metrics, read_metrics
from dlcore.runs.record import Curve, GradientNorms

FLUSH_SECONDS = 0.5
TRY_SECONDS = 1.0
"""Longest wait of `try_flush` for a lock."""

_log = logging.getLogger(__name__)


class MetricLog(Protocol):
    """Receives the numbers of a run."""

    def start(self, step: int) -> None:
        """Training starts, or resumes, after `step`."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Log scalars of one step."""

    def update(self, fields: Mapping[str, Any]) -> None:
        """Replace fields of the run's record."""

    def flush(self) -> None:
        """Return once everything is written; wait while another program locks the folder.

        Raises:
            StoreError: it could not be written.
        """

    def try_flush(self) -> bool:
        """Write everything; return False, and keep it in memory, if another program locks the folder.

        Raises:
            StoreError: it could not be written for another reason.
        """

    def history(self) -> dict[str, Curve]:
        """All scalars so far, those from before a resume included."""


class MemoryMetricLog:
    """Stores the numbers in this process."""

    def __init__(self) -> None:
        self.columns: dict[str, dict[int, float]] = {}
        self.fields: dict[str, Any] = {}

    def start(self, step: int) -> None:
        """Nothing was logged before."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Log scalars of one step."""
        for name, value in values.items():
            self.columns.setdefault(name, {})[step] = value

    def update(self, fields: Mapping[str, Any]) -> None:
        """Replace fields of the run's record."""
        self.fields.update(fields)

    def flush(self) -> None:
        """Nothing to write."""

    def try_flush(self) -> bool:
        """Nothing to write."""
        return True

    def history(self) -> dict[str, Curve]:
        """All scalars so far."""
        return {
            name: Curve(np.array(list(column), dtype=np.int64), np.array(list(column.values()), dtype=np.float64))
            for name, column in self.columns.items()
        }


class FolderMetricLog:
    """Writes to the run folder from a thread, about twice a second, so that no step waits for the disk."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._rows: list[Row] = []
        self._fields: dict[str, Any] = {}
        self._logged: dict[str, set[int]] = {}
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._error: Exception | None = None
        self._closed = threading.Event()
        self._is_locked = False
        self._thread = threading.Thread(target=self._write_loop, name="metric log", daemon=True)

    def start(self, step: int) -> None:
        """Read which steps from `step` on are logged: those between a checkpoint and a kill are trained again, and at
        the step of the checkpoint itself another event may have followed (`Gradients`, `Step`, `Epoch`)."""
        self._logged = {
            name: set(curve.steps[curve.steps >= step].tolist()) for name, curve in read_metrics(self.folder).items()
        }
        self._thread.start()

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Log scalars of one step, unless they are logged already.

        Raises:
            StoreError: writing failed since the last call.
        """
        if self._error:
            raise self._error
        new = {name: float(value) for name, value in values.items() if step not in self._logged.get(name, ())}
        if new:
            with self._lock:
                self._rows.append((step, new, int(time.time() * 1000)))

    def update(self, fields: Mapping[str, Any]) -> None:
        """Replace fields of the run's record."""
        with self._lock:
            self._fields.update(fields)

    def flush(self) -> None:
        """Write everything; wait while another program locks the folder."""
        while not self.try_flush():
            time.sleep(FLUSH_SECONDS)

    def try_flush(self) -> bool:
        """Write everything; return False, and keep it in memory, if another program locks the folder."""
        if self._error:
            raise self._error
        try:
            self._write()
        except LockedError as error:
            if not self._is_locked:
                _log.warning("%s Numbers are kept in memory until it is released.", error)
            self._is_locked = True
            return False
        if self._is_locked:
            _log.warning("%s is no longer locked: all numbers are written.", self.folder.path)
        self._is_locked = False
        return True

    def _write(self) -> None:
        with self._writing:
            with self._lock:
                rows, self._rows, fields, self._fields = self._rows, [], self._fields, {}
            try:
                append_metrics(self.folder, rows, timeout=TRY_SECONDS)
                rows = []
                if fields:
                    update_state(self.folder, timeout=TRY_SECONDS, **fields)
            except Exception:
                with self._lock:  # the next attempt writes them; a row written twice is read once
                    self._rows, self._fields = rows + self._rows, {**fields, **self._fields}
                raise

    def close(self) -> None:
        """Stop the thread, and try once more to write the remaining rows."""
        self._closed.set()
        if self._thread.ident:
            self._thread.join()
        with contextlib.suppress(Exception):
            self._error = None
            self.flush()

    def history(self) -> dict[str, Curve]:
        """All scalars so far."""
        self.flush()
        return read_metrics(self.folder)

    def _write_loop(self) -> None:
        while not self._closed.wait(FLUSH_SECONDS):
            try:
                self.try_flush()
            except Exception as error:
                self._error = error
                return


class GradientLog:
    """Gradient norms and other probes as JSON lines: first the names of the layers, then one line per step."""

    def __init__(self, path: Path | None, layers: tuple[str, ...], *, step: int) -> None:
        """Continue after `step`: later lines are dropped, since those steps are trained again. `path` None writes
        none."""
        self.path, self.layers = path, layers
        if path is not None:
            before = read_gradients(path)
            if before is None or before.layers != layers:
                before = GradientNorms(layers, np.empty(0, dtype=np.int64), np.empty((0, len(layers))))
            write_gradients(path, before, until=step)
        self._lines: list[str] = []
        self._written = time.monotonic()

    def add(
        self, step: int, norms: tuple[float, ...], measures: Mapping[str, tuple[float | None, ...]] | None = None
    ) -> None:
        """Add the norms and other probes of one step; written about once a second."""
        self._lines.append(json.dumps({"step": step, "norms": norms, **(measures or {})}))
        if time.monotonic() - self._written > 1.0:
            self.flush()

    def flush(self) -> None:
        """Write the lines in memory.

        Raises:
            StoreError: the disk is full or the folder cannot be written.
        """
        if self._lines and self.path is not None:
            with translate_errors(self.path), self.path.open("a", encoding="utf-8") as file:
                file.write("\n".join(self._lines) + "\n")
        self._lines = []
        self._written = time.monotonic()


def write_gradients(path: Path, gradients: GradientNorms, *, until: int | None = None) -> None:
    """Write a file for `read_gradients` with the steps up to `until` (default: all)."""
    lines = [json.dumps({"layers": gradients.layers})]
    for row, step in enumerate(gradients.steps.tolist()):
        if until is None or step <= until:
            measures = {name: _finite_or_none(values[row]) for name, values in gradients.measures.items()}
            lines.append(json.dumps({"step": step, "norms": gradients.norms[row].tolist(), **measures}))
    with translate_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_gradients(path: Path) -> GradientNorms | None:
    """Read the file; a last line cut short is ignored; None if nothing was recorded."""
    try:
        head, *lines = path.read_text(encoding="utf-8").splitlines()
        layers = tuple(json.loads(head)["layers"])
    except (OSError, ValueError):
        return None
    entries: list[dict[str, Any]] = []
    for line in lines:
        with contextlib.suppress(ValueError):
            entries.append(json.loads(line))
    if not entries:
        return None
    names = set().union(*entries) - {"step", "norms"}
    missing = [None] * len(layers)  # at most steps of a tiny network only the gradient is recorded
    return GradientNorms(
        layers,
        np.array([entry["step"] for entry in entries], dtype=np.int64),
        np.array([entry["norms"] for entry in entries], dtype=np.float64),
        {name: np.array([entry.get(name, missing) for entry in entries], dtype=np.float64) for name in sorted(names)},
    )


def _finite_or_none(values: np.ndarray) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values.tolist()]
