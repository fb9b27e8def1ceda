"""The process between a request and a worker: submits the worker to submitit, locally or on a Slurm cluster."""

import os
import traceback

from dlcore.core.errors import one_line
from dlcore.runs.folder import RunFolder, of_run
from dlcore.runs.lifecycle import write_state
from dlcore.runs.worker import liveness, worker

LOCAL_MINUTES = 60 * 24 * 365
SLURM_MINUTES = 60 * 24


def main(run_id: str, token: str) -> None:
    """Submit the worker; if that fails, the run is marked as failed."""
    folder = of_run(run_id)
    try:
        _submit(folder, token)
    except Exception as error:
        traceback.print_exc()
        write_state(folder, "failed", f"code: the worker could not be started: {one_line(error)}")
        folder.worker.unlink(missing_ok=True)


def _submit(folder: RunFolder, token: str) -> None:
    import submitit

    info = liveness.read(folder)
    if info is None:
        raise FileNotFoundError(f"{folder.worker} is missing or unreadable")
    executor = submitit.AutoExecutor(folder=folder.path / "submitit", cluster=info.executor)
    minutes = os.environ.get("DLCORE_SLURM_MINUTES", SLURM_MINUTES)
    executor.update_parameters(
        name=f"dlcore-{folder.run_id[:8]}",
        nodes=info.nodes,
        tasks_per_node=info.devices,
        timeout_min=LOCAL_MINUTES if info.executor == "local" else int(minutes),
        stderr_to_stdout=True,
    )
    if info.executor == "slurm":
        executor.update_parameters(gpus_per_node=info.devices if info.device.startswith("cuda") else 0)
        if partition := os.environ.get("DLCORE_SLURM_PARTITION"):
            executor.update_parameters(slurm_partition=partition)
    executor.submit(worker.main, folder.run_id, token, os.environ.get("CUDA_VISIBLE_DEVICES"))
