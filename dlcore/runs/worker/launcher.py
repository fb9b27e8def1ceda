"""Starts a worker that outlives the process that requested it.

`launch` starts `python -m dlcore.runs` in a new session, and that process submits the worker to submitit: so
neither Ctrl-C in the terminal nor `kill -9` of the server reaches the worker (submitit's local executor would leave it
in the caller's process group).
"""

import importlib.util
import os
import shutil
import sys
import time
import uuid
from dataclasses import asdict

import dlcore.runs.locks as locks
from dlcore.core import cluster
from dlcore.core.errors import RunError
from dlcore.runs import detached
from dlcore.runs.folder import Command, RunFolder, translate_errors, write_atomic, write_json
from dlcore.runs.worker import liveness

WORKERS = "DLCORE_WORKERS"
"""Environment variable: `service` leaves starting workers to `dlcore worker`."""
_IN_FOREGROUND = "train in the foreground (--bundle DIR)"


def check(executor: cluster.Executor | str = "local", *, nodes: int = 1) -> None:
    """Check that workers can be started from this machine, on `nodes` machines of a cluster.

    Raises:
        RunError: the system has no POSIX processes and locks, submitit is not installed, or there is no cluster.
        ConfigError: a setting of the cluster is out of bounds.
    """
    if nodes > 1 and executor == "local":
        raise RunError(f"nodes={nodes}: several machines need a cluster, and this is one: use devices instead.")
    if sys.platform == "win32" or not locks.survive_kills():
        raise RunError(f"background workers need Linux or macOS: {_IN_FOREGROUND}, or use WSL.")
    if importlib.util.find_spec("submitit") is None:
        raise RunError(
            "submitit is not installed, so no run can be trained in the background: "
            f"pip install -r requirements.txt, or {_IN_FOREGROUND}."
        )
    if executor == "slurm":
        cluster.load()
        if shutil.which("sbatch") is None:
            raise RunError(
                "sbatch is not installed: submit from a machine of the cluster, or set DLCORE_EXECUTOR=local."
            )


def launch(
    folder: RunFolder,
    *,
    device: str,
    devices: int = 1,
    nodes: int = 1,
    executor: str = "local",
    command: Command | None = None,
) -> None:
    """Start the worker of that folder; returns at once. The worker finds `command` as its first command.

    A job of an earlier launch that is still in the queue of the cluster is cancelled.

    Raises:
        StoreError: the folder cannot be written.
    """
    worker = liveness.WorkerInfo(
        token=uuid.uuid4().hex,
        launched=time.time(),
        executor=executor,
        device=device,
        devices=devices,
        nodes=nodes,
    )
    liveness.cancel_job(folder)
    with translate_errors(folder.path):
        folder.request.unlink(missing_ok=True)
        if command:
            write_atomic(folder.request, command.encode())
        write_json(folder.worker, asdict(worker))
    if os.environ.get(WORKERS) != "service":  # else `dlcore worker` does it
        spawn(folder, worker.token)


def spawn(folder: RunFolder, token: str) -> None:
    """Start the process that submits the worker of a launch.

    Raises:
        StoreError: the folder cannot be written.
    """
    with translate_errors(folder.path):
        detached.start("dlcore.runs", folder.run_id, token, log=folder.log)
