"""Train in this very process into a bundle, without a store: neither mlflow nor submitit is needed."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dlcore.runs.record import Record

if TYPE_CHECKING:
    from dlcore.projects.project import RunConfig
    from dlcore.training.events import Event


def train_here(config: "RunConfig", folder: Path, on_event: "Callable[[Event], None] | None" = None) -> Record:
    """Train, evaluate and leave the bundle in `folder`."""
    raise NotImplementedError
