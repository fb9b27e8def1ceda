"""Trials of a search in an Optuna study; no other module imports Optuna.

A worker claims a trial by a lock that the kernel releases when the worker dies. So the trial of a killed worker is
resumed by exactly one other worker, and no trial runs twice.
"""

import contextlib
import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import dlcore.runs.locks as locks
from dlcore.runs.folder import RunFolder, read_json, translate_errors
from dlcore.runs.search import journal

if TYPE_CHECKING:
    import optuna

    from dlcore.projects.search_space import SearchParameter

TrialState = Literal["running", "complete", "pruned", "failed"]
MAX_DEATHS = 3
"""Workers that may die on a trial (of too little memory, say) before it fails."""
STUDY_NAME = "search"
STARTUP_TRIALS = (4, 10)
"""Minimum and maximum number of random trials before the TPE sampler starts."""
PRUNER_STARTUP_TRIALS = 4
"""Complete trials before the first one is pruned."""
_STATES: dict[str, TrialState] = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}


@dataclass(frozen=True)
class Trial:
    """One trial of a search.

    `value` is the metric at the best epoch, `intermediate_values` the metric after each epoch (from 1 on), `starts` how
    many workers started or resumed the trial. `validation_hash` is equal for trials with the same validation samples.
    `started` is the time of the first start in seconds.
    """

    number: int
    state: TrialState
    params: Mapping[str, Any]
    value: float | None = None
    intermediate_values: Mapping[int, float] = field(default_factory=dict)
    best_epoch: int = 0
    seconds: float = 0.0
    starts: int = 0
    reason: str = ""
    validation_hash: str = ""
    started: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Return a plain dict."""
        return {
            "number": self.number,
            "state": self.state,
            "params": dict(self.params),
            "value": self.value,
            "epochs": len(self.intermediate_values),
            "best_epoch": self.best_epoch,
            "duration_s": self.seconds,
            "starts": self.starts,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class StudyConfig:
    """What a study needs from the config of its search."""

    search_space: "tuple[SearchParameter, ...]"
    n_trials: int
    mode: Literal["min", "max"]
    seed: int
    epochs: int
    prune: bool


def open_study(folder: RunFolder) -> "Study":
    """Return the study of the search in this folder."""
    from dlcore.projects.search_space import SearchParameter

    stored = read_json(folder.config)
    config = stored["config"]
    return Study(
        folder.path,
        StudyConfig(
            search_space=tuple(SearchParameter.from_json(parameter) for parameter in stored["search_space"]),
            n_trials=stored["n_trials"],
            mode=stored["mode"],
            seed=config["seed"],
            epochs=config["training"]["epochs"],
            prune=stored["prune"],
        ),
    )


class Study:
    """Optuna study in a search's folder."""

    def __init__(self, folder: Path, config: StudyConfig) -> None:
        self.folder, self.config = folder, config

    def create(self, first: Mapping[str, Any]) -> None:
        """Create the journal and enqueue the first trial, whose params are the base config's.

        Raises:
            StoreError: the folder cannot be written.
        """
        file = self.folder / journal.FILE_NAME
        with translate_errors(file), journal.translate_optuna_errors(file):
            import optuna

            study = optuna.create_study(
                study_name=STUDY_NAME,
                storage=journal.open_storage(self.folder, create=True),
                direction="minimize" if self.config.mode == "min" else "maximize",
            )
            if first:
                study.enqueue_trial(dict(first))

    def trials(self) -> list[Trial]:
        """Return every trial that has started, by number."""
        stored = self._load().get_trials(deepcopy=False)
        return [_as_trial(trial) for trial in stored if trial.state.name != "WAITING"]

    @contextlib.contextmanager
    def claim(self) -> "Iterator[ClaimedTrial | None]":
        """Claim the next trial inside the block: one that lost its worker, else a new one.

        Yields None if every trial has started and none is without a worker.
        """
        with contextlib.ExitStack() as held:
            with locks.hold(self.folder / "claims", timeout=-1):
                trial = self._claim_orphan(held) or self._claim_new(held)
            yield trial

    def importances(self) -> dict[str, float]:
        """Return each parameter's share of the variance between complete trials, 0 to 1, largest first.

        Empty with too few trials or equal values. fANOVA: Hutter et al. 2014.
        """
        study = self._load()
        values = {trial.value for trial in study.get_trials(deepcopy=False) if trial.state.name == "COMPLETE"}
        if len(values) < max(4, len(self.config.search_space) + 1):
            return {}
        from optuna.importance import FanovaImportanceEvaluator, get_param_importances

        with contextlib.suppress(ValueError, RuntimeError):
            shares = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
            return {name: float(share) for name, share in shares.items()}
        return {}

    def _claim_orphan(self, held: contextlib.ExitStack) -> "ClaimedTrial | None":
        """Claim a running trial that no worker holds."""
        study = self._load()
        for trial in study.get_trials(deepcopy=False):
            if trial.state.name != "RUNNING":
                continue
            folder = self._trial_folder(trial.number)
            lock = locks.try_lock(folder.lock)
            if lock is None:
                continue
            held.callback(lock.release)
            if _stored(study, trial.number).state.name == "RUNNING":  # it may have ended before the lock was acquired
                return self._resume(study, trial.number, folder)
        return None

    def _claim_new(self, held: contextlib.ExitStack) -> "ClaimedTrial | None":
        """Claim a trial that has not started; its params depend on the seed, its number and the trials before it."""
        study = self._load()
        started = sum(trial.state.name != "WAITING" for trial in study.get_trials(deepcopy=False))
        if started >= self.config.n_trials:
            return None
        number = study.ask().number
        folder = self._trial_folder(number)
        lock = locks.try_lock(folder.lock)
        assert lock is not None, "no worker can hold a new trial"
        held.callback(lock.release)
        return self._resume(study, number, folder)

    def _resume(self, study: "optuna.Study", number: int, folder: RunFolder) -> "ClaimedTrial":
        """Draw the params that the trial does not have yet, and count the start."""
        import optuna

        storage = journal.open_storage(self.folder)
        study_id = storage.get_study_id_from_name(STUDY_NAME)
        study.sampler = self._sampler(number, 0)
        trial = optuna.trial.Trial(study, storage.get_trial_id_from_study_id_trial_number(study_id, number))
        if len(trial.params) < len(self.config.search_space):
            _ = trial.relative_params  # drawn jointly, once the sampler has enough trials
        params = {}
        for index, parameter in enumerate(self.config.search_space):
            study.sampler = self._sampler(number, index + 1)
            params[parameter.name] = _suggest(trial, parameter)
        starts = int(trial.user_attrs.get("starts", 0)) + 1
        trial.set_user_attr("starts", starts)
        deaths = starts - 1 - int(trial.user_attrs.get("pauses", 0))
        return ClaimedTrial(study, trial, folder, params, deaths)

    def _trial_folder(self, number: int) -> RunFolder:
        path = self.folder / "trials" / str(number)
        with translate_errors(path):
            path.mkdir(parents=True, exist_ok=True)
        return RunFolder(path)

    def _sampler(self, number: int, index: int) -> "optuna.samplers.TPESampler":
        """Return a sampler seeded for one parameter of one trial: a kill between two parameters changes nothing."""
        import optuna

        low, high = STARTUP_TRIALS
        seed = ((self.config.seed * 1009 + number) * 1009 + index) % 2**32
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=min(high, max(low, self.config.n_trials // 4)))

    def _load(self) -> "optuna.Study":
        storage = journal.open_storage(self.folder)
        with journal.translate_optuna_errors(self.folder / journal.FILE_NAME):
            import optuna

            warmup = max(2, self.config.epochs // 3)
            pruner = (
                optuna.pruners.MedianPruner(n_startup_trials=PRUNER_STARTUP_TRIALS, n_warmup_steps=warmup)
                if self.config.prune
                else optuna.pruners.NopPruner()
            )
            return optuna.load_study(study_name=STUDY_NAME, storage=storage, pruner=pruner)


@dataclass
class ClaimedTrial:
    """A trial that this process works on; `deaths` counts the workers that died on it."""

    study: "optuna.Study"
    trial: "optuna.trial.Trial"
    folder: RunFolder
    params: dict[str, Any]
    deaths: int
    begin: float = field(default_factory=time.monotonic)

    @property
    def number(self) -> int:
        """Number of the trial, from 0."""
        return self.trial.number

    def report(self, epoch: int, value: float) -> bool:
        """Report the metric after an epoch; return whether to prune the trial.

        After a kill, epochs since the checkpoint are reported again: their stored values and decisions hold.
        """
        stored = _stored(self.study, self.number).intermediate_values
        if epoch not in stored:
            self.trial.report(value, epoch)
        elif epoch < max(stored):
            return False
        return bool(self.trial.should_prune())

    def value_at(self, epoch: int) -> float | None:
        """Return the metric after an epoch."""
        return _stored(self.study, self.number).intermediate_values.get(epoch)

    def set_user_attrs(self, attrs: Mapping[str, Any]) -> None:
        """Store JSON-able facts with the trial."""
        for name, value in attrs.items():
            self.trial.set_user_attr(name, value)

    def pause(self) -> None:
        """Record that the worker left the trial on purpose."""
        self.set_user_attrs({"pauses": int(self.trial.user_attrs.get("pauses", 0)) + 1, "seconds": self._seconds()})

    def tell(self, state: Literal["complete", "pruned", "failed"], value: float | None = None) -> None:
        """Finish the trial."""
        import optuna

        self.set_user_attrs({"seconds": self._seconds()})
        states = optuna.trial.TrialState
        if state == "complete":
            self.study.tell(self.trial, value, state=states.COMPLETE)
        else:
            self.study.tell(self.trial, state=states.PRUNED if state == "pruned" else states.FAIL)

    def _seconds(self) -> float:
        """Return the time spent on the trial, without that of killed workers."""
        return float(self.trial.user_attrs.get("seconds", 0.0)) + time.monotonic() - self.begin


def hash_samples(parts: Sequence[bytes]) -> str:
    """Return a short hash of sample ids."""
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]


def _stored(study: "optuna.Study", number: int) -> "optuna.trial.FrozenTrial":
    return study.get_trials(deepcopy=False)[number]


def _suggest(trial: "optuna.trial.Trial", parameter: "SearchParameter") -> Any:
    if parameter.kind == "choice":
        return trial.suggest_categorical(parameter.name, list(parameter.choices))
    if parameter.kind == "int":
        return trial.suggest_int(parameter.name, int(parameter.low), int(parameter.high), log=parameter.log)
    return trial.suggest_float(parameter.name, parameter.low, parameter.high, log=parameter.log)


def _as_trial(stored: "optuna.trial.FrozenTrial") -> Trial:
    attrs = stored.user_attrs
    state = _STATES.get(stored.state.name, "running")
    values = dict(sorted(stored.intermediate_values.items()))
    best_epoch = int(attrs.get("best_epoch", 0))
    return Trial(
        number=stored.number,
        state=state,
        params=stored.params,
        value=stored.value if state == "complete" else values.get(best_epoch),
        intermediate_values=values,
        best_epoch=best_epoch,
        seconds=float(attrs.get("seconds", 0.0)),
        starts=int(attrs.get("starts", 0)),
        reason=str(attrs.get("reason", "")),
        validation_hash=str(attrs.get("validation_hash", "")),
        started=stored.datetime_start.timestamp() if stored.datetime_start else 0.0,
    )
