"""The folder of a run or search: the paths of its files, atomic writes, and errors of the file system in one line."""

import contextlib
import errno
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

from dlcore.core import settings
from dlcore.core.errors import LockedError, StoreError

Command = Literal["pause", "stop", "conclude"]
"""`pause`: write a checkpoint and exit. `stop`: write a bundle of the best epoch and exit. `conclude`: like `stop`, for
a run without a worker: a new worker waits in the queue, evaluates the best epoch and exits."""

NO_LOCKS = frozenset({errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP})
"""Errors of a file system that cannot lock files."""

LOCKED = frozenset({errno.EBUSY, errno.EAGAIN, errno.EDEADLK, errno.ETXTBSY})
"""Errors on a file that another program holds for a while (network file systems)."""

BALLAST_BYTES = 512 * 1024
"""Size of a file in the folder of every running run; deleting it leaves room to record a failure on a full disk."""

SEARCH = "search-"
"""Prefix of the id of a hyperparameter search."""

RATE_TEST = "rate-"
"""Prefix of the id of a learning-rate range test."""


@dataclass(frozen=True)
class RunFolder:
    """`$DLCORE_HOME/runs/<run_id>` or `$DLCORE_HOME/searches/<search_id>`, and the files in it."""

    path: Path

    @property
    def run_id(self) -> str:
        """Id of the run or search."""
        return self.path.name

    @property
    def is_search(self) -> bool:
        """Whether this is the folder of a search."""
        return self.run_id.startswith(SEARCH)

    @property
    def is_rate_test(self) -> bool:
        """Whether this is the folder of a learning-rate range test."""
        return self.run_id.startswith(RATE_TEST)

    @property
    def config(self) -> Path:
        """The config as JSON."""
        return self.path / "config.json"

    @cached_property  # the list of runs asks for it twice per run
    def state(self) -> Path:
        """State, reason and progress as JSON; a folder without it is not listed."""
        return self.path / "state.json"

    @property
    def metrics(self) -> Path:
        """Scalars as JSON lines."""
        return self.path / "metrics.jsonl"

    @property
    def gradients(self) -> Path:
        """Gradient norms as JSON lines, one line per recorded step."""
        return self.path / "gradients.jsonl"

    @property
    def epochs(self) -> Path:
        """The folder of outputs after each epoch, until the bundle holds them."""
        return self.path / "epochs"

    @property
    def log(self) -> Path:
        """Output of the worker and its libraries, tracebacks included."""
        return self.path / "log.txt"

    @property
    def worker(self) -> Path:
        """Who works on the run: pid, process start, host."""
        return self.path / "worker.json"

    @property
    def job(self) -> Path:
        """The job of a cluster that the worker was submitted as: its id, and the token of the launch."""
        return self.path / "job.json"

    @property
    def heartbeat(self) -> Path:
        """Touched every second by a live worker."""
        return self.path / "heartbeat"

    @property
    def request(self) -> Path:
        """The pending `Command`."""
        return self.path / "request"

    @property
    def lock(self) -> Path:
        """Lock held by the worker while it lives, so that two never work on one run."""
        return self.path / "lock"

    @property
    def write_lock(self) -> Path:
        """Lock held while `state` or `metrics` is written."""
        return self.path / "write.lock"

    @property
    def ballast(self) -> Path:
        """Space reserved for the failure report on a full disk."""
        return self.path / "ballast"

    @property
    def checkpoints(self) -> Path:
        """The folder of resumable states."""
        return self.path / "checkpoints"

    @property
    def bundle(self) -> Path:
        """The bundle of a run that has ended."""
        return self.path / "artifacts" / "bundle"

    def read_command(self) -> Command | None:
        """The pending command; None without one."""
        try:
            text = self.request.read_text(encoding="utf-8").strip()
        except OSError:
            return None
        return text if text in get_args(Command) else None  # type: ignore[return-value]


@lru_cache(maxsize=8192)
def at(path: str) -> RunFolder:
    """The folder at that path. It is kept: a list of runs asks for the paths of each of them several times."""
    return RunFolder(Path(path))


def of_run(run_id: str) -> RunFolder:
    """The folder of that run, search or range test; it need not exist."""
    kind = {SEARCH: "searches", RATE_TEST: "rates"}.get(f"{run_id.partition('-')[0]}-", "runs")
    return at(f"{settings.home()}{os.sep}{kind}{os.sep}{run_id}")


@contextlib.contextmanager
def translate_errors(what: Path) -> Iterator[None]:
    """Turn errors of the operating system on writing `what` into one line.

    Raises:
        LockedError: another program holds it.
        StoreError: the disk is full, or the folder cannot be written or has no file locks.
    """
    try:
        yield
    except OSError as error:
        raise store_error(error, what) from error


def store_error(error: OSError, what: Path) -> StoreError:
    """The one-line error for an error of the operating system on writing `what`."""
    if error.errno in NO_LOCKS:
        return no_locks(what)
    if error.errno in LOCKED:
        return LockedError(f"{what} is locked by another program ({os.strerror(error.errno or 0)}): try again later.")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreError(f"the disk that holds {what} is full: free some space, then try again or resume the run.")
    refusal = StoreError(
        f"{what} cannot be written ({os.strerror(error.errno) if error.errno else error}): "
        "set DLCORE_HOME to a folder you may write to."
    )
    refusal.reason = "code"
    return refusal


def no_locks(what: Path) -> StoreError:
    """The error of a file system without locks."""
    refusal = StoreError(
        f"the file system of {what} has no working file locks: set DLCORE_HOME to a folder on a local disk, "
        "or enable locking for this mount."
    )
    refusal.reason = "code"
    return refusal


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file completely or not at all: write a temporary file beside it, fsync, rename."""
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
    """Write a JSON object completely or not at all."""
    write_atomic(path, json.dumps(value, indent=1).encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; empty if the file is missing or unreadable."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
