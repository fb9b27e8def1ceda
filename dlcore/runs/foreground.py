"""Train in this process into a bundle, without a run folder; needs no submitit."""

import signal
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from dlcore.core.errors import RequestError, RunError
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.folder import Command, RunFolder, translate_errors
from dlcore.runs.record import Record

if TYPE_CHECKING:
    from dlcore.projects.project import RunConfig
    from dlcore.runs.bundle.weight_format import WeightFormat
    from dlcore.training.events import Event


def train_here(
    config: "RunConfig",
    folder: Path,
    on_event: "Callable[[Event], None] | None" = None,
    *,
    weights: "WeightFormat" = "float32",
) -> Record:
    """Train, evaluate and write the bundle to `folder`, which is created; Ctrl-C ends training early, and the bundle is
    that of the best epoch so far. With `weights` in half precision or eight bits, as in reference runs, the rounded
    weights are evaluated.

    Raises:
        RequestError: `folder` contains something other than a bundle, or several devices were requested.
        RunError: Ctrl-C came before the end of the first epoch.
        WorkbenchError: training failed.
    """
    from dlcore.core import devices
    from dlcore.runs.execution import Job, execute
    from dlcore.runs.metric_log import MemoryMetricLog

    _check(config, folder)
    config = config.model_copy(update={"device": devices.resolve(config.device)})
    with translate_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="dlcore-") as path, _stop_on_interrupt() as poll_command:
        job = Job(
            run_id=uuid.uuid4().hex,
            config=config,
            folder=RunFolder(Path(path)),
            bundle=folder,
            metric_log=MemoryMetricLog(),
            poll_command=poll_command,
            on_event=on_event or (lambda event: None),
            checkpoints=False,
            weights=weights,
        )
        outcome = execute(job)
    if outcome.state == "stopped" and not outcome.has_bundle:
        raise RunError(f"{outcome.reason}. No bundle was written.")
    return Bundle(folder).record


def _check(config: "RunConfig", folder: Path) -> None:
    if config.processes > 1:
        raise RequestError(
            f"devices={config.processes}: a bundle in the foreground is trained by one process; "
            "leave out --devices, or leave out --bundle and export the run when it is finished."
        )
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir()) and not (folder / "run.json").exists()):
        raise RequestError(f"{folder} holds no bundle and is not empty: choose a new or an empty folder.")


@contextmanager
def _stop_on_interrupt() -> Iterator[Callable[[], Command | None]]:
    """The first Ctrl-C requests a stop, the second one ends the process at once."""
    requests: list[bool] = []

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        if requests:
            raise KeyboardInterrupt
        requests.append(True)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield lambda: "stop" if requests else None
    finally:
        signal.signal(signal.SIGINT, before)
