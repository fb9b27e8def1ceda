"""The folder of one run: where each of its files lies, and how files are written so that none is ever half there."""

import contextlib
import errno
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from dlcore.core import settings
from dlcore.core.errors import StoreError

Command = Literal["pause", "stop", "conclude"]
"""`pause`: checkpoint and go. `stop`: leave a bundle of the best epoch and go. `conclude`: the same, for a run that
stands still already: its worker waits in the queue for it, which one that is paused or stopped does not."""

BALLAST_BYTES = 512 * 1024
"""Kept aside in the folder of every live run, so that a full disk leaves room to write down why the run failed."""

SEARCH = "search-"
"""How the id of a search over settings begins; its workers are started, queued and watched like those of a run."""


@dataclass(frozen=True)
class RunFolder:
    """`$DLCORE_HOME/runs/<run_id>` and what lies in it."""

    path: Path

    @property
    def config(self) -> Path:
        """The run's config as JSON."""
        return self.path / "config.json"

    @property
    def log(self) -> Path:
        """All that the worker and its libraries print, tracebacks too."""
        return self.path / "log.txt"

    @property
    def worker(self) -> Path:
        """Who works on the run: pid, process start, host."""
        return self.path / "worker.json"

    @property
    def heartbeat(self) -> Path:
        """Touched every second by a live worker."""
        return self.path / "heartbeat"

    @property
    def request(self) -> Path:
        """What a person asked the worker to do: `pause` or `stop`."""
        return self.path / "request"

    @property
    def lock(self) -> Path:
        """Held by the worker for as long as it lives: two never work on one run."""
        return self.path / "lock"

    @property
    def ballast(self) -> Path:
        """Room kept aside for the last words of a run on a full disk."""
        return self.path / "ballast"

    @property
    def checkpoints(self) -> Path:
        """The folder of resumable states."""
        return self.path / "checkpoints"

    @property
    def gradients(self) -> Path:
        """Norms of the gradient, a line for each step recorded."""
        return self.path / "gradients.jsonl"

    @property
    def bundle(self) -> Path:
        """The bundle, once the run left one."""
        return self.path / "artifacts" / "bundle"

    def wish(self) -> Command | None:
        """What is asked of the worker at this moment."""
        try:
            text = self.request.read_text(encoding="utf-8").strip()
        except OSError:
            return None
        return text if text in get_args(Command) else None  # type: ignore[return-value]


def of_run(run_id: str) -> RunFolder:
    """The folder of the run (or search) of that id; it may not be there yet."""
    return RunFolder(settings.home() / ("searches" if run_id.startswith(SEARCH) else "runs") / run_id)


@contextlib.contextmanager
def translate_errors(what: Path) -> Iterator[None]:
    """Turn the operating system's errors on writing into one clear line.

    Raises:
        StoreError: the disk is full or the folder cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise store_error(error, what) from error


def store_error(error: OSError, what: Path) -> StoreError:
    """The line for an operating system's error on writing `what`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreError(f"the disk that holds {what} is full: free some space, then try again or resume the run.")
    refusal = StoreError(
        f"{what} cannot be written ({os.strerror(error.errno) if error.errno else error}): "
        "set DLCORE_HOME to a folder you may write to."
    )
    refusal.reason = "code"
    return refusal


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: a file beside it, fsync, rename."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write JSON whole or not at all."""
    write_atomic(path, json.dumps(value, indent=1).encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; empty where there is none that can be read."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
