"""What a run tells while it goes on, and where that is written: the store, or memory for a run without one."""

import contextlib
import json
import math
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from dlcore.runs import catalogue, store
from dlcore.runs.folder import translate_errors
from dlcore.runs.record import Curve, GradientNorms

FLUSH_SECONDS = 0.5


class MetricLog(Protocol):
    """Where a run's numbers go."""

    def begin(self, step: int) -> None:
        """The run starts, or goes on, after `step`."""

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers of one step."""

    def tell(self, tag: str, value: Mapping[str, Any]) -> None:
        """Replace a small JSON object: `about` (what stays) or `progress` (what moves)."""

    def flush(self) -> None:
        """Come back when all that was told is written.

        Raises:
            StoreError: it could not be.
        """

    def history(self) -> dict[str, Curve]:
        """All numbers so far, those of before a resume too."""


class MemoryMetricLog:
    """Keeps the numbers in this process."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[int, float]] = {}
        self.tags: dict[str, dict[str, Any]] = {}

    def begin(self, step: int) -> None:
        """Nothing was told before."""

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers of one step."""
        for name, value in values.items():
            self.rows.setdefault(name, {})[step] = value

    def tell(self, tag: str, value: Mapping[str, Any]) -> None:
        """Replace a small JSON object."""
        self.tags[tag] = dict(value)

    def flush(self) -> None:
        """All is where it belongs."""

    def history(self) -> dict[str, Curve]:
        """All numbers so far."""
        return {
            name: Curve(np.array(list(rows), dtype=np.int64), np.array(list(rows.values()), dtype=np.float64))
            for name, rows in self.rows.items()
        }


class StoreMetricLog:
    """Writes to the store from a thread of its own, about twice a second, so that no step waits for a disk."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self._rows: list[store.Row] = []
        self._tags: dict[str, dict[str, Any]] = {}
        self._known: dict[str, set[int]] = {}
        self._first_new = 0
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._error: Exception | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._keep_writing, name="journal", daemon=True)

    def begin(self, step: int) -> None:
        """Look up what is written from `step` on: what came between a checkpoint and a kill comes again, and at the
        checkpoint's own step an event may have followed the one it was made at (`Gradients`, `Step`, `Epoch`)."""
        self._known = {
            name: set(curve.steps[curve.steps >= step].tolist())
            for name, curve in catalogue.history(self.run_id).items()
        }
        self._thread.start()

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers of one step, unless they are written already.

        Raises:
            StoreError: writing failed since the last call.
        """
        if self._error:
            raise self._error
        now = int(time.time() * 1000)
        with self._lock:
            self._rows += [
                (name, step, float(value), now)
                for name, value in values.items()
                if step not in self._known.get(name, ())
            ]

    def tell(self, tag: str, value: Mapping[str, Any]) -> None:
        """Replace a small JSON object."""
        with self._lock:
            self._tags[tag] = dict(value)

    def flush(self) -> None:
        """Write all that was told, now."""
        if self._error:
            raise self._error
        with self._writing:
            with self._lock:
                rows, self._rows, tags, self._tags = self._rows, [], self._tags, {}
            if not rows and not tags:
                return
            try:
                store.append(self.run_id, rows, tags={tag: store.as_tag(value) for tag, value in tags.items()})
            except Exception:
                with self._lock:  # MLflow takes the same row twice without harm
                    self._rows, self._tags = rows + self._rows, {**tags, **self._tags}
                raise

    def close(self) -> None:
        """Stop the thread; what is still unwritten is tried once more."""
        self._closed.set()
        if self._thread.ident:
            self._thread.join()
        with contextlib.suppress(Exception):
            self._error = None
            self.flush()

    def history(self) -> dict[str, Curve]:
        """All numbers so far."""
        self.flush()
        return catalogue.history(self.run_id)

    def _keep_writing(self) -> None:
        while not self._closed.wait(FLUSH_SECONDS):
            try:
                self.flush()
            except Exception as error:
                self._error = error
                return


class GradientLog:
    """What probed steps told of each layer, as a file of JSON lines: the layers' names first, then one line a step."""

    def __init__(self, path: Path, layers: tuple[str, ...], *, step: int) -> None:
        """Goes on after `step`: lines beyond it are dropped, for they come again."""
        kept = GradientNorms(layers, np.empty(0, dtype=np.int64), np.empty((0, len(layers))))
        if path.exists() and (before := read_gradients(path)) is not None and before.layers == layers:
            kept = before
        self.path = path
        write_gradients(path, kept, until=step)
        self._lines: list[str] = []
        self._written = time.monotonic()

    def add(
        self, step: int, norms: tuple[float, ...], measures: Mapping[str, tuple[float | None, ...]] | None = None
    ) -> None:
        """One step's norms and whatever else was measured; written about once a second."""
        self._lines.append(json.dumps({"step": step, "norms": norms, **(measures or {})}))
        if time.monotonic() - self._written > 1.0:
            self.flush()

    def flush(self) -> None:
        """Write what is still in memory.

        Raises:
            StoreError: the disk is full or the folder cannot be written.
        """
        if self._lines:
            with translate_errors(self.path), self.path.open("a", encoding="utf-8") as file:
                file.write("\n".join(self._lines) + "\n")
            self._lines = []
        self._written = time.monotonic()


def write_gradients(path: Path, found: GradientNorms, *, until: int | None = None) -> None:
    """Write a file that `read_gradients` reads, with the steps up to `until` (all without it)."""
    lines = [json.dumps({"layers": found.layers})]
    for row, step in enumerate(found.steps.tolist()):
        if until is None or step <= until:
            more = {name: _meaningful(values[row]) for name, values in found.measures.items()}
            lines.append(json.dumps({"step": step, "norms": found.norms[row].tolist(), **more}))
    with translate_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_gradients(path: Path) -> GradientNorms | None:
    """Read the file back; a last line cut short is left out; None where nothing was recorded."""
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
    nothing = [None] * len(layers)  # at most steps of a tiny network only the gradient is recorded
    return GradientNorms(
        layers,
        np.array([entry["step"] for entry in entries], dtype=np.int64),
        np.array([entry["norms"] for entry in entries], dtype=np.float64),
        {name: np.array([entry.get(name, nothing) for entry in entries], dtype=np.float64) for name in sorted(names)},
    )


def _meaningful(values: np.ndarray) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values.tolist()]
