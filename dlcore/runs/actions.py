"""What can be done to a run: create, start, pause, resume, stop, fork, delete."""

import shutil
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from dlcore.core.errors import RunError, WorkbenchError
from dlcore.runs import folder as folders
from dlcore.runs import store
from dlcore.runs.folder import Command, translate_errors, write_atomic, write_json
from dlcore.runs.record import ACTIVE, RESUMABLE, Record
from dlcore.runs.run import Run, open_run
from dlcore.runs.worker import launcher, queue

if TYPE_CHECKING:
    from dlcore.projects.project import RunConfig


def create(config: "RunConfig", *, parent: str = "") -> Record:
    """A new run in the store, queued, not started.

    Raises:
        ConfigError: a setting is unknown or out of bounds.
        DeviceError: the device is not on this machine.
        StoreError: the store cannot be written.
    """
    from dlcore import projects
    from dlcore.core import devices

    config = projects.load_config(config.model_dump())
    if launcher.executor_name() == "local":  # elsewhere the machine that will run it decides
        config = config.model_copy(update={"device": devices.resolve(config.device)})
    training = config.training
    about = {
        "project": config.project,
        "model": config.model,
        "dataset": config.dataset,
        "preset": config.preset,
        "seed": config.seed,
        "device": config.device,
        "epochs": training.epochs,
        "batch_size": training.batch_size,
        "parent": parent,
    }
    run_id = store.create(
        config.project,
        f"{config.model} seed {config.seed}",
        params=_flat(config),
        tags={"state": "queued", "reason": "", "about": store.as_tag(about)},
    )
    folder = folders.of_run(run_id)
    try:
        with translate_errors(folder.path):
            folder.path.mkdir(parents=True, exist_ok=True)
            write_atomic(folder.config, config.model_dump_json(indent=1).encode())
            if parent:
                write_json(folder.path / "parent.json", {"parent": parent})
        store.keep_json(run_id, config.model_dump(), "config.json")
    except WorkbenchError:
        _forget(run_id)
        raise
    return open_run(run_id).record


def start(run_id: str) -> Record:
    """Launch a worker process of its own for a queued run; comes back at once.

    Raises:
        RunError: the run is not queued, or was started already.
    """
    run = open_run(run_id)
    record = run.record
    if record.state != "queued" or record.pid:
        raise RunError(f"run {run.run_id} is {record.state}: only a queued run that no worker has yet can be started.")
    return _launch(run)


def pause(run_id: str) -> Record:
    """Ask the worker to checkpoint and go; a run still waiting is paused at once.

    Raises:
        RunError: the run is neither queued nor running.
    """
    return _ask(run_id, "pause")


def stop(run_id: str) -> Record:
    """Ask the worker to end here and leave a bundle of the best epoch so far; a run still waiting is stopped at once,
    one that is paused or interrupted gets a worker that measures its best epoch.

    Raises:
        RunError: the run has ended already.
    """
    run = open_run(run_id)
    record = run.record
    if record.state in ("paused", "interrupted") and record.best is not None:
        store.set_state(run.run_id, "queued", "")
        return _launch(run, wish="conclude")
    return _ask(run_id, "stop")


def resume(run_id: str) -> Record:
    """Queue a paused, stopped, interrupted or failed run again; it goes on from its last checkpoint.

    Raises:
        RunError: the run is going on, or finished.
    """
    run = open_run(run_id)
    state = run.record.state
    if state not in RESUMABLE:
        hint = "fork it to train it differently" if state == "finished" else "pause or stop it first"
        raise RunError(f"run {run.run_id} is {state}, there is nothing to resume: {hint}.")
    launcher.check()
    store.set_state(run.run_id, "queued", "")
    return _launch(run)


def fork(ref: str, settings: Mapping[str, Any]) -> Record:
    """A new run of the same config with some settings (flat names) changed, from the start; queued, not started.

    Raises:
        ConfigError: a setting is unknown or out of bounds.
    """
    from dlcore import projects

    run = open_run(ref)
    return create(projects.with_settings(run.config, settings), parent=run.run_id)


def delete_run(run_id: str) -> None:
    """Remove a run that is not active: its record, its folder.

    Raises:
        RunError: the run is going on, or came with the workbench.
    """
    run = _own(run_id)
    state = run.record.state
    if state == "running" or (state == "queued" and run.record.pid):
        raise RunError(f"run {run.run_id} is {state}: stop it first, then delete it.")
    _forget(run.run_id)


def wait(run_id: str, *, timeout: float | None = None, interval: float = 0.2) -> Record:
    """Wait until the run is neither queued nor running, at most `timeout` seconds; gives the last record seen."""
    run = open_run(run_id)
    deadline = None if timeout is None else time.monotonic() + timeout
    while (record := run.record).state in ACTIVE and (deadline is None or time.monotonic() < deadline):
        time.sleep(interval)
    return record


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


def _ask(run_id: str, wish: Command) -> Record:
    run = _own(run_id)
    record = run.record
    if record.state not in ACTIVE:
        raise RunError(f"run {run.run_id} is {record.state}: only a queued or running one can be asked to {wish}.")
    folder = folders.of_run(run.run_id)
    with translate_errors(folder.path):
        write_atomic(folder.request, wish.encode())
    if record.state == "queued":  # the worker, if there is one, sees the request and goes without a word
        store.set_state(run.run_id, "paused" if wish == "pause" else "stopped", f"{wish} asked for while it waited")
        queue.leave(run.run_id)
    return run.record


def _launch(run: Run, wish: Command | None = None) -> Record:
    config = run.config
    folder = folders.of_run(run.run_id)
    if launcher.executor_name() == "local":
        queue.join(run.run_id, config.device, devices=config.devices)
    launcher.launch(run.run_id, folder, wish=wish)
    return run.record


def _own(run_id: str) -> Run:
    run = open_run(run_id)
    if run.is_reference:
        raise RunError(f"{run.run_id} came with the workbench and stays as it is: fork it to get a run of your own.")
    return run


def _forget(run_id: str) -> None:
    queue.leave(run_id)
    store.delete(run_id)
    shutil.rmtree(folders.of_run(run_id).path, ignore_errors=True)


def _flat(config: "RunConfig") -> dict[str, Any]:
    """Every setting under its own name, for MLflow's table of params."""
    plain = config.model_dump(exclude={"training", "model_options", "data_options"})
    return {**plain, **config.training.model_dump(), **config.model_options, **config.data_options}
