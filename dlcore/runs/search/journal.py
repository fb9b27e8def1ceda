"""Optuna storage of one search: a journal file in its folder, with locks that the kernel releases on a kill."""

import contextlib
import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import dlcore.runs.locks as locks
from dlcore.core.errors import StoreError, one_line

if TYPE_CHECKING:
    import optuna

FILE_NAME = "trials.jsonl"
LOCK_TIMEOUT = 60.0
"""Seconds to wait for another process that appends to the journal."""


class JournalLock:
    """Lock for Optuna's `JournalFileBackend`, released by the kernel when its holder dies.

    Optuna's own locks are files that a killed process leaves behind for 30 seconds. This one also removes a torn last
    line, which a full disk or a kill can leave and which would make the journal unreadable.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._held = contextlib.ExitStack()

    def acquire(self) -> bool:
        """Block until the lock is held."""
        with contextlib.ExitStack() as held:
            held.enter_context(locks.hold(self._file.with_suffix(".lock"), timeout=LOCK_TIMEOUT, poll_interval=0.005))
            _remove_torn_line(self._file)
            self._held = held.pop_all()
        return True

    def release(self) -> None:
        """Release the lock."""
        self._held.close()


def open_storage(folder: Path, *, create: bool = False) -> "optuna.storages.BaseStorage":
    """Return the storage in a search's folder; one per process, which reads only what was appended since.

    Raises:
        StoreError: the journal is missing (unless `create`) or cannot be read, or optuna is not installed.
    """
    file = folder / FILE_NAME
    if not create and not file.is_file():
        raise StoreError(f"{file} is missing: delete this search, or restore the file.")
    with translate_optuna_errors(file):
        return _storage(file, os.getpid())


@contextlib.contextmanager
def translate_optuna_errors(file: Path) -> Iterator[None]:
    """Turn Optuna's errors on reading its journal into one line.

    Raises:
        StoreError: optuna is not installed, or the journal cannot be read.
    """
    try:
        yield
    except ImportError as error:
        raise StoreError("optuna is not installed, and a search needs it: pip install -r requirements.txt.") from error
    except (OSError, StoreError):
        raise
    except Exception as error:
        raise StoreError(
            f"{file} cannot be read ({one_line(error)[:200]}): delete this search, or restore it."
        ) from error


@functools.lru_cache(maxsize=64)
def _storage(file: Path, _process: int) -> "optuna.storages.BaseStorage":
    import optuna
    from optuna.storages.journal import JournalFileBackend, JournalStorage

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    lock = JournalLock(file)
    return JournalStorage(JournalFileBackend(str(file), lock_obj=lock))  # type: ignore[arg-type]


def _remove_torn_line(file: Path) -> None:
    with file.open("rb+") as journal:
        end = journal.seek(0, os.SEEK_END)
        if not end:
            return
        journal.seek(end - 1)
        if journal.read(1) == b"\n":
            return
        journal.seek(0)
        journal.truncate(journal.read().rfind(b"\n") + 1)
