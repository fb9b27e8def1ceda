"""The process that does a run: waits for its device, trains, writes down how it ended. Light until its turn comes."""

import contextlib
import fcntl
import functools
import os
import signal
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING

from dlcore.core.errors import WorkbenchError, one_line
from dlcore.runs import folder as folders
from dlcore.runs import store
from dlcore.runs.folder import BALLAST_BYTES, Command, RunFolder, read_json
from dlcore.runs.record import State
from dlcore.runs.worker import liveness, queue

if TYPE_CHECKING:
    from dlcore.projects.project import RunConfig
    from dlcore.training.events import Event

TAKEOVER_SECONDS = 20.0
"""So long a new worker waits for the one before it to be gone."""
SIGNALS = (signal.SIGTERM, signal.SIGUSR2)
"""What the system sends before it takes a machine away (Slurm's warning is the second)."""


@dataclass
class WorkerContext:
    """This process as the worker of one launch of a run."""

    run_id: str
    token: str
    folder: RunFolder
    rank: int = 0
    told_to_go: list[str] = field(default_factory=list)

    def is_current(self) -> bool:
        """Whether the run was not launched anew since."""
        worker = liveness.read(self.folder)
        return worker is not None and worker.token == self.token

    def wish(self) -> Command | None:
        """What a person, the system or a newer launch wants of this worker."""
        return "pause" if self.told_to_go else self.folder.wish()

    def may_wait(self) -> bool:
        """Whether the place in the queue is still wanted."""
        return not self.told_to_go and self.folder.wish() in (None, "conclude") and self.is_current()


def main(run_id: str, token: str, visible_gpus: str | None = None) -> None:
    """Work on a run; called in every process that the launcher started (`token` names the launch)."""
    rank = int(os.environ.get("SUBMITIT_LOCAL_GLOBALID") or os.environ.get("SLURM_PROCID") or 0)
    post = WorkerContext(run_id, token, folders.of_run(run_id), rank)
    _redirect_output(post.folder)
    _restore_gpus(visible_gpus)
    for number in SIGNALS:
        signal.signal(number, functools.partial(_take_signal, post))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if rank:
        _follow(post)
    else:
        _lead(post)


def _lead(post: WorkerContext) -> None:
    """The first process: signs in, waits its turn, trains, writes down the end."""
    with _only_worker(post):
        if post.is_current():
            worker = liveness.sign_in(post.folder, post.token)
            with _heartbeat(post.folder):
                _wait_and_work(post, queued=worker.executor == "local")


def _wait_and_work(post: WorkerContext, *, queued: bool) -> None:
    """Elsewhere than on this machine the cluster did the queueing."""
    if not queued:
        return _work(post)
    config = read_json(post.folder.config)
    device, devices = str(config.get("device", "cpu")), int(config.get("devices", 1))
    try:
        with queue.wait_turn(post.run_id, device, devices=devices, keep_waiting=post.may_wait):
            if post.may_wait():
                _work(post)
    except queue.WithdrawnError:
        if post.told_to_go:
            _set_state(post, "paused", f"stopped by the system ({post.told_to_go[0]}) while waiting")
    return None


def _follow(post: WorkerContext) -> None:
    """Any other process of a data-parallel run: waits for the first one to begin, and trains beside it."""
    from dlcore.runs.metric_log import MemoryMetricLog

    while not _begun(post).exists():
        if not post.is_current() or not liveness.is_alive(post.folder):
            return None
        time.sleep(queue.POLL_SECONDS)
    if _is_search(post):
        from dlcore.runs.search import trials as search_worker

        return search_worker.follow(post, _log)
    _execute(post, MemoryMetricLog())
    return None


def _work(post: WorkerContext) -> None:
    """Train with everything written down, however it ends."""
    from dlcore.runs.metric_log import StoreMetricLog

    if _is_search(post):
        from dlcore.runs.search import trials as search_worker

        _begin(post)
        return search_worker.lead(post, _log)
    post.folder.ballast.write_bytes(os.urandom(BALLAST_BYTES))
    store.set_state(post.run_id, "running", "")
    _begin(post)
    journal = StoreMetricLog(post.run_id)
    try:
        state, reason = _execute(post, journal)
    except BaseException as error:
        post.folder.ballast.unlink(missing_ok=True)  # first of all: the disk may be full
        _write(2, traceback.format_exc())
        state, reason = _failure(error)
    post.folder.ballast.unlink(missing_ok=True)
    journal.close()
    if state in ("finished", "stopped"):
        with contextlib.suppress(WorkbenchError):
            store.keep_folder(post.run_id, post.folder.bundle, "bundle")
    post.folder.request.unlink(missing_ok=True)
    _begun(post).unlink(missing_ok=True)
    store.set_state(post.run_id, state, reason)
    _log(f"{state}{': ' if reason else ''}{reason}")
    return None


def _begin(post: WorkerContext) -> None:
    """Let the other processes of this launch begin."""
    for old in post.folder.path.glob("begun-*"):
        old.unlink(missing_ok=True)
    _begun(post).touch()


def _is_search(post: WorkerContext) -> bool:
    return post.run_id.startswith(folders.SEARCH)


def _set_state(post: WorkerContext, state: State, reason: str) -> None:
    if _is_search(post):
        from dlcore.runs.search.state import set_state

        return set_state(post.run_id, state, reason)
    return store.set_state(post.run_id, state, reason)


def _execute(post: WorkerContext, journal: "object") -> tuple[State, str]:
    from dlcore import projects
    from dlcore.runs.execution import Job, execute

    config = projects.load_config(read_json(post.folder.config))
    if config.devices > 1:
        from submitit.helpers import TorchDistributedEnvironment

        TorchDistributedEnvironment().export(set_cuda_visible_devices=False, overwrite=True)
    _log(f"{config.project}/{config.model} on {config.device}, seed {config.seed}, process {os.getpid()}")
    outcome = execute(
        Job(
            run_id=post.run_id,
            config=config,
            folder=post.folder,
            bundle=post.folder.bundle,
            journal=journal,  # type: ignore[arg-type]
            wish=post.wish,
            on_event=(lambda event: None) if post.rank else functools.partial(_log_event, config),
            parent=read_json(post.folder.path / "parent.json").get("parent", ""),
        )
    )
    if post.told_to_go and outcome.state == "paused":
        return "paused", f"stopped by the system ({post.told_to_go[0]}): resume it when the machine is back"
    return outcome.state, outcome.reason


def _failure(error: BaseException) -> tuple[State, str]:
    """A state and a reason for whatever ended the run."""
    if isinstance(error, WorkbenchError):
        return "failed", f"{error.reason}: {one_line(error)}"
    if isinstance(error, OSError) and not isinstance(error, (ConnectionError, TimeoutError)):
        found = folders.store_error(error, folders.of_run("").path)
        if found.reason == "disk full":
            return "failed", f"disk full: {one_line(found)}"
    return "failed", f"code: {type(error).__name__}: {one_line(error)[:500]}. The log holds the whole story."


def _log_event(config: "RunConfig", event: "Event") -> None:
    from dlcore.training.events import Epoch

    if isinstance(event, Epoch):
        numbers = ", ".join(f"{name} {value:.6g}" for name, value in event.metrics.items())
        best = " (best so far)" if event.is_best else ""
        _log(f"epoch {event.epoch} of {config.training.epochs}, step {event.step}: {numbers}{best}")


def _log(line: str) -> None:
    _write(1, f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n")


def _write(stream: int, text: str) -> None:
    """Write to the log without a buffer; on a full disk a line is lost, the run is not."""
    with contextlib.suppress(OSError):
        os.write(stream, text.encode())


def _begun(post: WorkerContext) -> "folders.Path":
    return post.folder.path / f"begun-{post.token}"


def _take_signal(post: WorkerContext, number: int, _frame: FrameType | None) -> None:
    post.told_to_go.append(signal.Signals(number).name)


def _redirect_output(folder: RunFolder) -> None:
    """Everything this process and its libraries print goes to the run's log, not to the launcher's files."""
    folder.path.mkdir(parents=True, exist_ok=True)
    log = os.open(folder.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)


def _restore_gpus(visible: str | None) -> None:
    """submitit's local executor hides every GPU that was not asked for by number; undo that."""
    if os.environ.get("SUBMITIT_EXECUTOR") == "local":
        os.environ.pop("CUDA_VISIBLE_DEVICES", None)
        if visible is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = visible


@contextlib.contextmanager
def _only_worker(post: WorkerContext) -> Iterator[None]:
    """Hold the run's lock; wait a little for a worker that is on its way out."""
    with post.folder.lock.open("a") as lock:
        deadline = time.monotonic() + TAKEOVER_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(queue.POLL_SECONDS)
        yield


@contextlib.contextmanager
def _heartbeat(folder: RunFolder) -> Iterator[None]:
    """Touch the heartbeat every second from a thread of its own."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(1.0):
            with contextlib.suppress(OSError):
                os.utime(folder.heartbeat)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
