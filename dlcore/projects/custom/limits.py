"""Limits of the process that runs custom code: memory, processes, network, output.

The limits hold for the rest of the process. They keep an error from harming the machine; they are no prison for an
attacker, who could still read files of the user.
"""

import ctypes
import io
import os
import platform
import struct
import sys
import threading
from typing import Any, NoReturn

import psutil

GIB = 2**30
MEMORY_SHARE = 0.5
"""Share of the machine's memory that custom code may use; `DLCORE_CODE_GB` replaces it."""
PRINTED_BYTES = 10 * 2**20
FORBIDDEN = {
    "socket.connect": "network access",
    "socket.getaddrinfo": "network access",
    "socket.bind": "network access",
    "os.fork": "starting a process",
    "os.forkpty": "starting a process",
    "os.posix_spawn": "starting a process",
    "os.spawn": "starting a process",
    "os.system": "starting a process",
    "os.exec": "starting a process",
    "subprocess.Popen": "starting a process",
    "os.kill": "sending a signal",
    "os.killpg": "sending a signal",
}
"""Audit events of Python that raise an error, and what they mean."""
_CLONE_THREAD = 0x10000
_SYSTEM_CALLS = {
    "x86_64": (0xC000003E, {"clone": 56, "fork": 57, "vfork": 58, "clone3": 435, "connect": 42, "kill": 62}),
    "aarch64": (0xC00000B7, {"clone": 220, "clone3": 435, "connect": 203, "kill": 129}),
}
_applied = threading.Event()


class ForbiddenError(PermissionError):
    """Custom code tried what it must not."""


class OutputError(RuntimeError):
    """Custom code printed too much."""


class _LimitedText(io.TextIOBase):
    """Passes text on to a stream until a limit, and raises an error then, or drops the rest."""

    def __init__(self, stream: Any, *, raises: bool) -> None:
        self.stream, self.raises, self.left = stream, raises, PRINTED_BYTES

    def write(self, text: str) -> int:
        self.left -= len(text)
        if self.left >= 0:
            self.stream.write(text)
        elif self.raises:
            raise OutputError(f"prints more than {PRINTED_BYTES >> 20} MB: remove the print.")
        return len(text)

    def flush(self) -> None:
        self.stream.flush()


def memory_limit() -> int:
    """Bytes that custom code may use."""
    if value := os.environ.get("DLCORE_CODE_GB"):
        return int(float(value) * GIB)
    return int(psutil.virtual_memory().total * MEMORY_SHARE)


def apply(*, raises: bool = False, limits_memory: bool = True) -> None:
    """Limit this process, once. `raises`: too much output, and ending the process, is an error.

    `limits_memory` False: on a GPU, whose driver reserves more addresses than there is memory.
    """
    if _applied.is_set():
        return
    _applied.set()
    sys.stdout, sys.stderr = _LimitedText(sys.stdout, raises=raises), _LimitedText(sys.stderr, raises=raises)
    if limits_memory and sys.platform == "linux":
        import resource

        size = psutil.Process().memory_info().rss + memory_limit()
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))
    if raises:
        os._exit = os.abort = _refuse_end  # type: ignore[assignment]  # they raise no audit event
    _forbid_system_calls()
    owner = threading.get_ident()
    sys.addaudithook(lambda event, arguments: _audit(event, owner))


def _refuse_end(*_: int) -> NoReturn:
    raise ForbiddenError("ending the process is not allowed in a network.")


def _audit(event: str, owner: int) -> None:
    """Forbid an event in the thread that runs custom code, and in those that it starts."""
    if event in FORBIDDEN and (threading.get_ident() == owner or threading.current_thread().name.startswith("Thread-")):
        raise ForbiddenError(f"{FORBIDDEN[event]} is not allowed in a network ({event}).")


def _forbid_system_calls() -> None:
    """Let the kernel refuse new processes, connections and signals of this thread and its later threads (seccomp).

    Threads stay possible: `clone` with CLONE_THREAD. `clone3`, whose flags a filter cannot read, looks missing, so the
    C library uses `clone`.
    """
    if sys.platform != "linux" or platform.machine() not in _SYSTEM_CALLS or struct.calcsize("P") != 8:
        return
    architecture, numbers = _SYSTEM_CALLS[platform.machine()]
    program = _filter_program(architecture, numbers)
    buffer = ctypes.create_string_buffer(program, len(program))
    library = ctypes.CDLL(None, use_errno=True)
    header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
    no_new_privileges, set_seccomp, filter_mode = 38, 22, 2
    if library.prctl(no_new_privileges, 1, 0, 0, 0) == 0:
        library.prctl(set_seccomp, filter_mode, ctypes.c_char_p(header), 0, 0)


def _filter_program(architecture: int, numbers: dict[str, int]) -> bytes:
    """Berkeley packet filter over `struct seccomp_data`: number at 0, architecture at 4, first argument at 16."""
    load, equals, any_bit, leave = 0x20, 0x15, 0x45, 0x06
    allow, refuse, missing = 0x7FFF0000, 0x00050000 | 1, 0x00050000 | 38  # EPERM, ENOSYS
    refused = [numbers[name] for name in ("fork", "vfork", "connect", "kill") if name in numbers]
    checks: list[tuple[int, int, int, int]] = [
        (load, 0, 0, 4),
        (equals, 1, 0, architecture),
        (leave, 0, 0, allow),
        (load, 0, 0, 0),
        (equals, 0, 1, numbers["clone3"]),
        (leave, 0, 0, missing),
    ]
    for number in refused:
        checks += [(equals, 0, 1, number), (leave, 0, 0, refuse)]
    checks += [
        (equals, 0, 3, numbers["clone"]),
        (load, 0, 0, 16),
        (any_bit, 1, 0, _CLONE_THREAD),
        (leave, 0, 0, refuse),
        (leave, 0, 0, allow),
    ]
    return b"".join(struct.pack("HBBI", *check) for check in checks)
