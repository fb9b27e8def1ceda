"""What a run is, as tables, pages and `--json` read it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from dlcore.core.errors import RunError

State = Literal["queued", "running", "paused", "stopped", "finished", "failed", "interrupted"]
ACTIVE: frozenset[State] = frozenset({"queued", "running"})
RESUMABLE: frozenset[State] = frozenset({"paused", "stopped", "interrupted", "failed"})


@dataclass(frozen=True)
class Best:
    """The best epoch so far by the project's validation metric."""

    epoch: int
    metric: str
    value: float


@dataclass(frozen=True)
class Record:
    """One run at one moment. `reason` says why it failed, was stopped or interrupted, in one line; `doing` what
    is prepared before the first step, and how far that is."""

    run_id: str
    project: str
    model: str
    dataset: str
    state: State
    reason: str = ""
    epoch: int = 0
    epochs: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    best: Best | None = None
    duration_s: float = 0.0
    device: str = "cpu"
    seed: int = 0
    pid: int | None = None
    created: float = 0.0
    step: int = 0
    steps: int = 0
    steps_per_epoch: int = 1
    batch_size: int = 1
    parameters: int = 0
    preset: str = ""
    parent: str = ""
    doing: str = ""

    def as_json(self) -> dict[str, Any]:
        """The record as a plain dict."""
        return asdict(self)

    @property
    def is_reference(self) -> bool:
        """Whether this run came with the workbench."""
        return self.run_id.startswith("reference:")

    @property
    def progress(self) -> str:
        """One line: state, reason, epoch, losses and accuracies so far."""
        shown = {k: v for k, v in self.metrics.items() if k.endswith(("loss", "accuracy"))}
        numbers = "  ".join(f"{name} {value:.5g}" for name, value in shown.items())
        head = " ".join(part for part in (self.state, self.reason) if part)
        return f"{head}  epoch {self.epoch} of {self.epochs}  {numbers}".rstrip()


@dataclass(frozen=True)
class Curve:
    """One metric's history: steps (n,) int64, rising and each once; values (n,) float64."""

    steps: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class GradientNorms:
    """Norms of the gradient: layers (L,) names in forward order, steps (n,), norms (n, L).

    `measures` holds (n, L) arrays of what else was seen at those steps, by the names of `training.events.MEASURES`;
    not-a-number where it has no meaning for a layer or was not looked at. Older runs have none.
    """

    layers: tuple[str, ...]
    steps: np.ndarray
    norms: np.ndarray
    measures: Mapping[str, np.ndarray] = field(default_factory=dict)


def assemble(
    run_id: str,
    about: Mapping[str, Any],
    progress: Mapping[str, Any],
    *,
    state: State,
    reason: str = "",
    pid: int | None = None,
    created: float = 0.0,
) -> Record:
    """A record from what the store keeps: `about` holds what stays, `progress` what moves.

    Raises:
        RunError: a key is missing or is no field of a record.
    """
    moving = dict(progress)
    best = moving.pop("best", None)
    try:
        return Record(
            run_id=run_id,
            state=state,
            reason=reason,
            pid=pid,
            created=created,
            best=Best(**best) if best else None,
            **about,
            **moving,
        )
    except TypeError as error:
        raise RunError(
            f"the record of run {run_id} cannot be read ({error}): it was written by another version."
        ) from error


def restore(value: Mapping[str, Any]) -> Record:
    """A record from what `as_json` gave.

    Raises:
        RunError: a key is missing or is no field of a record.
    """
    best = value.get("best")
    try:
        return Record(**{**value, "best": Best(**best) if best else None})
    except TypeError as error:
        raise RunError(f"the record of a run cannot be read ({error}): it was written by another version.") from error
