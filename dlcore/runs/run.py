"""A run as pages and the command line read it, whether it is in the store or came with the workbench."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlcore.runs.bundle import Bundle
from dlcore.runs.record import Curve, GradientNorms, Record

if TYPE_CHECKING:
    from dlcore.projects.project import RunConfig


@dataclass(frozen=True)
class Run:
    """One run, opened for reading; every property reads afresh. `folder` is the run's folder."""

    run_id: str
    folder: Path

    @property
    def record(self) -> Record:
        """The run at this moment; its state is checked against the process."""
        raise NotImplementedError

    @property
    def config(self) -> "RunConfig":
        """The config that decided the run."""
        raise NotImplementedError

    def history(self) -> dict[str, Curve]:
        """Every metric's history, by the store's names."""
        raise NotImplementedError

    def gradients(self) -> GradientNorms | None:
        """Norms of the gradient by layer; None where none were recorded."""
        raise NotImplementedError

    def log_tail(self, lines: int = 200) -> str:
        """The last lines of the worker's log."""
        raise NotImplementedError

    @property
    def bundle(self) -> Bundle | None:
        """The bundle; None before the run left one."""
        raise NotImplementedError


def open_run(ref: str) -> Run:
    """The run of that id, a unique beginning of one, or `reference:<project>/<model>`."""
    raise NotImplementedError


def list_runs(project: str | None = None, limit: int = 200) -> list[Record]:
    """Runs of the store, newest first."""
    raise NotImplementedError


def references(project: str | None = None) -> list[Run]:
    """The runs that came with the workbench."""
    raise NotImplementedError


def evaluate(ref: str) -> dict[str, Any]:
    """`{run_id, split, metrics, baselines}` of a run that left a bundle."""
    raise NotImplementedError
