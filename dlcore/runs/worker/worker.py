"""The worker process: waits for its device, trains, records how the run ended. Imports little until its turn comes."""

import contextlib
import functools
import os
import signal
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING

import dlcore.runs.locks as locks
from dlcore.core import access, quotas
from dlcore.core.errors import LockedError, WorkbenchError, one_line
from dlcore.core.repeat import repeating
from dlcore.runs.folder import BALLAST_BYTES, Command, RunFolder, of_run, read_json, store_error, write_atomic
from dlcore.runs.lifecycle import read_state, stored_state, write_state
from dlcore.runs.mlflow_mirror import mirroring
from dlcore.runs.record import STARTING, State
from dlcore.runs.worker import liveness, peers, queue
from dlcore.runs.worker.ending import write_end

if TYPE_CHECKING:
    from dlcore.projects.project import RunConfig
    from dlcore.runs.metric_log import MetricLog
    from dlcore.training.events import Event

SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGUSR2") if hasattr(signal, name))
"""What the system sends before it takes a machine away (Slurm's warning is the second)."""


@dataclass
class WorkerContext:
    """This process as the worker of one launch of a run or search."""

    run_id: str
    token: str
    folder: RunFolder
    rank: int = 0
    received_signals: list[str] = field(default_factory=list)

    def is_current(self) -> bool:
        """Whether no newer worker was launched."""
        worker = liveness.read(self.folder)
        return worker is not None and worker.token == self.token

    def poll_command(self) -> Command | None:
        """The pending command of a person or the system."""
        return "pause" if self.received_signals else self.folder.read_command()

    def poll_signals(self) -> Command | None:
        """The pending command of the system alone: the first process reads those of a person."""
        return "pause" if self.received_signals else None

    def may_wait(self) -> bool:
        """Whether to stay in the queue."""
        return not self.received_signals and self.folder.read_command() in (None, "conclude") and self.is_current()


def main(run_id: str, token: str, visible_gpus: str | None = None) -> None:
    """Work on a run or search; called in every process that was submitted (`token` names the launch)."""
    rank = int(os.environ.get("SUBMITIT_LOCAL_GLOBALID") or os.environ.get("SLURM_PROCID") or 0)
    context = WorkerContext(run_id, token, of_run(run_id), rank)
    access.act_as(str(stored_state(context.folder).get("owner", "")))  # a run sees what its owner sees
    _redirect_output(context.folder)
    _restore_gpus(visible_gpus)
    for number in SIGNALS:
        signal.signal(number, functools.partial(_receive_signal, context))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if rank:
        _run_follower(context)
    else:
        _run_leader(context)


def _run_leader(context: WorkerContext) -> None:
    """The first process: sign in, wait for the device, train, record the end."""
    if not context.is_current():
        return
    worker = liveness.sign_in(context.folder, context.token)
    # The mirror comes first: a slow server delays neither the next run nor a resume of this one.
    with mirroring(context.folder), _heartbeat(context.folder), _hold_folder(context) as is_held:
        if is_held:
            _wait_and_work(context, worker)


@contextlib.contextmanager
def _hold_folder(context: WorkerContext) -> Iterator[bool]:
    """Hold the lock of the folder; wait while the previous worker, or another program, holds it.

    Yields False if the run is paused, stopped or launched again meanwhile.
    """
    with contextlib.ExitStack() as stack:

        def acquire() -> None:
            stack.enter_context(locks.hold(context.folder.lock, timeout=2.0, poll_interval=queue.POLL_SECONDS))

        try:
            locks.wait_while_locked(acquire, keep_waiting=context.may_wait)
        except LockedError:
            yield False
        else:
            yield context.is_current()


def _wait_and_work(context: WorkerContext, worker: liveness.WorkerInfo) -> None:
    """Wait for the device on this machine; a cluster has its own queue."""
    if worker.executor != "local":
        return _work(context)
    try:
        with queue.wait_turn(context.run_id, worker.device, devices=worker.devices, keep_waiting=context.may_wait):
            if context.may_wait():
                _work(context)
    except queue.WithdrawnError:
        if context.received_signals:
            write_state(context.folder, "paused", f"stopped by the system ({context.received_signals[0]}) while queued")
    return None


def _run_follower(context: WorkerContext) -> None:
    """Any other process of a data-parallel run or a search: wait for the first one, then work beside it."""
    if context.folder.is_search:
        from dlcore.runs.search import trials

        return trials.follow(context, _log) if _wait_for_first(context) else None
    with peers.sign_in(context.folder, context.token, context.rank) as end:
        try:
            if _wait_for_first(context):
                from dlcore.runs.metric_log import MemoryMetricLog

                _execute(context, MemoryMetricLog())
        except BaseException as error:
            _write(2, traceback.format_exc())
            end(*_failure(error))
    return None


def _wait_for_first(context: WorkerContext) -> bool:
    """Wait until the first process works; False if it ended before."""
    while not peers.has_begun(context.folder, context.token):
        if not context.is_current() or not liveness.is_alive(context.folder):
            return False
        time.sleep(queue.POLL_SECONDS)
    return True


def _work(context: WorkerContext) -> None:
    """Train, and record how it ended; on a shared server, within the compute of the owner."""
    worker = liveness.read(context.folder)
    pause = functools.partial(write_atomic, context.folder.request, b"pause")
    with quotas.measure_compute(context.token, devices=worker.devices if worker else 1, on_limit=pause):
        _train(context)


def _train(context: WorkerContext) -> None:
    from dlcore.runs.metric_log import FolderMetricLog

    folder = context.folder
    if folder.is_search:
        from dlcore.runs.search import trials

        _let_followers_start(context)
        return trials.lead(context, _log)
    if folder.is_rate_test:
        from dlcore.runs import rate_tests

        return rate_tests.work(folder, _log)
    begun_at, worker = read_state(folder).get("step", 0), liveness.read(folder)
    assert worker is not None
    folder.ballast.write_bytes(os.urandom(BALLAST_BYTES))
    locks.wait_while_locked(lambda: write_state(folder, "running", doing=STARTING, doing_share=0.0))
    _let_followers_start(context)
    metric_log = FolderMetricLog(folder)
    try:
        with peers.watch(folder, context.token, worker.processes, functools.partial(_give_up, folder)):
            state, reason = _execute(context, metric_log)
    except BaseException as error:
        folder.ballast.unlink(missing_ok=True)  # first of all: the disk may be full
        _write(2, traceback.format_exc())
        is_known = isinstance(error, WorkbenchError)
        state, reason = (not is_known and peers.why_ended(folder, context.token, worker.processes)) or _failure(error)
    folder.ballast.unlink(missing_ok=True)
    metric_log.close()
    peers.retract(folder, context.token)
    _log(write_end(folder, state, reason, signals=context.received_signals, begun_at=begun_at))
    return None


def _let_followers_start(context: WorkerContext) -> None:
    worker = liveness.read(context.folder)
    if worker is not None and worker.processes > 1:
        peers.announce(context.folder, context.token, worker)


def _give_up(folder: RunFolder, state: State, reason: str) -> None:
    """Record the end of a run whose first process waits for one that died."""
    folder.ballast.unlink(missing_ok=True)
    write_state(folder, state, reason)
    _log(f"{state}: {reason}")


def _execute(context: WorkerContext, metric_log: "MetricLog") -> tuple[State, str]:
    from dlcore import projects
    from dlcore.runs.execution import Job, execute

    config = projects.load_config(read_json(context.folder.config))
    worker = liveness.read(context.folder)
    if worker is not None and worker.processes > 1:
        peers.join(context.folder, worker, context.rank)
    _log(f"{config.project}/{config.model} on {config.device}, seed {config.seed}, process {os.getpid()}")
    outcome = execute(
        Job(
            run_id=context.run_id,
            config=config,
            folder=context.folder,
            bundle=context.folder.bundle,
            metric_log=metric_log,
            poll_command=context.poll_command if not context.rank else context.poll_signals,
            on_event=(lambda event: None) if context.rank else functools.partial(_log_event, config),
            log=_log,
            parent=read_state(context.folder).get("parent", ""),
        )
    )
    return outcome.state, outcome.reason


def _failure(error: BaseException) -> tuple[State, str]:
    """State and reason for the error that ended the run."""
    if isinstance(error, WorkbenchError):
        return "failed", f"{error.reason}: {one_line(error)}"
    if isinstance(error, OSError) and not isinstance(error, (ConnectionError, TimeoutError)):
        translated = store_error(error, of_run("").path)
        if translated.reason == "disk full":
            return "failed", f"disk full: {one_line(translated)}"
    return "failed", f"code: {type(error).__name__}: {one_line(error)[:500]}. See the traceback in the log."


def _log_event(config: "RunConfig", event: "Event") -> None:
    from dlcore.training.events import Epoch

    if isinstance(event, Epoch):
        numbers = ", ".join(f"{name} {value:.6g}" for name, value in event.metrics.items())
        best = " (best so far)" if event.is_best else ""
        _log(f"epoch {event.epoch} of {config.training.epochs}, step {event.step}: {numbers}{best}")


def _log(line: str) -> None:
    _write(1, f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n")


def _write(stream: int, text: str) -> None:
    """Write to the log without a buffer; on a full disk the line is lost, not the run."""
    with contextlib.suppress(OSError):
        os.write(stream, text.encode())


def _receive_signal(context: WorkerContext, number: int, _frame: FrameType | None) -> None:
    context.received_signals.append(signal.Signals(number).name)


def _redirect_output(folder: RunFolder) -> None:
    """Send the output of this process and its libraries to the run's log instead of submitit's files."""
    folder.path.mkdir(parents=True, exist_ok=True)
    log = os.open(folder.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)


def _restore_gpus(visible: str | None) -> None:
    """submitit's local executor hides every GPU that was not requested by number; undo that."""
    if os.environ.get("SUBMITIT_EXECUTOR") == "local":
        os.environ.pop("CUDA_VISIBLE_DEVICES", None)
        if visible is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = visible


@contextlib.contextmanager
def _heartbeat(folder: RunFolder) -> Iterator[None]:
    """Touch the heartbeat file every second from a thread; remove it at the end, so that readers need not wait."""

    def beat() -> None:
        with contextlib.suppress(OSError):
            folder.heartbeat.touch()

    try:
        with repeating(beat, seconds=1.0, name="heartbeat"):
            yield
    finally:
        with contextlib.suppress(OSError):
            folder.heartbeat.unlink()
