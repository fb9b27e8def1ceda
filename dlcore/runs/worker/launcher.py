"""Starts a worker that outlives the process that requested it.

`launch` starts `python -m dlcore.runs` in a new session, and that process submits the worker to submitit: so
neither Ctrl-C in the terminal nor `kill -9` of the server reaches the worker (submitit's local executor would leave it
in the caller's process group).
"""

import importlib.util
import os
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import asdict

import dlcore.runs.locks as locks
from dlcore.core import settings
from dlcore.core.errors import RunError
from dlcore.runs.folder import Command, RunFolder, translate_errors, write_atomic, write_json
from dlcore.runs.worker import liveness

_IN_FOREGROUND = "train in the foreground (--bundle DIR)"


def executor_name() -> str:
    """Where workers run: `local`, or `slurm` by `DLCORE_EXECUTOR`."""
    return os.environ.get("DLCORE_EXECUTOR") or "local"


def check(*, nodes: int = 1) -> None:
    """Check that workers can be started on this machine, or `nodes` of them on a cluster.

    Raises:
        RunError: the system has no POSIX processes and locks, or submitit is not installed, or there is no cluster.
    """
    if nodes > 1 and executor_name() == "local":
        raise RunError(f"nodes={nodes}: several machines need a cluster, and this is one: use devices instead.")
    if sys.platform == "win32" or not locks.survive_kills():
        raise RunError(f"background workers need Linux or macOS: {_IN_FOREGROUND}, or use WSL.")
    if importlib.util.find_spec("submitit") is None:
        raise RunError(
            "submitit is not installed, so no run can be trained in the background: "
            f"pip install -r requirements.txt, or {_IN_FOREGROUND}."
        )


def launch(folder: RunFolder, *, device: str, devices: int = 1, nodes: int = 1, command: Command | None = None) -> None:
    """Start the worker of that folder; returns at once. The worker finds `command` as its first command.

    Raises:
        StoreError: the folder cannot be written.
    """
    worker = liveness.WorkerInfo(
        token=uuid.uuid4().hex,
        launched=time.time(),
        executor=executor_name(),
        device=device,
        devices=devices,
        nodes=nodes,
    )
    path = os.pathsep.join(part for part in (str(settings.IMPORT_ROOT), os.environ.get("PYTHONPATH")) if part)
    with translate_errors(folder.path):
        folder.request.unlink(missing_ok=True)
        if command:
            write_atomic(folder.request, command.encode())
        write_json(folder.worker, asdict(worker))
        with folder.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dlcore.runs", folder.run_id, worker.token],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": path, "DLCORE_HOME": str(settings.home().absolute())},
            )
    threading.Thread(target=process.wait, name="launched", daemon=True).start()
