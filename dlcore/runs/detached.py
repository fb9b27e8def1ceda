"""Starts Python processes that outlive this one."""

import os
import subprocess
import sys
import threading
from pathlib import Path

from dlcore.core import access, settings


def start(*arguments: str, log: Path) -> subprocess.Popen[bytes]:
    """Start `python -m ARGUMENTS` in a new session, for the same viewer and home; its output is added to `log`.

    Raises:
        OSError: the log cannot be written, or the process cannot be started.
    """
    path = os.pathsep.join(part for part in (str(settings.IMPORT_ROOT), os.environ.get("PYTHONPATH")) if part)
    places = {"PYTHONPATH": path, "DLCORE_HOME": str(settings.home().absolute())}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, **places, **access.environment()},
        )
    threading.Thread(target=process.wait, name="detached", daemon=True).start()  # else it stays as a zombie
    return process
