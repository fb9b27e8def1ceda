"""A run at one moment, as tables, pages and `--json` read it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dlcore.core.errors import RunError
from dlcore.evaluation.metrics import HEADLINE, METRICS, format_metric, lower_first
from dlcore.runs.folder import Command

if TYPE_CHECKING:
    from dlcore.projects.project import RunConfig

State = Literal["queued", "running", "paused", "stopped", "finished", "failed", "interrupted"]
ACTIVE: frozenset[State] = frozenset({"queued", "running"})
RESUMABLE: frozenset[State] = frozenset({"paused", "stopped", "interrupted", "failed"})
STARTING = "starting the worker"
"""What a run does between its turn in the queue and the preparation of its data."""
_LIVE = frozenset({"run_id", "state", "reason", "pid", "created", "command", "name", "is_hidden", "owner", "is_shared"})
_PROGRESS = frozenset({"epoch", "step", "metrics", "best", "duration_s", "doing", "doing_share"})


@dataclass(frozen=True)
class Best:
    """The best epoch so far by the validation metric of the project."""

    epoch: int
    metric: str
    value: float


@dataclass(frozen=True)
class Record:
    """One run at one moment.

    `reason` says in one line why it failed, stopped or was interrupted; `doing` what happens before the first step and
    after the last, `doing_share` how much of it is done, from 0 to 1. `command` was sent to the worker of an active run
    and is not yet obeyed. `parameters` counts all, with a frozen network that feeds the model; `trainable` the trained
    ones, 0 if they are all. `precision` says what was chosen for `precision=auto`, and why. `name` was given by the
    user, who may also have hidden the run (`runs.annotations`). On a shared server, `owner` created the run, and others
    see it if `is_shared`.
    A new field is added here, and in `from_config` if it follows from the config.
    """

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
    trainable: int = 0
    preset: str = ""
    parent: str = ""
    doing: str = ""
    doing_share: float = 0.0
    command: Command | Literal[""] = ""
    name: str = ""
    is_hidden: bool = False
    owner: str = ""
    is_shared: bool = False
    precision: str = ""

    @classmethod
    def from_config(cls, run_id: str, config: "RunConfig", *, state: State = "queued", **fields: Any) -> "Record":
        """The record of a run of that config; `fields` are those that the config does not decide."""
        return cls(
            run_id=run_id,
            state=state,
            project=config.project,
            model=config.model,
            dataset=config.dataset,
            preset=config.preset,
            seed=config.seed,
            device=config.device,
            epochs=config.training.epochs,
            batch_size=config.training.batch_size,
            **fields,
        )

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Record":
        """The record that `as_json` returned.

        Raises:
            RunError: a field is missing or unknown.
        """
        best = value.get("best")
        try:
            return cls(**{**value, "best": Best(**best) if best else None})
        except TypeError as error:
            raise RunError(f"the record of a run cannot be read ({error}): another version wrote it.") from error

    @classmethod
    def from_state(cls, run_id: str, stored: Mapping[str, Any], **live: Any) -> "Record":
        """The record in a state file; `live` replaces fields, keys that are no fields of a record are ignored.

        Raises:
            RunError: a field is missing.
        """
        known = {name: value for name, value in stored.items() if name in _FIELDS}
        return cls.from_json({**known, "run_id": run_id, **live})

    def as_state(self) -> dict[str, Any]:
        """What a state file holds of the record: all but its id, process and command."""
        return {name: value for name, value in asdict(self).items() if name not in ("run_id", "pid", "command")}

    def as_json(self) -> dict[str, Any]:
        """The record as a plain dict."""
        return asdict(self)

    @property
    def about(self) -> dict[str, Any]:
        """The fields that stay the same during training."""
        return {name: value for name, value in asdict(self).items() if name not in _LIVE | _PROGRESS}

    @property
    def is_reference(self) -> bool:
        """Whether this run came with the workbench."""
        return self.run_id.startswith("reference:")

    @property
    def is_watched(self) -> bool:
        """Whether it trains, or trained, outside the workbench: it cannot be paused, resumed or forked here."""
        return self.project == "watched"

    @property
    def parameter_text(self) -> str:
        """The parameters in words: how many, and how many of them are trained unless all are."""
        if not self.parameters:
            return ""
        trained = f"{self.trainable:,} trained of " if self.trainable else ""
        return f"{trained}{self.parameters:,} parameters"

    @property
    def score(self) -> str:
        """The main test metric, "accuracy 89.1 %"; empty before the test."""
        name = next((name for name in HEADLINE if name in self.metrics), "")
        return f"{lower_first(METRICS[name].title)} {format_metric(name, self.metrics[name])}" if name else ""

    @property
    def progress(self) -> str:
        """One line: state, reason, epoch, losses and accuracies so far."""
        metrics = {k: v for k, v in self.metrics.items() if k.endswith(("loss", "accuracy"))}
        numbers = "  ".join(f"{name} {value:.5g}" for name, value in metrics.items())
        head = " ".join(part for part in (self.state, self.reason) if part)
        return f"{head}  epoch {self.epoch} of {self.epochs}  {numbers}".rstrip()


_FIELDS = frozenset(item.name for item in fields(Record))


@dataclass(frozen=True)
class Curve:
    """History of one metric: steps (n,) int64, strictly increasing; values (n,) float64."""

    steps: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class GradientNorms:
    """Gradient norms: layers (L,) names in forward order, steps (n,), norms (n, L).

    `measures` holds (n, L) arrays of the other probes at those steps, by the names of `training.events.MEASURES`;
    NaN where a probe has no meaning for a layer or was not computed. Older runs have none.
    """

    layers: tuple[str, ...]
    steps: np.ndarray
    norms: np.ndarray
    measures: Mapping[str, np.ndarray] = field(default_factory=dict)
