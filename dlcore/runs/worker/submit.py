"""The process between a request and a worker: submits the worker to submitit, locally or on a Slurm cluster."""

import os
import traceback
from pathlib import Path
from typing import Any

from dlcore.core import cluster
from dlcore.core.errors import one_line
from dlcore.runs.folder import RunFolder, of_run, write_json
from dlcore.runs.lifecycle import write_state
from dlcore.runs.worker import liveness, worker

LOCAL_MINUTES = 60 * 24 * 365
SIGNAL_SECONDS = 90
"""Time between Slurm's warning and the time limit of a job; at most a third of the limit."""


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
    executor.update_parameters(
        name=f"dlcore-{folder.run_id[:8]}",
        nodes=info.nodes,
        tasks_per_node=info.devices,
        timeout_min=LOCAL_MINUTES,
        stderr_to_stdout=True,
    )
    if info.executor == "slurm":
        _leave_job()
        executor.update_parameters(**_slurm_parameters(cluster.load(), info, folder.log))
    job = executor.submit(worker.main, folder.run_id, token, os.environ.get("CUDA_VISIBLE_DEVICES"))
    if info.executor == "slurm":
        write_json(folder.job, {"job_id": job.job_id, "token": token})


def _leave_job() -> None:
    """Forget the job that this process belongs to: a job submitted from it would inherit its options."""
    for name in list(os.environ) if "SLURM_JOB_ID" in os.environ else ():
        if name.startswith(("SLURM_", "SLURMD_", "SRUN_")) and name != "SLURM_CONF":
            del os.environ[name]


def _slurm_parameters(options: cluster.ClusterSettings, info: liveness.WorkerInfo, log: Path) -> dict[str, Any]:
    """Options of the job in submitit's words; what Slurm says goes to the log of the run."""
    gpus = max(options.gpus, info.devices if info.device.startswith("cuda") else 0)
    values = {
        "timeout_min": options.minutes,
        "slurm_partition": options.partition,
        "slurm_account": options.account,
        "mem_gb": options.memory_gb,
        "cpus_per_task": options.cpus,
        "gpus_per_node": gpus,
        "slurm_signal_delay_s": min(SIGNAL_SECONDS, 60 * options.minutes // 3),
        "slurm_srun_args": ["--output", str(log), "--open-mode=append"],
        "slurm_additional_parameters": {"output": str(log), "requeue": True, **options.extra},
    }
    return {name: value for name, value in values.items() if value}
