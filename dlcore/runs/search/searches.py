"""Searches over settings: many short trainings of one model, each told from the others by validation alone.

A search is a folder, `$DLCORE_HOME/searches/<id>`: what was asked for, the trials in Optuna's SQLite tables, and the
checkpoint of each trial under way. Its workers are started by the launcher and wait in the queue like those of a run.
No trial looks at test data: whoever wants to know what the best one is worth trains it as an ordinary run.
"""

import shutil
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from dlcore.core import settings
from dlcore.core.errors import RequestError, RunError
from dlcore.runs import folder as folders
from dlcore.runs.folder import RunFolder, read_json, translate_errors, write_atomic, write_json
from dlcore.runs.record import ACTIVE, State
from dlcore.runs.search.study import Plan, Study, Trial, release
from dlcore.runs.worker import launcher, liveness, queue

if TYPE_CHECKING:
    from dlcore.projects.project import RunConfig
    from dlcore.projects.search_space import SearchParameter

MOST_TRIALS, MOST_WORKERS = 500, 16
FORMAT = 1


@dataclass(frozen=True)
class Search:
    """A search at one moment. `mode` says which way `metric` is better; `reason` why it stands still, where it does."""

    search_id: str
    config: "RunConfig"
    knobs: "tuple[SearchParameter, ...]"
    trials: int
    workers: int
    metric: str
    mode: Literal["min", "max"]
    prune: bool
    created: float
    state: State
    reason: str
    pid: int | None
    attempts: tuple[Trial, ...]

    @property
    def is_active(self) -> bool:
        """Whether it runs or waits."""
        return self.state in ACTIVE

    @property
    def done(self) -> int:
        """How many trials came to their end."""
        return sum(attempt.state != "running" for attempt in self.attempts)

    @property
    def best(self) -> Trial | None:
        """The best of those that came to their full length; None before the first."""
        whole = [one for one in self.attempts if one.state == "finished" and one.value is not None]
        sign = 1 if self.mode == "max" else -1
        return max(whole, key=lambda one: (sign * (one.value or 0.0), -one.number), default=None)

    @property
    def uneven(self) -> bool:
        """Whether trials were validated on different samples, so that their figures are not quite of one measure."""
        return len({one.validated_on for one in self.attempts if one.validated_on}) > 1

    def as_json(self) -> dict[str, Any]:
        """A plain dict, the trials in it."""
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
            "trials": self.trials,
            "done": self.done,
            "workers": self.workers,
            "pid": self.pid,
            "knobs": [str(knob) for knob in self.knobs],
            "best": best.as_json() if best else None,
            "attempts": [one.as_json() for one in self.attempts],
        }


def create(
    config: "RunConfig", knobs: "Sequence[SearchParameter]", *, trials: int = 20, workers: int = 1, prune: bool = True
) -> Search:
    """A new search around a config, queued, not started; its first trial is the config as it stands.

    Raises:
        RequestError: no knob, or too few or too many trials or workers.
        DeviceError: the device is not on this machine.
        StoreError: the folder cannot be written.
    """
    from dlcore import projects
    from dlcore.core import devices
    from dlcore.projects import search_space as settings_searched

    _check(knobs, trials, workers)
    if launcher.executor_name() == "local":
        config = config.model_copy(update={"device": devices.resolve(config.device)})
    config = projects.with_settings(config, {"devices": 1, "gradient_every": 0})
    if config.device.startswith("cuda") and launcher.executor_name() == "local":
        config = config.model_copy(update={"device": "cuda:0" if workers > 1 else config.device})
        _check_gpus(workers)
    goal = settings_searched.goal(config.project)
    search_id = f"{folders.SEARCH}{uuid.uuid4().hex}"
    folder = folders.of_run(search_id)
    asked = {
        "format": FORMAT,
        "config": config.model_dump(),
        "knobs": [knob.as_json() for knob in knobs],
        "trials": trials,
        "workers": workers,
        "metric": goal.metric,
        "mode": goal.mode,
        "prune": prune,
        "created": time.time(),
        "device": config.device,
        "devices": workers,
    }
    now = config.flat
    first = {
        knob.name: settings_searched.format_choice(now[knob.name]) if knob.kind == "choice" else now[knob.name]
        for knob in knobs
        if knob.holds(now[knob.name])
    }
    try:
        with translate_errors(folder.path):
            folder.path.mkdir(parents=True)
        study_of(folder, asked).make(first)
        set_state(search_id, "queued", "")
        with translate_errors(folder.path):
            write_json(folder.config, asked)  # last: what has none is no search
    except BaseException:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    return open_search(search_id)


def start(search_id: str) -> Search:
    """Launch the workers of a queued search; comes back at once.

    Raises:
        RunError: it is not queued, or was started already.
    """
    search = open_search(search_id)
    if search.state != "queued" or search.pid:
        raise RunError(f"{_named(search)} is {search.state}: only a queued one that nobody works on can be started.")
    return _launch(search)


def pause(search_id: str) -> Search:
    """Ask the workers to checkpoint their trials and go; one that still waits is paused at once.

    Raises:
        RunError: it is neither queued nor running.
    """
    search = open_search(search_id)
    if not search.is_active:
        raise RunError(f"{_named(search)} is {search.state}: only one that runs or waits can be paused.")
    folder = folders.of_run(search.search_id)
    with translate_errors(folder.path):
        write_atomic(folder.request, b"pause")
    if search.state == "queued":
        set_state(search.search_id, "paused", "pause asked for while it waited")
        queue.leave(search.search_id)
    return open_search(search.search_id)


def resume(search_id: str, *, trials: int | None = None) -> Search:
    """Go on where it was: trials under way from their checkpoints, then those not begun; `trials` makes it longer.

    Raises:
        RunError: it is going on, or nothing is left to do.
        RequestError: too many trials, or fewer than there are.
    """
    search = open_search(search_id)
    if search.is_active:
        raise RunError(f"{_named(search)} is {search.state}: pause it first.")
    wanted = search.trials if trials is None else trials
    if wanted < len(search.attempts) or wanted > MOST_TRIALS:
        raise RequestError(f"trials={wanted} is refused: it must be {len(search.attempts)} (begun) to {MOST_TRIALS}.")
    if search.done >= wanted:
        raise RunError(f"{_named(search)} did all its {search.trials} trials: ask for more of them (--trials N).")
    launcher.check()
    folder = folders.of_run(search.search_id)
    with translate_errors(folder.path):
        write_json(folder.config, {**read_json(folder.config), "trials": wanted})
    set_state(search.search_id, "queued", "")
    return _launch(open_search(search.search_id))


def delete(search_id: str) -> Search:
    """Remove a search that is not active, with its trials; runs made from it stay.

    Raises:
        RunError: it is going on.
    """
    search = open_search(search_id)
    if search.state == "running" or (search.state == "queued" and search.pid):
        raise RunError(f"{_named(search)} is {search.state}: pause it first, then delete it.")
    folder = folders.of_run(search.search_id)
    queue.leave(search.search_id)
    release(folder.path)
    shutil.rmtree(folder.path, ignore_errors=True)
    return search


def open_search(search_id: str) -> Search:
    """The search of that id, or a unique beginning of one, with or without `search-`.

    Raises:
        RunError: there is none, or the beginning is not unique.
    """
    plain = search_id.removeprefix(folders.SEARCH)
    known = [path for path in _every() if path.name.removeprefix(folders.SEARCH).startswith(plain)] if plain else []
    if len(known) != 1:
        what = (
            "several searches begin so: give more of it" if known else "`python -m dlcore search list` names them all"
        )
        raise RunError(f"there is no search '{search_id[:50]}': {what}.")
    return _read(RunFolder(known[0]))


def list_searches(project: str | None = None, *, limit: int = 50) -> list[Search]:
    """Searches of one project or all, newest first, so many at the most; one of another version is left out."""
    found = []
    for path in _every():
        asked = read_json(path / "config.json")
        if asked.get("format") == FORMAT and (project is None or asked.get("config", {}).get("project") == project):
            found.append((float(asked.get("created", 0.0)), path))
    return [_read(RunFolder(path)) for _, path in sorted(found, reverse=True)[:limit]]


def active() -> list[Search]:
    """Those that run or wait, newest first; where none does, no trial is read."""
    going = [path for path in _every() if _state(RunFolder(path))[0] in ACTIVE]
    return sorted((_read(RunFolder(path)) for path in going), key=lambda search: -search.created)


def wait(search_id: str, *, timeout: float) -> Search:
    """Wait until it is neither queued nor running, at most so many seconds; gives it as it is then."""
    deadline = time.monotonic() + timeout
    while (search := open_search(search_id)).is_active and time.monotonic() < deadline:
        time.sleep(0.3)
    return search


def best_config(search: Search) -> "RunConfig":
    """The config of the best trial, ready to be trained as an ordinary run.

    Raises:
        RunError: no trial came to its end yet.
    """
    from dlcore import projects
    from dlcore.training.config import TrainingConfig

    if search.best is None:
        raise RunError(f"{_named(search)} has no finished trial yet: wait for its first.")
    usual = {"gradient_every": TrainingConfig().gradient_every}
    return projects.with_settings(search.config, {**usual, **search.best.settings})


def importances(search: Search) -> dict[str, float]:
    """How much each knob matters, 0 to 1, most first; empty where there are too few trials to tell."""
    folder = folders.of_run(search.search_id)
    return study_of(folder, read_json(folder.config)).importances()


def study_of(folder: RunFolder, asked: dict[str, Any]) -> Study:
    """The trials of the search in this folder, by what was asked for."""
    from dlcore.projects.search_space import SearchParameter

    config = asked["config"]
    plan = Plan(
        knobs=tuple(SearchParameter.from_json(knob) for knob in asked["knobs"]),
        trials=asked["trials"],
        mode=asked["mode"],
        seed=config["seed"],
        epochs=config["training"]["epochs"],
        prune=asked["prune"],
    )
    return Study(folder.path, plan)


def set_state(search_id: str, state: State, reason: str) -> None:
    """Write down how the search stands."""
    folder = folders.of_run(search_id)
    with translate_errors(folder.path):
        write_json(folder.path / "state.json", {"state": state, "reason": reason[:4000]})


def _launch(search: Search) -> Search:
    folder = folders.of_run(search.search_id)
    if launcher.executor_name() == "local":
        queue.join(search.search_id, search.config.device, devices=search.workers)
    launcher.launch(search.search_id, folder)
    return open_search(search.search_id)


def _read(folder: RunFolder) -> Search:
    from dlcore import projects
    from dlcore.projects.search_space import SearchParameter

    asked = read_json(folder.config)
    state, reason, pid = _state(folder)
    if asked.get("format") != FORMAT:
        raise RunError(f"{folder.config} was written by another version: delete its folder.")
    return Search(
        search_id=folder.path.name,
        config=projects.load_config(asked["config"]),
        knobs=tuple(SearchParameter.from_json(knob) for knob in asked["knobs"]),
        trials=asked["trials"],
        workers=asked["workers"],
        metric=asked["metric"],
        mode=asked["mode"],
        prune=asked["prune"],
        created=asked["created"],
        state=state,
        reason=reason,
        pid=pid,
        attempts=tuple(study_of(folder, asked).attempts()),
    )


def _state(folder: RunFolder) -> tuple[State, str, int | None]:
    """What is written, unless its process is gone: that is never believed from a file alone."""
    pid = 0
    for _ in range(2):  # it may have ended properly between the two looks
        told = read_json(folder.path / "state.json")
        state: State = told.get("state", "failed")
        worker = liveness.read(folder) if state in ACTIVE else None
        if worker is None:
            return state, told.get("reason", ""), None
        if liveness.is_alive(folder):
            return state, told.get("reason", ""), worker.pid or None
        pid = worker.pid
    return "interrupted", f"its process {pid} is gone (killed, or the machine went down): resume it.", None


def _every() -> "list[folders.Path]":
    return [path.parent for path in (settings.home() / "searches").glob(f"{folders.SEARCH}*/config.json")]


def _check(knobs: "Sequence[SearchParameter]", trials: int, workers: int) -> None:
    if not knobs:
        raise RequestError("a search needs something to turn: name a setting, for example learning_rate=1e-4..1e-1.")
    if not 2 <= trials <= MOST_TRIALS:
        raise RequestError(f"trials={trials} is refused: it must be a whole number from 2 to {MOST_TRIALS}.")
    if not 1 <= workers <= MOST_WORKERS:
        raise RequestError(f"workers={workers} is refused: it must be a whole number from 1 to {MOST_WORKERS}.")


def _check_gpus(workers: int) -> None:
    from dlcore.core import devices

    gpus = sum(device.name.startswith("cuda:") for device in devices.available())
    if workers > max(1, gpus):
        raise RequestError(f"workers={workers}, but there are {gpus} GPUs here: each worker takes one of its own.")


def _named(search: Search) -> str:
    return f"search {search.search_id.removeprefix(folders.SEARCH)[:8]}"
