"""What can be done to a run: create, start, pause, resume, stop, fork, delete."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dlcore.runs.record import Record

if TYPE_CHECKING:
    from dlcore.projects.project import RunConfig


def create(config: "RunConfig", *, parent: str = "") -> Record:
    """A new run in the store, queued, not started."""
    raise NotImplementedError


def start(run_id: str) -> Record:
    """Launch a worker process of its own for a queued run; comes back at once."""
    raise NotImplementedError


def pause(run_id: str) -> Record:
    """Ask the worker to checkpoint and go; a run still waiting is paused at once."""
    raise NotImplementedError


def resume(run_id: str) -> Record:
    """Queue a paused, stopped, interrupted or failed run again; it goes on from its last checkpoint."""
    raise NotImplementedError


def stop(run_id: str) -> Record:
    """Ask the worker to end here and leave a bundle of the best epoch so far."""
    raise NotImplementedError


def fork(ref: str, settings: Mapping[str, Any]) -> Record:
    """A new run of the same config with some settings (flat names) changed, from the start; queued, not started."""
    raise NotImplementedError


def delete_run(run_id: str) -> None:
    """Remove a run that is not active: its record, its folder."""
    raise NotImplementedError


def wait(run_id: str, *, timeout: float | None = None, interval: float = 0.2) -> Record:
    """Wait until the run is neither queued nor running, at most `timeout` seconds; gives the last record seen."""
    raise NotImplementedError
