"""The work of a search's worker: trial after trial in this process, each a training without a look at test data."""

import contextlib
import math
import os
import shutil
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from dlcore.core.errors import DataError, TrainingError, WorkbenchError, one_line
from dlcore.runs.folder import Command, RunFolder, read_json, write_atomic
from dlcore.runs.record import State
from dlcore.runs.search import searches
from dlcore.runs.search.study import MOST_DEATHS, ClaimedTrial, Study, fingerprint
from dlcore.runs.worker import liveness, queue

if TYPE_CHECKING:
    from dlcore.projects.project import RunConfig
    from dlcore.runs.execution import Job
    from dlcore.training.events import Event

HOPELESS = 3
"""A search whose first trials all fail, so many of them, goes no further."""


class SearchContext(Protocol):
    """What a worker knows of itself (`worker.Post`)."""

    run_id: str
    folder: RunFolder
    rank: int
    received_signals: list[str]

    def poll_command(self) -> Command | None:
        """What is asked of it."""

    def is_current(self) -> bool:
        """Whether nobody was launched in its place."""


@dataclass
class SearchSession:
    """One worker's search: the config that every trial starts from, the trials, and where it tells how it goes."""

    post: SearchContext
    base: "RunConfig"
    study: Study
    metric: str
    log: Callable[[str], None]

    def must_go(self) -> bool:
        """Whether it is to lay down what it holds."""
        return self.post.poll_command() is not None or not self.post.is_current()


def lead(post: SearchContext, log: Callable[[str], None]) -> None:
    """The first worker: does trials, waits for the others' last ones, and writes down how the search ended."""
    searches.set_state(post.run_id, "running", "")
    try:
        state, reason = _work(_bench(post, log))
    except BaseException as error:
        log(traceback.format_exc())
        state, reason = "failed", one_line(error)
        with contextlib.suppress(OSError):
            write_atomic(post.folder.request, b"pause")  # the others lay down their trials, too
    if state == "paused" and post.received_signals:
        reason = f"stopped by the system ({post.received_signals[0]}): resume it when the machine is back"
    searches.set_state(post.run_id, state, reason)
    log(f"{state}{': ' if reason else ''}{reason}")


def follow(post: SearchContext, log: Callable[[str], None]) -> None:
    """Any other worker: does trials as long as the first one lives and there are any."""
    with contextlib.suppress(WorkbenchError):  # the first one meets it too, and tells it
        _work(_bench(post, log))


def _bench(post: SearchContext, log: Callable[[str], None]) -> SearchSession:
    from dlcore import projects

    asked = read_json(post.folder.config)
    workers = int(asked["workers"])
    if workers > 1:
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))
    log(f"worker {post.rank} of {workers}, process {os.getpid()}")
    config = projects.load_config(asked["config"])
    if config.device.startswith("cuda") and workers > 1:
        config = config.model_copy(update={"device": f"cuda:{post.rank}"})
    return SearchSession(post, config, searches.study_of(post.folder, asked), asked["metric"], log)


def _work(bench: SearchSession) -> tuple[State, str]:
    """Trial after trial, until there is none left or somebody says stop."""
    while True:
        if bench.must_go() or (bench.post.rank and not liveness.is_alive(bench.post.folder)):
            return "paused", ""
        with bench.study.taken() as taken:
            if taken is not None and not _attempt(bench, taken):
                return "paused", ""
        ended = [attempt.state for attempt in bench.study.attempts() if attempt.state != "running"]
        if len(ended) >= min(HOPELESS, bench.study.plan.trials) and set(ended) == {"failed"}:
            why = next(attempt.reason for attempt in bench.study.attempts() if attempt.state == "failed")
            raise TrainingError(f"the first {len(ended)} trials failed: {why}")
        if taken is None:
            if len(ended) >= bench.study.plan.trials:
                return "finished", ""
            if bench.post.rank:
                return "finished", ""  # what is under way is in the others' hands
            time.sleep(queue.POLL_SECONDS)


def _attempt(bench: SearchSession, taken: ClaimedTrial) -> bool:
    """One trial from its checkpoint, or from the start; False where it was laid down before its end."""
    from dlcore import projects

    if taken.deaths >= MOST_DEATHS:
        return _fail(bench, taken, f"its worker died {taken.deaths} times: perhaps there is too little memory")
    said = ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in taken.settings.items()
    )
    bench.log(f"trial {taken.number}: {said}")
    try:
        config = projects.with_settings(bench.base, {"device": bench.base.device, **taken.settings})
        ended = _train(bench, taken, config)
    except WorkbenchError as error:
        return _fail(bench, taken, one_line(error))
    except Exception as error:
        bench.log(traceback.format_exc())
        return _fail(bench, taken, f"{type(error).__name__}: {one_line(error)[:300]}")
    if not ended:
        taken.left()
        bench.log(f"trial {taken.number} laid down: its checkpoint is kept")
    return ended


def _train(bench: SearchSession, taken: ClaimedTrial, config: "RunConfig") -> bool:
    from dlcore.runs import execution
    from dlcore.runs.metric_log import MemoryMetricLog

    pruned: list[int] = []

    def heard() -> Command | None:
        return "pause" if bench.must_go() else "stop" if pruned else None

    def on_event(event: "Event") -> None:
        from dlcore.training.events import Epoch

        if isinstance(event, Epoch):
            if bench.metric not in event.metrics:
                raise DataError(f"this project's epochs record no {bench.metric}, which the search goes by.")
            if taken.report(event.epoch, event.metrics[bench.metric]):
                pruned.append(event.epoch)

    job: Job = execution.Job(
        run_id=f"{bench.post.run_id}-{taken.number}",
        config=config,
        folder=taken.folder,
        bundle=taken.folder.bundle,
        metric_log=MemoryMetricLog(),
        poll_command=heard,
        on_event=on_event,
    )
    outcome, trained = execution.train_without_test(job)
    ids = trained.prepared.validation.ids
    taken.note({"best_epoch": trained.state.best_epoch, "validated_on": fingerprint([ids.tobytes()])})
    if outcome.state == "paused":
        return False
    value = taken.value_at(trained.state.best_epoch)
    if pruned and outcome.state == "stopped":
        taken.note({"reason": f"ended after epoch {pruned[0]}: worse than half of the others by then"})
        taken.end("pruned")
    elif value is None or not math.isfinite(value):
        return _fail(bench, taken, "it left no finite validation metric")
    else:
        taken.end("finished", value)
    bench.log(f"trial {taken.number} {'pruned' if pruned else 'finished'}: {bench.metric} {value}")
    shutil.rmtree(taken.folder.checkpoints, ignore_errors=True)
    return True


def _fail(bench: SearchSession, taken: ClaimedTrial, reason: str) -> bool:
    taken.note({"reason": reason})
    taken.end("failed")
    bench.log(f"trial {taken.number} failed: {reason}")
    shutil.rmtree(taken.folder.checkpoints, ignore_errors=True)
    return True
