"""Starts a worker that outlives whoever asked for it.

`launch` starts this module as a process in a session of its own, and that process hands the worker to submitit: so
neither Ctrl-C in the terminal nor `kill -9` of the server reaches the worker (submitit's local executor would leave it
in the caller's process group).
"""

import importlib.util
import os
import subprocess
import sys
import threading
import time
import traceback
import uuid
from dataclasses import asdict

from dlcore.core import settings
from dlcore.core.errors import RunError, one_line
from dlcore.runs import folder as folders
from dlcore.runs import store
from dlcore.runs.folder import Command, RunFolder, read_json, translate_errors, write_atomic, write_json
from dlcore.runs.worker import liveness

LOCAL_MINUTES = 60 * 24 * 365
SLURM_MINUTES = 60 * 24


def executor_name() -> str:
    """Where workers run: `local`, or `slurm` by `DLCORE_EXECUTOR`."""
    return os.environ.get("DLCORE_EXECUTOR") or "local"


def check() -> None:
    """Whether workers can be started at all.

    Raises:
        RunError: submitit is not installed.
    """
    if importlib.util.find_spec("submitit") is None:
        raise RunError(
            "submitit is not installed, so no run can go on in the background: pip install -r requirements.txt, "
            "or train in the foreground (--bundle DIR)."
        )


def launch(run_id: str, folder: RunFolder, *, wish: Command | None = None) -> None:
    """Start the run's worker, with a wish for it to find where there is one; comes back at once.

    Raises:
        RunError: submitit is not installed.
        StoreError: the run's folder cannot be written.
    """
    check()
    worker = liveness.WorkerInfo(token=uuid.uuid4().hex, launched=time.time(), executor=executor_name())
    path = os.pathsep.join(part for part in (str(settings.IMPORT_ROOT), os.environ.get("PYTHONPATH")) if part)
    with translate_errors(folder.path):
        folder.request.unlink(missing_ok=True)
        if wish:
            write_atomic(folder.request, wish.encode())
        write_json(folder.worker, asdict(worker))
        with folder.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dlcore.runs", run_id, worker.token],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": path, "DLCORE_HOME": str(settings.home().absolute())},
            )
    threading.Thread(target=process.wait, name="launched", daemon=True).start()


def main(run_id: str, token: str) -> None:
    """Hand the worker to submitit (in the process between)."""
    folder = folders.of_run(run_id)
    try:
        _submit(run_id, token, folder)
    except Exception as error:
        traceback.print_exc()
        reason = f"code: the worker could not be started: {one_line(error)}"
        if run_id.startswith(folders.SEARCH):
            from dlcore.runs.search import searches

            searches.set_state(run_id, "failed", reason)
        else:
            store.set_state(run_id, "failed", reason)
        folder.worker.unlink(missing_ok=True)


def _submit(run_id: str, token: str, folder: RunFolder) -> None:
    import submitit

    from dlcore.runs.worker import worker

    config = read_json(folder.config)
    devices, on_gpu = int(config.get("devices", 1)), str(config.get("device")).startswith("cuda")
    name = executor_name()
    executor = submitit.AutoExecutor(folder=folder.path / "submitit", cluster=name)
    executor.update_parameters(
        name=f"dlcore-{run_id[:8]}",
        tasks_per_node=devices,
        timeout_min=LOCAL_MINUTES if name == "local" else int(os.environ.get("DLCORE_SLURM_MINUTES", SLURM_MINUTES)),
        stderr_to_stdout=True,
    )
    if name == "slurm":
        executor.update_parameters(gpus_per_node=devices if on_gpu else 0)
        if partition := os.environ.get("DLCORE_SLURM_PARTITION"):
            executor.update_parameters(slurm_partition=partition)
    executor.submit(worker.main, run_id, token, os.environ.get("CUDA_VISIBLE_DEVICES"))
