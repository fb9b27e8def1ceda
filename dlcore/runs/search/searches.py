"""Hyperparameter searches: many short trials of one model, compared by a validation metric.

A search is a folder, `$DLCORE_HOME/searches/<id>`: its config, its trials in Optuna's journal, and the checkpoint of
each running trial. The launcher starts its workers, which wait in the queue like those of a run. No trial sees test
data: train the best params as an ordinary run to measure them.
"""

import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from dlcore.core import settings
from dlcore.core.errors import RequestError, RunError
from dlcore.runs import folder as folders
from dlcore.runs.folder import RunFolder, read_json, translate_errors, write_atomic, write_json
from dlcore.runs.record import ACTIVE, State
from dlcore.runs.search.state import read_state, set_state
from dlcore.runs.search.study import Trial, open_study
from dlcore.runs.worker import launcher, queue

if TYPE_CHECKING:
    from dlcore.projects.project import RunConfig
    from dlcore.projects.search_space import SearchParameter

MAX_TRIALS, MAX_WORKERS = 500, 16
FORMAT = 2


@dataclass(frozen=True)
class Search:
    """A search at one moment.

    `mode` says which direction of `metric` is better, `reason` why the search stopped. `trials` are those that started,
    `n_trials` is how many there will be.
    """

    search_id: str
    config: "RunConfig"
    search_space: "tuple[SearchParameter, ...]"
    n_trials: int
    workers: int
    metric: str
    mode: Literal["min", "max"]
    prune: bool
    created: float
    state: State
    reason: str
    pid: int | None
    trials: tuple[Trial, ...]

    @property
    def is_active(self) -> bool:
        """Whether the search runs or is queued."""
        return self.state in ACTIVE

    @property
    def n_finished(self) -> int:
        """Number of trials that are complete, pruned or failed."""
        return sum(trial.state != "running" for trial in self.trials)

    @property
    def best(self) -> Trial | None:
        """The best complete trial; None before the first."""
        complete = [trial for trial in self.trials if trial.state == "complete" and trial.value is not None]
        sign = 1 if self.mode == "max" else -1
        return max(complete, key=lambda trial: (sign * (trial.value or 0.0), -trial.number), default=None)

    @property
    def has_mixed_validation(self) -> bool:
        """Whether trials used different validation samples, so that their values are not quite comparable."""
        return len({trial.validation_hash for trial in self.trials if trial.validation_hash}) > 1

    def as_json(self) -> dict[str, Any]:
        """Return a plain dict with all trials."""
        best = self.best
        return {
            "search_id": self.search_id,
            "project": self.config.project,
            "model": self.config.model,
            "dataset": self.config.dataset,
            "preset": self.config.preset,
            "seed": self.config.seed,
            "device": self.config.device,
            "epochs": self.config.training.epochs,
            "state": self.state,
            "reason": self.reason,
            "metric": self.metric,
            "mode": self.mode,
            "n_trials": self.n_trials,
            "n_finished": self.n_finished,
            "workers": self.workers,
            "pid": self.pid,
            "search_space": [str(parameter) for parameter in self.search_space],
            "best": best.as_json() if best else None,
            "trials": [trial.as_json() for trial in self.trials],
        }


def create(
    config: "RunConfig",
    search_space: "Sequence[SearchParameter]",
    *,
    n_trials: int = 20,
    workers: int = 1,
    prune: bool = True,
) -> Search:
    """Create a search around a config, queued but not started; the params of its first trial are the config's.

    Raises:
        RequestError: the search space is empty, or `n_trials` or `workers` is out of range.
        DeviceError: the device is not on this machine.
        StoreError: the folder cannot be written.
    """
    from dlcore.projects.search_space import goal

    _check(search_space, n_trials, workers)
    config = _resolve_devices(config, workers)
    metric = goal(config.project)
    search_id = f"{folders.SEARCH}{uuid.uuid4().hex}"
    folder = folders.of_run(search_id)
    stored = {
        "format": FORMAT,
        "config": config.model_dump(),
        "search_space": [parameter.as_json() for parameter in search_space],
        "n_trials": n_trials,
        "workers": workers,
        "metric": metric.metric,
        "mode": metric.mode,
        "prune": prune,
        "created": time.time(),
        "device": config.device,
        "devices": workers,
    }
    try:
        with translate_errors(folder.path):
            folder.path.mkdir(parents=True)
        open_study(folder, stored).create(_base_params(config, search_space))
        set_state(search_id, "queued", "")
        with translate_errors(folder.path):
            write_json(folder.config, stored)  # last: a folder without a config is no search
    except BaseException:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    return open_search(search_id)


def start(search_id: str) -> Search:
    """Launch the workers of a queued search; return at once.

    Raises:
        RunError: the search is not queued, or has workers already.
    """
    search = open_search(search_id)
    if search.state != "queued" or search.pid:
        raise RunError(f"{_name(search)} is {search.state}: only a queued search without workers can be started.")
    return _launch(search)


def pause(search_id: str) -> Search:
    """Ask the workers to checkpoint their trials and exit; a queued search pauses at once.

    Raises:
        RunError: the search is neither queued nor running.
    """
    search = open_search(search_id)
    if not search.is_active:
        raise RunError(f"{_name(search)} is {search.state}: only a queued or running search can be paused.")
    folder = folders.of_run(search.search_id)
    with translate_errors(folder.path):
        write_atomic(folder.request, b"pause")
    if search.state == "queued":
        set_state(search.search_id, "paused", "paused while queued")
        queue.leave(search.search_id)
    return open_search(search.search_id)


def resume(search_id: str, *, n_trials: int | None = None) -> Search:
    """Continue a search: running trials from their checkpoints, then new ones; `n_trials` extends it.

    Raises:
        RunError: the search is active, or all its trials are finished.
        RequestError: `n_trials` is out of range.
    """
    search = open_search(search_id)
    if search.is_active:
        raise RunError(f"{_name(search)} is {search.state}: pause it first.")
    total, started = search.n_trials if n_trials is None else n_trials, len(search.trials)
    if not started <= total <= MAX_TRIALS:
        raise RequestError(f"trials={total} is out of range: choose {started} (already started) to {MAX_TRIALS}.")
    if search.n_finished >= total:
        raise RunError(f"{_name(search)} finished all {search.n_trials} trials: ask for more with --trials N.")
    launcher.check()
    folder = folders.of_run(search.search_id)
    with translate_errors(folder.path):
        write_json(folder.config, {**read_json(folder.config), "n_trials": total})
    set_state(search.search_id, "queued", "")
    return _launch(open_search(search.search_id))


def delete(search_id: str) -> Search:
    """Delete a search that is not active, with its trials; runs trained from it stay.

    Raises:
        RunError: the search is active.
    """
    search = open_search(search_id)
    if search.state == "running" or (search.state == "queued" and search.pid):
        raise RunError(f"{_name(search)} is {search.state}: pause it first, then delete it.")
    queue.leave(search.search_id)
    shutil.rmtree(folders.of_run(search.search_id).path, ignore_errors=True)
    return search


def open_search(search_id: str) -> Search:
    """Return a search by its id, or by a unique prefix of it, with or without `search-`.

    Raises:
        RunError: no search, or more than one, has that prefix.
    """
    prefix = search_id.removeprefix(folders.SEARCH)
    matches = [
        path for path in _config_files() if prefix and path.parent.name.removeprefix(folders.SEARCH).startswith(prefix)
    ]
    if len(matches) != 1:
        hint = "several ids start so: type more of it" if matches else "'dlcore search list' shows them all"
        raise RunError(f"there is no search '{search_id[:50]}': {hint}.")
    return _read(RunFolder(matches[0].parent))


def list_searches(project: str | None = None, *, limit: int = 50) -> list[Search]:
    """Return the newest searches of one project or all."""
    folders_by_time = [
        (float(stored.get("created", 0.0)), folder)
        for folder, stored in _stored_configs()
        if project is None or stored["config"].get("project") == project
    ]
    folders_by_time.sort(key=lambda pair: pair[0], reverse=True)
    return [_read(folder) for _, folder in folders_by_time[:limit]]


def active() -> list[Search]:
    """Return the queued and running searches, newest first; reads no trials if there are none."""
    searches = [_read(folder) for folder, _ in _stored_configs() if read_state(folder)[0] in ACTIVE]
    return sorted(searches, key=lambda search: -search.created)


def wait(search_id: str, *, timeout: float) -> Search:
    """Wait until the search is not active, at most `timeout` seconds; return it."""
    deadline = time.monotonic() + timeout
    while (search := open_search(search_id)).is_active and time.monotonic() < deadline:
        time.sleep(0.3)
    return search


def best_config(search: Search) -> "RunConfig":
    """Return the config of the best trial, to be trained as an ordinary run.

    Raises:
        RunError: no trial is complete.
    """
    from dlcore import projects
    from dlcore.training.config import TrainingConfig

    if search.best is None:
        raise RunError(f"{_name(search)} has no complete trial yet: wait for the first.")
    defaults = {"gradient_every": TrainingConfig().gradient_every}
    return projects.with_settings(search.config, {**defaults, **search.best.params})


def importances(search: Search) -> dict[str, float]:
    """Return the importance of each parameter, 0 to 1, largest first; empty with too few trials."""
    return open_study(folders.of_run(search.search_id)).importances()


def _launch(search: Search) -> Search:
    folder = folders.of_run(search.search_id)
    if launcher.executor_name() == "local":
        queue.join(search.search_id, search.config.device, devices=search.workers)
    launcher.launch(search.search_id, folder)
    return open_search(search.search_id)


def _read(folder: RunFolder) -> Search:
    from dlcore import projects

    stored = read_json(folder.config)
    if stored.get("format") != FORMAT:
        raise RunError(f"{folder.config} was written by another version: delete its folder.")
    state, reason, pid = read_state(folder)
    study = open_study(folder, stored)
    return Search(
        search_id=folder.path.name,
        config=projects.load_config(stored["config"]),
        search_space=study.config.search_space,
        n_trials=stored["n_trials"],
        workers=stored["workers"],
        metric=stored["metric"],
        mode=stored["mode"],
        prune=stored["prune"],
        created=stored["created"],
        state=state,
        reason=reason,
        pid=pid,
        trials=tuple(study.trials()),
    )


def _config_files() -> "list[folders.Path]":
    return list((settings.home() / "searches").glob(f"{folders.SEARCH}*/config.json"))


def _stored_configs() -> Iterator[tuple[RunFolder, dict[str, Any]]]:
    """Yield the folder and config of each search of this version."""
    for path in _config_files():
        stored = read_json(path)
        if stored.get("format") == FORMAT:
            yield RunFolder(path.parent), stored


def _base_params(config: "RunConfig", search_space: "Sequence[SearchParameter]") -> dict[str, Any]:
    """Return the config's values of the searched parameters, without those outside their range."""
    from dlcore.projects.search_space import flat_settings, format_choice

    values = flat_settings(config)
    return {
        parameter.name: (
            format_choice(values[parameter.name]) if parameter.kind == "choice" else values[parameter.name]
        )
        for parameter in search_space
        if parameter.holds(values[parameter.name])
    }


def _check(search_space: "Sequence[SearchParameter]", n_trials: int, workers: int) -> None:
    if not search_space:
        raise RequestError("the search space is empty: name a setting, for example learning_rate=1e-4..1e-1.")
    if not 2 <= n_trials <= MAX_TRIALS:
        raise RequestError(f"trials={n_trials} is out of range: choose 2 to {MAX_TRIALS}.")
    if not 1 <= workers <= MAX_WORKERS:
        raise RequestError(f"workers={workers} is out of range: choose 1 to {MAX_WORKERS}.")


def _resolve_devices(config: "RunConfig", workers: int) -> "RunConfig":
    """Return the config of a trial: one device, without gradient recording."""
    from dlcore import projects
    from dlcore.core import devices

    is_local = launcher.executor_name() == "local"
    if is_local:
        config = config.model_copy(update={"device": devices.resolve(config.device)})
    config = projects.with_settings(config, {"devices": 1, "gradient_every": 0})
    if is_local and config.device.startswith("cuda") and workers > 1:
        n_gpus = sum(device.name.startswith("cuda:") for device in devices.available())
        if workers > max(1, n_gpus):
            raise RequestError(f"workers={workers}, but this machine has {n_gpus} GPUs: each worker needs one.")
        config = config.model_copy(update={"device": "cuda:0"})
    return config


def _name(search: Search) -> str:
    return f"search {search.search_id.removeprefix(folders.SEARCH)[:8]}"
