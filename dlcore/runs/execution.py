"""One run from its config to its bundle: the flow that the worker and training in the foreground share."""

import dataclasses
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn

from dlcore import projects
from dlcore.core import progress, seeds
from dlcore.data.batches import Batches
from dlcore.data.splits import Prepared
from dlcore.projects.project import Evaluation, Predictions, Project, RunConfig
from dlcore.runs.accelerator import connect
from dlcore.runs.bundle import writer as remains
from dlcore.runs.bundle.writer import RunArtifacts, WeightFormat
from dlcore.runs.folder import Command, RunFolder
from dlcore.runs.metric_log import GradientLog, MetricLog, read_gradients
from dlcore.runs.record import Best, State, assemble
from dlcore.runs.worker import checkpoints
from dlcore.runs.worker.checkpoint_scheduler import CheckpointScheduler
from dlcore.training import memory
from dlcore.training.events import Epoch, Event, Gradients, Step
from dlcore.training.fit import Validation, fit
from dlcore.training.state import TrainingState, count_parameters, thread_count
from dlcore.training.training_loop import TrainingLoop

PREPARING_SECONDS = 0.5
"""A long preparation is told about so often."""


@dataclass(frozen=True)
class Job:
    """A run to be executed. `wish` says what a person wants at this moment; `checkpoints` False keeps none."""

    run_id: str
    config: RunConfig
    folder: RunFolder
    bundle: Path
    journal: MetricLog
    wish: Callable[[], Command | None] = lambda: None
    on_event: Callable[[Event], None] = lambda event: None
    checkpoints: bool = True
    parent: str = ""
    weights: WeightFormat = "float32"


@dataclass(frozen=True)
class Outcome:
    """How a run left off."""

    state: State
    reason: str = ""


@dataclass
class TrainingSession:
    """All that one execution works with; `progress` is what the store shows of it."""

    job: Job
    project: Project
    prepared: Prepared
    fabric: Fabric
    state: TrainingState | TrainingLoop
    about: dict[str, Any] = field(default_factory=dict)
    epoch_began: float = 0.0
    progress: dict[str, Any] = field(default_factory=dict)


def execute(job: Job) -> Outcome:
    """Train from the newest checkpoint (or the start) on; whatever ends it but a pause leaves a bundle.

    Raises:
        WorkbenchError: training could not go on; the error's `reason` says why.
    """
    with memory.catch_out_of_memory(job.config.training.batch_size, job.config.device):
        bench = _set_up(job)
        outcome = _train(bench)
        if outcome.state != "paused" and bench.fabric.is_global_zero:
            _conclude(bench, outcome)
    return outcome


def train_without_test(job: Job) -> tuple[Outcome, TrainingSession]:
    """Train as `execute` does and leave off there: nothing is predicted, no test sample is looked at, no bundle left.

    Raises:
        WorkbenchError: training could not go on; the error's `reason` says why.
    """
    with memory.catch_out_of_memory(job.config.training.batch_size, job.config.device):
        bench = _set_up(job)
        return _train(bench), bench


def _set_up(job: Job) -> TrainingSession:
    config = job.config
    project = projects.get(config.project)
    fabric = connect(config.device, devices=config.devices, precision=config.training.precision)
    seeds.seed_everything(config.seed)
    with progress.listening(_Preparing(job.journal)):
        prepared = project.prepare(config)
    seeds.seed_everything(config.seed)
    module = project.models[config.model].build(config.model_options, prepared.facts)
    if prepared.start is not None:
        prepared.start(module)
    parameters, _ = count_parameters(module)
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(thread_count(parameters, os.cpu_count() or 1))
    state: TrainingState | TrainingLoop
    if (own := project.models[config.model].training_loop) is not None:
        state = own(module, prepared, config)
    else:
        steps = len(_batches(config, prepared, fabric))
        state = TrainingState(module, config.training, steps_per_epoch=steps, fabric=fabric)
    bench = TrainingSession(job, project, prepared, fabric, state)
    if fabric.is_global_zero:
        checkpoints.drop_drafts(job.folder.checkpoints)
    snapshot = checkpoints.newest(job.folder.checkpoints) if job.checkpoints else None
    if snapshot is not None:
        state.restore(snapshot)
    _introduce(bench, parameters)
    return bench


class _Preparing:
    """Tells the journal how far a long preparation is, about twice a second: it writes by itself only later."""

    def __init__(self, journal: MetricLog) -> None:
        self.journal, self.told = journal, 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        if time.monotonic() - self.told > PREPARING_SECONDS:
            self.journal.tell("progress", {"doing": f"{what}: {done:,} of {total:,}"})
            self.journal.flush()
            self.told = time.monotonic()


def _introduce(bench: TrainingSession, parameters: int) -> None:
    """Tell the journal what is known only now that data and model are there."""
    config, state = bench.job.config, bench.state
    bench.about = {
        "project": config.project,
        "model": config.model,
        "dataset": config.dataset,
        "preset": config.preset,
        "seed": config.seed,
        "device": config.device,
        "epochs": config.training.epochs,
        "steps": state.steps,
        "steps_per_epoch": state.steps_per_epoch,
        "batch_size": config.training.batch_size,
        "parameters": parameters,
        "parent": bench.job.parent,
    }
    bench.progress = {"epoch": state.epoch - 1, "step": state.step, "duration_s": state.seconds, "best": _best(bench)}
    bench.job.journal.tell("about", bench.about)
    bench.job.journal.begin(state.step)
    epochs = bench.job.journal.history().get("epoch_s")
    if epochs is not None:
        bench.epoch_began = float(epochs.values[epochs.steps <= state.step].sum())


def _batches(config: RunConfig, prepared: Prepared, fabric: Fabric) -> Batches:
    return Batches(
        prepared.train,
        config.training.batch_size,
        seed=config.seed,
        device=fabric.device,
        transform=prepared.transform,
        share=(fabric.global_rank, fabric.world_size),
    )


def _train(bench: TrainingSession) -> Outcome:
    """Run the events of `fit` into the journal; the state is whole at each, so heed wishes and the clock there."""
    job, state, config = bench.job, bench.state, bench.job.config
    events = _events(bench)
    first = bench.fabric.is_global_zero
    lengths = GradientLog(
        job.folder.gradients if first else job.folder.path / f"gradients-{bench.fabric.global_rank}.jsonl",
        tuple(state.layers),
        step=state.step,
    )
    kept_in = job.folder.checkpoints if job.checkpoints and first else None
    keeper = CheckpointScheduler(state, kept_in, numbers=(job.journal, lengths), alone=bench.fabric.world_size == 1)
    if _heard(bench) == "conclude":
        return Outcome("stopped", f"stopped at step {state.step} of {state.steps}")
    if state.step:
        job.journal.scalars(state.step, {"resumed": 1.0})  # curves mark the place
    for event in events:
        _write_down(bench, event, lengths)
        job.on_event(event)
        if not (isinstance(event, Epoch) or keeper.shall_look()):
            continue
        wish = _heard(bench)
        if wish or isinstance(event, Epoch) or keeper.is_due():
            keeper.keep(force=wish is not None, epoch_end=isinstance(event, Epoch))
        if wish == "pause":
            return Outcome("paused")
        if wish in ("stop", "conclude"):
            return Outcome("stopped", f"stopped at step {state.step} of {state.steps}")
    keeper.keep(force=True)
    early = state.epoch <= config.training.epochs
    return Outcome("finished", f"no better validation for {config.training.patience} epochs" if early else "")


def _events(bench: TrainingSession) -> Iterator[Event]:
    """What training will tell: by `fit`, or by a training of the model's own."""
    state, prepared, config, project = bench.state, bench.prepared, bench.job.config, bench.project
    validation = Validation(
        lambda module: project.epoch_metrics(module, prepared, config),
        metric=project.task.monitor.metric,
        mode=project.task.monitor.mode,
    )
    if not isinstance(state, TrainingState):
        return state.events(validation)
    batches = _batches(config, prepared, bench.fabric)
    return fit(state, batches, objective=project.objective(config, prepared), validation=validation)


def _heard(bench: TrainingSession) -> Command | None:
    """What a person wants, the same in every process of the run."""
    wish = bench.job.wish() if bench.fabric.is_global_zero else None
    return bench.fabric.broadcast(wish) if bench.fabric.world_size > 1 else wish


def _write_down(bench: TrainingSession, event: Event, lengths: GradientLog) -> None:
    journal, progress = bench.job.journal, bench.progress
    progress["step"] = event.step
    if isinstance(event, Gradients):
        lengths.add(event.step, event.norms, event.measures)
    elif isinstance(event, Step):
        progress["duration_s"] = event.seconds
        values = {"batch_loss": event.loss, "learning_rate": event.learning_rate, "elapsed_s": event.seconds}
        journal.scalars(event.step, values)
    elif isinstance(event, Epoch):
        journal.scalars(event.step, {**event.metrics, "epoch_s": event.seconds - bench.epoch_began})
        bench.epoch_began = event.seconds
        progress |= {"epoch": event.epoch, "duration_s": event.seconds, "best": _best(bench), "metrics": event.metrics}
        lengths.flush()
    journal.tell("progress", progress)


def _best(bench: TrainingSession) -> dict[str, Any] | None:
    if not bench.state.best_epoch:
        return None
    return asdict(Best(bench.state.best_epoch, bench.project.task.monitor.metric, bench.state.best_value))


def _conclude(bench: TrainingSession, outcome: Outcome) -> None:
    """Measure the best epoch on the test split and leave the bundle."""
    job, state, config, prepared = bench.job, bench.state, bench.job.config, bench.prepared
    job.journal.flush()
    state.load_best()
    remains.round_weights(state.module, job.weights)
    simpler = bench.project.baselines(prepared, config)
    predictions, evaluation = measure(state.module, prepared, config, simpler=simpler)
    history = job.journal.history()
    at_best = state.best_epoch * state.steps_per_epoch
    chosen = {
        name: float(curve.values[curve.steps == at_best][0])
        for name, curve in history.items()
        if name.startswith(("train_", "validation_")) and at_best in curve.steps
    }
    bench.progress["metrics"] = chosen | evaluation.metrics
    record = assemble(job.run_id, bench.about, bench.progress, state=outcome.state, reason=outcome.reason)
    left = RunArtifacts(
        config=config,
        record=dataclasses.replace(record, created=time.time()),
        prepared=prepared,
        weights=state.module.state_dict(),
        predictions=predictions,
        evaluation=evaluation,
        history=history,
        gradients=read_gradients(job.folder.gradients),
    )
    remains.write_bundle(left, job.bundle, weights=job.weights)
    job.journal.tell("progress", bench.progress)
    job.journal.flush()


def measure(
    module: nn.Module, prepared: Prepared, config: RunConfig, *, simpler: dict[str, dict[str, float]]
) -> tuple[Predictions, Evaluation]:
    """What a trained network predicts of every split, and its numbers on the test split beside the simpler methods'."""
    project = projects.get(config.project)
    predictions = project.predict(module, prepared, config)
    found = project.evaluate(predictions, None, config)
    found = dataclasses.replace(found, baselines={**found.baselines, **simpler})
    compared = project.task.compare(found, config)
    return predictions, dataclasses.replace(found, verdict=f"{found.verdict} {compared}".strip())
