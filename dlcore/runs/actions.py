"""Create, start, pause, stop, resume, fork and delete runs."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import dlcore.runs.lifecycle as lifecycle
import dlcore.runs.local_store as local_store
from dlcore.core import access
from dlcore.core.errors import RunError
from dlcore.runs.folder import RunFolder, of_run, write_json
from dlcore.runs.record import ACTIVE, RESUMABLE, Record
from dlcore.runs.run import Run, open_run
from dlcore.runs.worker import launcher

if TYPE_CHECKING:
    from dlcore.projects.project import RunConfig


def create(
    config: "RunConfig", *, parent: str = "", tags: Mapping[str, str] | None = None, executor: str = ""
) -> Record:
    """A new run, queued, not started; `executor` is `local` or `slurm`, by default as `DLCORE_EXECUTOR` says.

    Raises:
        DeviceError: the device is not available on this machine, or not as often.
        RequestError: the quota of a shared server is used up.
        RunError: no worker can be started on this machine.
        StoreError: the run folder cannot be written.
    """
    from dlcore.core import cluster, devices

    executor = executor or cluster.default_executor()
    if executor == "local":  # elsewhere the machine that trains it decides
        if config.nodes > 1:
            launcher.check(nodes=config.nodes)
        config = config.model_copy(update={"device": devices.resolve(config.device)})
        devices.check_count(config.device, config.devices)
    local_store.check_start()
    with local_store.new_folder(config) as folder:
        record = Record.from_config(
            folder.run_id, config, parent=parent, created=time.time(), owner=access.current().name
        )
        lifecycle.update_state(folder, **record.as_state(), tags=dict(tags or {}), executor=executor)
    return record


def start(run_id: str) -> Record:
    """Launch the worker process of a queued run; returns at once.

    Raises:
        RunError: the run is not queued, or has a worker already.
    """
    run = open_run(run_id)
    lifecycle.start(_folder(run), **_devices(run))
    return run.record


def pause(run_id: str) -> Record:
    """Ask the worker to write a checkpoint and exit; a run that still waits is paused at once.

    Raises:
        RunError: the run is neither queued nor running.
    """
    run = _local(run_id)
    lifecycle.request(_folder(run), "pause")
    return run.record


def stop(run_id: str) -> Record:
    """Ask the worker to stop training and write a bundle of the best epoch so far.

    A run that still waits is stopped at once; a paused or interrupted one gets a worker that evaluates its best epoch.

    Raises:
        RunError: the run has ended already.
    """
    run = _local(run_id)
    record = run.record
    if record.state in ("paused", "interrupted") and record.best is not None:
        lifecycle.resume(_folder(run), **_devices(run), command="conclude")
    else:
        lifecycle.request(_folder(run), "stop")
    return run.record


def resume(run_id: str, *, devices: int | None = None, nodes: int | None = None) -> Record:
    """Queue a paused, stopped, interrupted or failed run again; it continues from its last checkpoint.

    `devices` and `nodes` share the batches of the remaining steps; by default as many as before.

    Raises:
        ConfigError: the batches are too small to be shared by that number of devices.
        RunError: the run is active, or finished.
    """
    run = open_run(run_id)
    state = run.record.state
    if state not in RESUMABLE:
        hint = "fork it to train it differently" if state == "finished" else "pause or stop it first"
        raise RunError(f"run {run.run_id} is {state}, there is nothing to resume: {hint}.")
    lifecycle.require_owner(_folder(run))
    local_store.check_start()
    if devices or nodes:
        _share(run, devices=devices or run.config.devices, nodes=nodes or run.config.nodes)
        run = open_run(run_id)
    lifecycle.resume(_folder(run), **_devices(run))
    return run.record


def _share(run: Run, *, devices: int, nodes: int) -> None:
    """Change by how many devices a run is trained."""
    from dlcore import projects
    from dlcore.projects import registry

    config = projects.load_config({**run.config.model_dump(mode="json"), "devices": devices, "nodes": nodes})
    registry.check_share(config)
    write_json(_folder(run).config, config.model_dump(mode="json"))


def fork(ref: str, settings: Mapping[str, Any], *, executor: str = "") -> Record:
    """A new run of the same config with some settings (flat names) changed; queued, not started.

    Raises:
        ConfigError: a setting is unknown or out of bounds.
    """
    from dlcore import projects

    run = open_run(ref)
    return create(projects.with_settings(run.config, settings), parent=run.run_id, executor=executor)


def delete_run(run_id: str) -> None:
    """Remove a run that is not active.

    Raises:
        RunError: the run is active, or came with the workbench.
    """
    lifecycle.delete(_folder(_local(run_id)))


def wait(run_id: str, *, timeout: float | None = None, interval: float = 0.2) -> Record:
    """Wait until the run is neither queued nor running, at most `timeout` seconds; returns the last record seen."""
    run = open_run(run_id)
    if not run.is_reference:
        lifecycle.wait(_folder(run), timeout=timeout, interval=interval)
    return run.record


def follow(run_id: str, on_change: Callable[[Record], None]) -> Record:
    """Wait until the run has ended; call `on_change` at every new state and epoch. Returns the last record."""
    last = ("", 0)
    while True:
        record = wait(run_id, timeout=0.5)
        if (record.state, record.epoch) != last:
            last = (record.state, record.epoch)
            on_change(record)
        if record.state not in ACTIVE:
            return record


def _folder(run: Run) -> RunFolder:
    return of_run(run.run_id)


def _devices(run: Run) -> dict[str, Any]:
    config = run.config
    return {"device": config.device, "devices": config.devices, "nodes": config.nodes}


def _local(run_id: str) -> Run:
    run = open_run(run_id)
    if run.is_reference:
        raise RunError(f"{run.run_id} came with the workbench and is read-only: fork it to get an editable copy.")
    return run
