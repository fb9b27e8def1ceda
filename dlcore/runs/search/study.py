"""The trials of a search in Optuna's tables: one SQLite file a search, in the search's own folder.

Nothing of Optuna is imported before it is needed, and nothing outside this module talks to it. A trial is taken under a
lock that the kernel lets go when its holder dies: so a trial whose worker was killed is taken up again, by one worker
alone, and none is ever done twice.
"""

import contextlib
import fcntl
import functools
import os
import sqlite3
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from dlcore.core.errors import StoreError, one_line
from dlcore.runs.folder import RunFolder, translate_errors

if TYPE_CHECKING:
    import optuna

    from dlcore.projects.search_space import SearchParameter

TrialState = Literal["running", "finished", "pruned", "failed"]
MOST_DEATHS = 3
"""A trial whose worker died so often (too little memory, say) is given up."""
_NAME = "search"
_SAMPLED_FIRST = (4, 10)
"""So many trials, at the least and at the most, are drawn at random before the sampler learns from what it saw."""
_COMPARED_FIRST = 4
"""No trial is ended early before so many others came to their end, nor in the first third of its epochs."""


@dataclass(frozen=True)
class Trial:
    """One trial of a search. `value` is the metric of the search at the epoch that was best by validation; `curve` its
    value after each epoch (from 1 on); `starts` how often a worker took it up; `validated_on` names the validation
    samples, alike where two trials were measured on the same ones."""

    number: int
    state: TrialState
    settings: Mapping[str, Any]
    value: float | None = None
    curve: Mapping[int, float] = field(default_factory=dict)
    best_epoch: int = 0
    seconds: float = 0.0
    starts: int = 0
    reason: str = ""
    validated_on: str = ""

    def as_json(self) -> dict[str, Any]:
        """A plain dict."""
        return {
            "number": self.number,
            "state": self.state,
            "settings": dict(self.settings),
            "value": self.value,
            "epochs": len(self.curve),
            "best_epoch": self.best_epoch,
            "duration_s": self.seconds,
            "starts": self.starts,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Plan:
    """What a study must know of its search: the knobs, how many trials, which way is better, and how to go about it."""

    knobs: "tuple[SearchParameter, ...]"
    trials: int
    mode: Literal["min", "max"]
    seed: int
    epochs: int
    prune: bool


class Study:
    """The study of the search in this folder."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder, self.plan = folder, plan

    def make(self, first: Mapping[str, Any]) -> None:
        """Make the tables, and put the trial `first` at the head: the settings as they stand.

        Raises:
            StoreError: the folder cannot be written.
        """
        file = self.folder / "trials.db"
        with translate_errors(file), _plain_errors(file):
            with contextlib.closing(sqlite3.connect(file, timeout=20)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")  # readers and a writer do not wait for each other
            import optuna

            ways = optuna.study.StudyDirection
            study = optuna.create_study(
                study_name=_NAME,
                storage=_storage(file, os.getpid()),
                direction=ways.MINIMIZE if self.plan.mode == "min" else ways.MAXIMIZE,
            )
            if first:
                study.enqueue_trial(dict(first))

    def attempts(self) -> list[Trial]:
        """Every trial that was begun, in order."""
        return [_attempt(trial) for trial in self._open().get_trials(deepcopy=False) if trial.state.name != "WAITING"]

    @contextlib.contextmanager
    def taken(self) -> "Iterator[ClaimedTrial | None]":
        """The next trial to work on, held inside the block: one that was left, else a new one; None where there is
        none to be had (all were begun, and those under way are in other hands)."""
        with contextlib.ExitStack() as held:
            with _locked(self.folder / "claims"):
                found = self._left(held) or self._new(held)
            yield found

    def importances(self) -> dict[str, float]:
        """How much of the difference between finished trials each knob explains, 0 to 1, most first (fANOVA, Hutter et
        al. 2014); empty where there are too few, or none differs."""
        study = self._open()
        values = {trial.value for trial in study.get_trials(deepcopy=False) if trial.state.name == "COMPLETE"}
        if len(values) < max(4, len(self.plan.knobs) + 1):
            return {}
        from optuna.importance import FanovaImportanceEvaluator, get_param_importances

        with contextlib.suppress(ValueError, RuntimeError):
            return {
                name: float(share)
                for name, share in get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0)).items()
            }
        return {}

    def _left(self, held: contextlib.ExitStack) -> "ClaimedTrial | None":
        """A trial that is under way in nobody's hands."""
        study = self._open()
        for trial in study.get_trials(deepcopy=False):
            if trial.state.name != "RUNNING":
                continue
            folder = self._folder_of(trial.number)
            lock = _try_lock(folder.path)
            if lock is None:
                continue
            held.enter_context(lock)
            if study._storage.get_trial(trial._trial_id).state.name == "RUNNING":  # it may have ended meanwhile
                return self._hold(study, trial._trial_id, folder)
        return None

    def _new(self, held: contextlib.ExitStack) -> "ClaimedTrial | None":
        """A trial that nobody began yet; the same whoever asks, by the search's seed and the trial's number."""
        study = self._open()
        begun = sum(trial.state.name != "WAITING" for trial in study.get_trials(deepcopy=False))
        if begun >= self.plan.trials:
            return None
        trial = study.ask()
        folder = self._folder_of(trial.number)
        lock = _try_lock(folder.path)
        assert lock is not None, "a new trial is in nobody's hands"
        held.enter_context(lock)
        return self._hold(study, trial._trial_id, folder)

    def _hold(self, study: "optuna.Study", trial_id: int, folder: RunFolder) -> "ClaimedTrial":
        import optuna

        number = study._storage.get_trial(trial_id).number
        study.sampler = self._sampler(number, 0)
        trial = optuna.trial.Trial(study, trial_id)
        _ = trial.relative_params  # drawn together, once there is something to learn from
        settings = {}
        for place, knob in enumerate(self.plan.knobs):
            study.sampler = self._sampler(number, place + 1)
            settings[knob.name] = _suggested(trial, knob)
        starts = int(trial.user_attrs.get("starts", 0)) + 1
        trial.set_user_attr("starts", starts)
        deaths = starts - 1 - int(trial.user_attrs.get("pauses", 0))
        return ClaimedTrial(study, trial, folder, settings, deaths)

    def _folder_of(self, number: int) -> RunFolder:
        path = self.folder / "trials" / str(number)
        with translate_errors(path):
            path.mkdir(parents=True, exist_ok=True)
        return RunFolder(path)

    def _sampler(self, number: int, place: int) -> "optuna.samplers.TPESampler":
        """Seeded for one trial and one knob of it, so that a kill between any two of them changes nothing."""
        import optuna

        low, high = _SAMPLED_FIRST
        seed = ((self.plan.seed * 1009 + number) * 1009 + place) % 2**32
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=min(high, max(low, self.plan.trials // 4)))

    def _open(self) -> "optuna.Study":
        import optuna

        plan, file = self.plan, self.folder / "trials.db"
        pruner = (
            optuna.pruners.MedianPruner(n_startup_trials=_COMPARED_FIRST, n_warmup_steps=max(2, plan.epochs // 3))
            if plan.prune
            else optuna.pruners.NopPruner()
        )
        with _plain_errors(file):
            return optuna.load_study(study_name=_NAME, storage=_storage(file, os.getpid()), pruner=pruner)


@dataclass
class ClaimedTrial:
    """A trial in this process's hands; `deaths` is how many workers died over it."""

    study: "optuna.Study"
    trial: "optuna.trial.Trial"
    folder: RunFolder
    settings: dict[str, Any]
    deaths: int
    begun: float = field(default_factory=time.monotonic)

    @property
    def number(self) -> int:
        """Counted from 0."""
        return self.trial.number

    def report(self, epoch: int, value: float) -> bool:
        """Tell the metric after an epoch (told already before a kill, it stays); gives whether to go no further."""
        known = self.study._storage.get_trial(self.trial._trial_id).intermediate_values
        if epoch not in known:
            self.trial.report(value, epoch)
        return bool(self.trial.should_prune())

    def value_at(self, epoch: int) -> float | None:
        """The metric after that epoch."""
        return self.study._storage.get_trial(self.trial._trial_id).intermediate_values.get(epoch)

    def note(self, about: Mapping[str, Any]) -> None:
        """Keep facts (JSON-able) beside the trial."""
        for name, value in about.items():
            self.trial.set_user_attr(name, value)

    def left(self) -> None:
        """Say that it was laid down on purpose."""
        self.note({"pauses": int(self.trial.user_attrs.get("pauses", 0)) + 1, "seconds": self._seconds()})

    def end(self, state: Literal["finished", "pruned", "failed"], value: float | None = None) -> None:
        """The trial's end, once and for all."""
        import optuna

        self.note({"seconds": self._seconds()})
        states = optuna.trial.TrialState
        if state == "finished":
            self.study.tell(self.trial, value, state=states.COMPLETE)
        else:
            self.study.tell(self.trial, state=states.PRUNED if state == "pruned" else states.FAIL)

    def _seconds(self) -> float:
        """In all the times that it was worked on, but for those that were killed."""
        return float(self.trial.user_attrs.get("seconds", 0.0)) + time.monotonic() - self.begun


def _suggested(trial: "optuna.trial.Trial", knob: "SearchParameter") -> Any:
    if knob.kind == "choice":
        return trial.suggest_categorical(knob.name, list(knob.choices))
    if knob.kind == "int":
        return trial.suggest_int(knob.name, int(knob.low), int(knob.high), log=knob.log)
    return trial.suggest_float(knob.name, knob.low, knob.high, log=knob.log)


def _attempt(trial: "optuna.trial.FrozenTrial") -> Trial:
    states: dict[str, TrialState] = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed"}
    about = trial.user_attrs
    state = states.get(trial.state.name, "running")
    curve = dict(sorted(trial.intermediate_values.items()))
    best = int(about.get("best_epoch", 0))
    return Trial(
        number=trial.number,
        state=state,
        settings=trial.params,
        value=trial.value if state == "finished" else curve.get(best),
        curve=curve,
        best_epoch=best,
        seconds=float(about.get("seconds", 0.0)),
        starts=int(about.get("starts", 0)),
        reason=str(about.get("reason", "")),
        validated_on=str(about.get("validated_on", "")),
    )


@functools.lru_cache(maxsize=64)
def _storage(file: Path, _process: int) -> "optuna.storages.BaseStorage":
    """One connection pool for each file and process."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():  # its tables use what SQLAlchemy will drop one day; that is theirs to mend
        warnings.simplefilter("ignore")
        return optuna.storages.RDBStorage(f"sqlite:///{file}", engine_kwargs={"connect_args": {"timeout": 30}})


def release(folder: Path) -> None:
    """Let go of a search's file before its folder is deleted."""
    _storage.cache_clear()


def fingerprint(parts: Sequence[bytes]) -> str:
    """A short name for a content."""
    import hashlib

    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time."""
    with translate_errors(path), path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _try_lock(folder: Path) -> IO[str] | None:
    """The trial's lock, held while the file is open; None where somebody has it."""
    file = (folder / "lock").open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


@contextlib.contextmanager
def _plain_errors(file: Path) -> Iterator[None]:
    """Turn what Optuna and SQLAlchemy throw into one line."""
    try:
        yield
    except (ImportError, ModuleNotFoundError) as error:
        raise StoreError("optuna is not installed, so nothing is searched: pip install -r requirements.txt.") from error
    except (OSError, StoreError):
        raise
    except Exception as error:
        raise StoreError(
            f"{file} cannot be read ({one_line(error)[:200]}): delete this search, or restore it."
        ) from error
