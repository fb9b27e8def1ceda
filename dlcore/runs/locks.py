"""File locks that the operating system releases when their holder dies."""

import contextlib
import errno
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from dlcore.core.errors import LockedError
from dlcore.runs.folder import no_locks, store_error

WAIT_SECONDS = 10.0
"""Longest time that a page or command waits for a lock."""
RETRY_SECONDS = 0.5

_log = logging.getLogger(__name__)


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
def hold(path: Path, *, timeout: float = WAIT_SECONDS, poll_interval: float = 0.01) -> Iterator[None]:
    """Hold the lock of that file inside the block; wait for it at most `timeout` seconds.

    Raises:
        LockedError: somebody else still holds it.
        StoreError: the file system has no working locks, or cannot be written.
    """
    lock = FileLock(path, thread_local=False, fallback_to_soft=False, poll_interval=poll_interval)
    try:
        _acquire(lock, path, timeout=timeout)
    except Timeout as error:
        raise LockedError(
            f"{path} is locked by another program: close it (a backup, a file browser), or try again later."
        ) from error
    try:
        yield
    finally:
        lock.release()


def wait_while_locked(write: Callable[[], None], *, keep_waiting: Callable[[], bool] = lambda: True) -> None:
    """Call `write` until no other program locks the store; the log names the lock once.

    Raises:
        LockedError: it is still locked, and `keep_waiting` returned False.
    """
    is_reported = False
    while True:
        try:
            return write()
        except LockedError as error:
            if not keep_waiting():
                raise
            if not is_reported:
                _log.warning("%s Waiting until it is released.", error)
            is_reported = True
            time.sleep(RETRY_SECONDS)


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
