"""Hyperparameter searches: many short trials of one model, compared by a validation metric.

A search is a folder, `$DLCORE_HOME/searches/<id>`: its config, its trials in Optuna's journal, and the checkpoint of
each running trial. The launcher starts its workers, which wait in the queue like those of a run. No trial sees test
data: train the best params as an ordinary run to measure them.
"""

import shutil
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import dlcore.runs.lifecycle as lifecycle
import dlcore.runs.local_store as local_store
from dlcore.core import cluster, quotas
from dlcore.core.errors import RequestError, RunError
from dlcore.runs.folder import SEARCH, RunFolder, of_run, read_json, translate_errors, write_json
from dlcore.runs.record import ACTIVE, State
from dlcore.runs.search.study import Trial, open_study
from dlcore.runs.worker import launcher

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
    def folder(self) -> RunFolder:
        """The folder of the search."""
        return of_run(self.search_id)

    @property
    def is_active(self) -> bool:
        """Whether the search runs or is queued."""
        return self.state in ACTIVE

    @property
    def is_pausing(self) -> bool:
        """Whether a command was sent to the workers that they have not obeyed yet."""
        return self.is_active and self.folder.read_command() is not None

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
    executor: str = "",
) -> Search:
    """Create a search around a config, queued but not started; the params of its first trial are the config's.

    Raises:
        RequestError: the search space is empty, or `n_trials` or `workers` is out of range.
        DeviceError: the device is not on this machine.
        StoreError: the folder cannot be written.
    """
    from dlcore.projects.search_space import goal

    _check(search_space, n_trials, workers)
    local_store.check_start()
    quotas.check_storage()
    executor = executor or cluster.default_executor()
    config = _resolve_devices(config, workers, is_local=executor == "local")
    metric = goal(config.project)
    folder = of_run(f"{SEARCH}{uuid.uuid4().hex}")
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
    }
    try:
        with translate_errors(folder.path):
            folder.path.mkdir(parents=True)
            write_json(folder.config, stored)
        open_study(folder).create(_base_params(config, search_space))
        lifecycle.write_state(folder, "queued", executor=executor)  # last: a folder without a state is not listed
    except BaseException:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    return _read(folder)


def start(search_id: str) -> Search:
    """Launch the workers of a queued search; return at once.

    Raises:
        RunError: the search is not queued, or has workers already.
    """
    search = open_search(search_id)
    lifecycle.start(search.folder, device=search.config.device, devices=search.workers)
    return _read(search.folder)


def pause(search_id: str) -> Search:
    """Ask the workers to checkpoint their trials and exit; a queued search pauses at once.

    Raises:
        RunError: the search is neither queued nor running.
    """
    folder = find(search_id)
    lifecycle.request(folder, "pause")
    return _read(folder)


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
    launcher.check(lifecycle.executor_of(search.folder))
    local_store.check_start()
    with translate_errors(search.folder.path):
        write_json(search.folder.config, {**read_json(search.folder.config), "n_trials": total})
    lifecycle.resume(search.folder, device=search.config.device, devices=search.workers)
    return _read(search.folder)


def delete(search_id: str) -> Search:
    """Delete a search that is not active, with its trials; runs trained from it stay.

    Raises:
        RunError: the search is active.
    """
    search = open_search(search_id)
    lifecycle.delete(search.folder)
    return search


def find(search_id: str) -> RunFolder:
    """Return the folder of a search by its id, or by a unique prefix of it, with or without `search-`.

    Raises:
        RunError: no search, or more than one, has that prefix.
    """
    prefix = search_id.removeprefix(SEARCH)
    matches = [
        folder for folder in local_store.searches() if prefix and folder.run_id.removeprefix(SEARCH).startswith(prefix)
    ]
    if len(matches) != 1:
        hint = "several ids start so: type more of it" if matches else "'dlcore search list' shows them all"
        raise RunError(f"there is no search '{search_id[:50]}': {hint}.")
    return matches[0]


def open_search(search_id: str) -> Search:
    """Return a search; see `find`."""
    return _read(find(search_id))


def list_searches(project: str | None = None) -> list[Search]:
    """Return the searches of one project or all, newest first; those of another version are left out."""
    stored = [(read_json(folder.config), folder) for folder in local_store.searches()]
    newest = sorted(
        (-config["created"], folder.run_id, folder)
        for config, folder in stored
        if config.get("format") == FORMAT and project in (None, config["config"]["project"])
    )
    return [_read(folder) for *_, folder in newest]


def active() -> list[Search]:
    """Return the queued and running searches, newest first; reads no trials if there are none."""
    is_active = any(lifecycle.live_state(folder).is_active for folder in local_store.searches())
    return [search for search in list_searches() if search.is_active] if is_active else []


def wait(search_id: str, *, timeout: float) -> Search:
    """Wait until the search is not active, at most `timeout` seconds; return it."""
    folder = find(search_id)
    lifecycle.wait(folder, timeout=timeout, interval=0.3)
    return _read(folder)


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
    return open_study(search.folder).importances()


def _read(folder: RunFolder) -> Search:
    from dlcore import projects

    stored = read_json(folder.config)
    if stored.get("format") != FORMAT:
        raise RunError(f"{folder.config} was written by another version: delete its folder.")
    live, study = lifecycle.live_state(folder), open_study(folder)
    return Search(
        search_id=folder.run_id,
        config=projects.load_config(stored["config"]),
        search_space=study.config.search_space,
        n_trials=stored["n_trials"],
        workers=stored["workers"],
        metric=stored["metric"],
        mode=stored["mode"],
        prune=stored["prune"],
        created=stored["created"],
        state=live.state,
        reason=live.reason,
        pid=live.pid,
        trials=tuple(study.trials()),
    )


def _base_params(config: "RunConfig", search_space: "Sequence[SearchParameter]") -> dict[str, Any]:
    """Return the config's values of the searched parameters, without those outside their range."""
    from dlcore.projects.search_space import format_choice

    values = config.flat
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


def _resolve_devices(config: "RunConfig", workers: int, *, is_local: bool) -> "RunConfig":
    """Return the config of a trial: one device, without gradient recording."""
    from dlcore import projects
    from dlcore.core import devices

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
    return f"search {search.search_id.removeprefix(SEARCH)[:8]}"
