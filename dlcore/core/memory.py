"""Memory that is available, compared with what a step needs before it is spent."""

from pathlib import Path

from dlcore.core.errors import DataError

_MEMINFO = Path("/proc/meminfo")
_LIMIT, _USED = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")


def available_bytes() -> int | None:
    """Return the memory that a process can still use: of the machine, and of its container; None if unknown."""
    amounts = []
    try:
        lines = _MEMINFO.read_text().split("\n")
        amounts += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
        amounts.append(int(_LIMIT.read_text()) - int(_USED.read_text()))
    except (OSError, ValueError, IndexError):  # another system, or no limit
        pass
    return min(amounts, default=None)


def require_memory(needed: int, *, what: str, advice: str) -> None:
    """Check that `needed` bytes are available.

    Raises:
        DataError: Less is available; says how much, and the next step.
    """
    available = available_bytes()
    if available is not None and needed > available:
        raise DataError(f"{what} needs about {needed >> 20:,} MB of memory, {available >> 20:,} MB are free: {advice}.")
