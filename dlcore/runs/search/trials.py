"""Worker of a search: runs one trial after another in its process, each a training without test data."""

import contextlib
import math
import os
import shutil
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import dlcore.runs.locks as locks
from dlcore.core.errors import DataError, TrainingError, WorkbenchError, one_line
from dlcore.runs.folder import Command, RunFolder, read_json, write_atomic
from dlcore.runs.lifecycle import write_state
from dlcore.runs.record import State
from dlcore.runs.search.study import MAX_DEATHS, ClaimedTrial, Study, hash_samples, open_study
from dlcore.runs.worker import liveness, queue
from dlcore.runs.worker.ending import write_end

if TYPE_CHECKING:
    from dlcore.projects.project import RunConfig
    from dlcore.runs.execution import Job
    from dlcore.training.events import Event

MAX_FAILED_TRIALS = 3
"""A search fails once this many trials finished and all of them failed."""


class SearchContext(Protocol):
    """What a search needs of its worker process (`worker.WorkerContext`)."""

    run_id: str
    folder: RunFolder
    rank: int
    received_signals: list[str]

    def poll_command(self) -> Command | None:
        """Return the command that the worker received, if any."""

    def is_current(self) -> bool:
        """Whether no other worker was launched since."""


@dataclass
class SearchSession:
    """The search as one worker sees it; every trial starts from `base`."""

    context: SearchContext
    base: "RunConfig"
    study: Study
    metric: str
    log: Callable[[str], None]

    def should_exit(self) -> bool:
        """Whether the worker should checkpoint its trial and exit."""
        return self.context.poll_command() is not None or not self.context.is_current()


def lead(context: SearchContext, log: Callable[[str], None]) -> None:
    """Run trials as the first worker, wait for the last trials of the others, and write the final state."""
    locks.wait_while_locked(lambda: write_state(context.folder, "running"))
    try:
        state, reason = _run_trials(_open_session(context, log))
    except BaseException as error:
        log(traceback.format_exc())
        state, reason = "failed", one_line(error)
        with contextlib.suppress(OSError):
            write_atomic(context.folder.request, b"pause")  # the other workers exit, too
    log(write_end(context.folder, state, reason, signals=context.received_signals))


def follow(context: SearchContext, log: Callable[[str], None]) -> None:
    """Run trials as any other worker, while the first one lives."""
    with contextlib.suppress(WorkbenchError):  # the first worker meets and reports it, too
        _run_trials(_open_session(context, log))


def _open_session(context: SearchContext, log: Callable[[str], None]) -> SearchSession:
    from dlcore import projects
    from dlcore.core import devices

    stored = read_json(context.folder.config)
    workers = int(stored["workers"])
    if workers > 1:
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, devices.allowed_cores() // workers)))
    log(f"worker {context.rank} of {workers}, process {os.getpid()}")
    config = projects.load_config(stored["config"])
    if config.device.startswith("cuda") and workers > 1:
        config = config.model_copy(update={"device": f"cuda:{context.rank}"})
    return SearchSession(context, config, open_study(context.folder), stored["metric"], log)


def _run_trials(session: SearchSession) -> tuple[State, str]:
    """Run trials until all are finished or a command arrives; return the state of the search and the reason."""
    context, study = session.context, session.study
    while True:
        if session.should_exit() or (context.rank and not liveness.is_alive(context.folder)):
            return "paused", ""
        with study.claim() as claimed:
            if claimed is not None and not _run_trial(session, claimed):
                return "paused", ""
        finished = [trial for trial in study.trials() if trial.state != "running"]
        if len(finished) >= min(MAX_FAILED_TRIALS, study.config.n_trials) and all(
            trial.state == "failed" for trial in finished
        ):
            raise TrainingError(f"the first {len(finished)} trials failed: {finished[0].reason}")
        if claimed is None:
            if len(finished) >= study.config.n_trials:
                return "finished", ""
            if context.rank:
                return "finished", ""  # other workers hold the running trials
            time.sleep(queue.POLL_SECONDS)


def _run_trial(session: SearchSession, claimed: ClaimedTrial) -> bool:
    """Run a trial from its checkpoint, or from the start; return False if a command interrupted it."""
    from dlcore import projects

    if claimed.deaths >= MAX_DEATHS:
        return _fail(session, claimed, f"its worker died {claimed.deaths} times: perhaps of too little memory")
    params = ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in claimed.params.items()
    )
    session.log(f"trial {claimed.number}: {params}")
    try:
        config = projects.with_settings(session.base, {"device": session.base.device, **claimed.params})
        is_finished = _train(session, claimed, config)
    except WorkbenchError as error:
        return _fail(session, claimed, one_line(error))
    except Exception as error:
        session.log(traceback.format_exc())
        return _fail(session, claimed, f"{type(error).__name__}: {one_line(error)[:300]}")
    if not is_finished:
        claimed.pause()
        session.log(f"trial {claimed.number} paused at its checkpoint")
    return is_finished


def _train(session: SearchSession, claimed: ClaimedTrial, config: "RunConfig") -> bool:
    from dlcore.runs import execution
    from dlcore.runs.metric_log import MemoryMetricLog

    pruned_at: list[int] = []

    def poll_command() -> Command | None:
        return "pause" if session.should_exit() else "stop" if pruned_at else None

    def on_event(event: "Event") -> None:
        from dlcore.training.events import Epoch

        if isinstance(event, Epoch):
            if session.metric not in event.metrics:
                raise DataError(f"the epochs of this project record no {session.metric}, the metric of the search.")
            if claimed.report(event.epoch, event.metrics[session.metric]):
                pruned_at.append(event.epoch)

    job: Job = execution.Job(
        run_id=f"{session.context.run_id}-{claimed.number}",
        config=config,
        folder=claimed.folder,
        bundle=claimed.folder.bundle,
        metric_log=MemoryMetricLog(),
        poll_command=poll_command,
        on_event=on_event,
    )
    outcome, trained = execution.train_without_test(job)
    ids = trained.prepared.validation.ids
    claimed.set_user_attrs({"best_epoch": trained.state.best_epoch, "validation_hash": hash_samples([ids.tobytes()])})
    if outcome.state == "paused":
        return False
    value = claimed.value_at(trained.state.best_epoch)
    if pruned_at and outcome.state == "stopped":
        reason = f"pruned after epoch {pruned_at[0]}: worse than the median of the other trials"
        claimed.set_user_attrs({"reason": reason})
        claimed.tell("pruned")
    elif value is None or not math.isfinite(value):
        return _fail(session, claimed, "it has no finite validation metric")
    else:
        claimed.tell("complete", value)
    session.log(f"trial {claimed.number} {'pruned' if pruned_at else 'complete'}: {session.metric} {value}")
    shutil.rmtree(claimed.folder.checkpoints, ignore_errors=True)
    return True


def _fail(session: SearchSession, claimed: ClaimedTrial, reason: str) -> bool:
    claimed.set_user_attrs({"reason": reason})
    claimed.tell("failed")
    session.log(f"trial {claimed.number} failed: {reason}")
    shutil.rmtree(claimed.folder.checkpoints, ignore_errors=True)
    return True
