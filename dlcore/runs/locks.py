"""File locks that the operating system releases when their holder dies."""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from dlcore.runs.folder import no_locks, store_error


def try_lock(path: Path) -> BaseFileLock | None:
    """The lock of that file, held until `release()`; None if somebody else holds it.

    Raises:
        StoreError: the file system has no working locks, or cannot be written.
    """
    lock = FileLock(path, thread_local=False, fallback_to_soft=False)
    try:
        _acquire(lock, path, timeout=0)
    except Timeout:
        return None
    return lock


@contextlib.contextmanager
def hold(path: Path, *, timeout: float = -1, poll_interval: float = 0.01) -> Iterator[None]:
    """Hold the lock of that file inside the block; wait for it at most `timeout` seconds (-1: without a limit).

    Raises:
        filelock.Timeout: somebody else still holds it.
        StoreError: the file system has no working locks, or cannot be written.
    """
    lock = FileLock(path, thread_local=False, fallback_to_soft=False, poll_interval=poll_interval)
    _acquire(lock, path, timeout=timeout)
    try:
        yield
    finally:
        lock.release()


def survive_kills() -> bool:
    """Whether the system releases a lock whose holder was killed."""
    return not issubclass(FileLock, SoftFileLock)


def _acquire(lock: BaseFileLock, path: Path, *, timeout: float) -> None:
    if not path.parent.is_dir():  # filelock would create it, and so bring back a deleted run
        raise store_error(FileNotFoundError(errno.ENOENT, "no such folder"), path)
    try:
        lock.acquire(timeout=timeout)
    except Timeout:
        raise
    except OSError as error:
        raise store_error(error, path) from error
    except NotImplementedError as error:
        raise no_locks(path) from error
