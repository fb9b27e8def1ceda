"""Execute one run, from its config to its bundle: shared by the worker, foreground training and search trials."""

import dataclasses
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn

from dlcore import projects
from dlcore.core import devices, progress, seeds
from dlcore.data.batches import Batches
from dlcore.data.custom import registry as custom_registry
from dlcore.data.splits import Prepared
from dlcore.projects import verdicts
from dlcore.projects.custom import networks
from dlcore.projects.project import Evaluation, Predictions, Project, RunConfig
from dlcore.runs import training_checks
from dlcore.runs.accelerator import connect
from dlcore.runs.bundle.writer import RunArtifacts, WeightFormat, round_weights, write_bundle
from dlcore.runs.cross_validation import cross_validate
from dlcore.runs.distillation import add_teacher
from dlcore.runs.epoch_log import EpochLog
from dlcore.runs.folder import Command, RunFolder, read_json, translate_errors, write_json
from dlcore.runs.metric_log import GradientLog, MetricLog, read_gradients
from dlcore.runs.precision import PrecisionChoice, choose_precision
from dlcore.runs.record import Best, Curve, Record, State
from dlcore.runs.worker import checkpoints
from dlcore.runs.worker.checkpoint_scheduler import CheckpointScheduler
from dlcore.training import memory
from dlcore.training.events import Epoch, Event, Gradients, Step
from dlcore.training.fit import Validation, fit
from dlcore.training.parallel import by_first, highest
from dlcore.training.state import TrainingState, count_parameters, thread_count
from dlcore.training.training_loop import TrainingLoop

PREPARING_SECONDS = 0.5
"""Seconds between two progress reports of a long preparation."""
COMMANDS: tuple[Command | None, ...] = (None, *get_args(Command))
UNTESTED = "before the end of the first epoch: not tested"


@dataclass(frozen=True)
class Job:
    """A run to execute. `poll_command` returns the pending command; `checkpoints` False writes none."""

    run_id: str
    config: RunConfig
    folder: RunFolder
    bundle: Path
    metric_log: MetricLog
    poll_command: Callable[[], Command | None] = lambda: None
    on_event: Callable[[Event], None] = lambda event: None
    log: Callable[[str], None] = lambda line: None
    checkpoints: bool = True
    parent: str = ""
    weights: WeightFormat = "float32"


@dataclass(frozen=True)
class Outcome:
    """How an execution ended."""

    state: State
    reason: str = ""
    has_bundle: bool = False


@dataclass
class TrainingSession:
    """Objects of one execution; `progress` holds the fields of the record that change."""

    job: Job
    project: Project
    prepared: Prepared
    fabric: Fabric
    state: TrainingState | TrainingLoop
    record: Record
    epoch_log: EpochLog | None = None
    epoch_began: float = 0.0
    progress: dict[str, Any] = field(default_factory=dict)


def execute(job: Job) -> Outcome:
    """Train from the newest checkpoint, or from the start; unless paused, evaluate the best epoch and write a bundle.

    A run that is stopped before the end of its first epoch has nothing to evaluate, so it writes no bundle.

    Raises:
        WorkbenchError: training failed; the error's `reason` says why.
    """
    with memory.catch_out_of_memory(job.config.training.batch_size, job.config.device):
        session = _set_up(job)
        if session.fabric.is_global_zero and job.checkpoints:
            training_checks.check_once(job.folder, session.prepared, session.state.module)
        session.epoch_log = _epoch_log(session)
        outcome = _train(session)
        if session.fabric.world_size > 1:
            torch.distributed.destroy_process_group()
        if outcome.state == "stopped" and not session.state.best_epoch:
            return Outcome("stopped", f"{outcome.reason}, {UNTESTED}")
        if outcome.state == "paused":
            return outcome
        if session.fabric.is_global_zero:
            _finish(session, outcome)
    return dataclasses.replace(outcome, has_bundle=True)


def train_without_test(job: Job) -> tuple[Outcome, TrainingSession]:
    """Train as `execute` does, without predicting, reading the test split or writing a bundle.

    Raises:
        WorkbenchError: training failed; the error's `reason` says why.
    """
    with memory.catch_out_of_memory(job.config.training.batch_size, job.config.device):
        session = _set_up(job)
        return _train(session), session


def _set_up(job: Job) -> TrainingSession:
    config = job.config
    project = projects.get(config.project)
    fabric = connect(config.device, devices=config.devices, nodes=config.nodes, precision=config.training.precision)
    seeds.seed_everything(config.seed)
    job.metric_log.update({"doing": "preparing the data", "doing_share": 0.0})
    job.metric_log.try_flush()
    with progress.listening(_Preparing(job.metric_log)), fabric.rank_zero_first():  # the others read its caches
        prepared = add_teacher(project.prepare(config), config)
    seeds.seed_everything(config.seed)
    with networks.running_here(config.device):
        module = project.models[config.model].build(config.model_options, prepared.facts)
    if prepared.start is not None:
        prepared.start(module)
    parameters, trainable = count_parameters(module)
    frozen = int(prepared.preprocessing.get("frozen_parameters", 0))
    if "OMP_NUM_THREADS" not in os.environ:
        sharing = config.devices if fabric.device.type == "cpu" and "SLURM_JOB_ID" not in os.environ else 1
        torch.set_num_threads(thread_count(parameters, devices.allowed_cores() // sharing))
    state: TrainingState | TrainingLoop
    precision = read_json(job.folder.state).get("precision", "")
    if (training_loop := project.models[config.model].training_loop) is not None:
        state = training_loop(module, prepared, config)
    else:
        batches = _batches(config, prepared, fabric)
        choice = _choose_precision(job, module.to(fabric.device), batches, prepared)
        if choice.reason:
            precision = f"{choice.precision}: {choice.reason}"
            job = _with_precision(job, choice)
            config = job.config
            fabric = connect(config.device, precision=config.training.precision)
        state = TrainingState(module, config.training, steps_per_epoch=len(batches), fabric=fabric)
    if fabric.is_global_zero:
        checkpoints.drop_drafts(job.folder.checkpoints)
    if job.checkpoints and (snapshot := _newest_checkpoint(job.folder.checkpoints, fabric)) is not None:
        state.restore(snapshot)
    record = Record.from_config(
        job.run_id,
        config,
        parent=job.parent,
        parameters=parameters + frozen,
        trainable=trainable if trainable < parameters + frozen else 0,
        steps=state.steps,
        steps_per_epoch=state.steps_per_epoch,
        precision=precision,
    )
    session = TrainingSession(job, project, prepared, fabric, state, record)
    _start_log(session)
    return session


def _newest_checkpoint(folder: Path, fabric: Fabric) -> dict[str, Any] | None:
    """Return the snapshot that the first process finds newest: another machine may see the files of a folder later."""
    if fabric.world_size == 1:
        return checkpoints.newest(folder)
    name = by_first(fabric, lambda: checkpoints.newest_name(folder))
    return checkpoints.read(folder / name) if name else None


def _choose_precision(job: Job, module: nn.Module, batches: Batches, prepared: Prepared) -> PrecisionChoice:
    """Return the precision of a run whose config leaves it open; without a reason, nothing is to be changed."""
    config = job.config
    if config.training.precision != "auto" or config.devices * config.nodes > 1:
        return PrecisionChoice(config.training.precision)
    stored = read_json(job.folder.config).get("training", {}).get("precision", "auto")
    if stored != "auto":  # a trial of a search that is resumed
        return PrecisionChoice(stored, "chosen before")
    job.metric_log.update({"doing": "timing a step in 32 bits and in bf16"})
    job.metric_log.try_flush()
    objective = projects.get(config.project).objective(config, prepared)
    return choose_precision(module, config.training, batches, objective)


def _with_precision(job: Job, choice: PrecisionChoice) -> Job:
    """Store the choice in the config of the run, for resume and forks."""
    training = job.config.training.model_copy(update={"precision": choice.precision})
    config = job.config.model_copy(update={"training": training})
    if job.checkpoints:
        with translate_errors(job.folder.path):
            job.folder.path.mkdir(parents=True, exist_ok=True)
            write_json(job.folder.config, config.model_dump())
    job.log(f"precision {choice.precision}: {choice.reason}")
    return dataclasses.replace(job, config=config)


class _Preparing:
    """Writes the progress of a long preparation about twice a second: the log's own thread starts only later."""

    def __init__(self, metric_log: MetricLog) -> None:
        self.metric_log, self.last_flush = metric_log, 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        if time.monotonic() - self.last_flush > PREPARING_SECONDS:
            self.metric_log.update({"doing": f"{what}: {done:,} of {total:,}", "doing_share": done / max(1, total)})
            self.metric_log.try_flush()
            self.last_flush = time.monotonic()


class _Testing:
    """Logs the progress of the predictions for the test; the log's own thread writes it."""

    def __init__(self, metric_log: MetricLog, samples: int) -> None:
        self.metric_log, self.text = metric_log, f"testing on {samples:,} samples"
        metric_log.update({"doing": self.text, "doing_share": 0.0})

    def __call__(self, what: str, done: int, total: int) -> None:
        share = done / max(1, total)
        self.metric_log.update({"doing": f"{self.text}: {what} {done:,} of {total:,}", "doing_share": share})


def _start_log(session: TrainingSession) -> None:
    """Log the fields that are known only after data and model are set up."""
    state, metric_log = session.state, session.job.metric_log
    session.progress = {
        "epoch": state.epoch - 1,
        "step": state.step,
        "duration_s": state.seconds,
        "best": _best(session),
        "doing": "",
        "doing_share": 0.0,
    }
    metric_log.update(session.record.about | session.progress)
    metric_log.start(state.step)
    epochs = metric_log.history().get("epoch_s")
    if epochs is not None:
        session.epoch_began = float(epochs.values[epochs.steps <= state.step].sum())


def _batches(config: RunConfig, prepared: Prepared, fabric: Fabric) -> Batches:
    return Batches(
        prepared.fitted,
        config.training.batch_size,
        seed=config.seed,
        device=fabric.device,
        transform=prepared.transform,
        share=(fabric.global_rank, fabric.world_size),
    )


def _train(session: TrainingSession) -> Outcome:
    """Log the events of `fit`; at each event the state is complete, so commands and checkpoints are handled there."""
    job, state, config = session.job, session.state, session.job.config
    events = _events(session)
    is_first = session.fabric.is_global_zero
    gradients = GradientLog(job.folder.gradients if is_first else None, tuple(state.layers), step=state.step)
    scheduler = CheckpointScheduler(
        state,
        job.folder.checkpoints if job.checkpoints and is_first else None,
        logs=(job.metric_log, gradients),
        is_alone=session.fabric.world_size == 1,
    )
    if _poll_command(session) == "conclude":
        return Outcome("stopped", f"stopped at step {state.step} of {state.steps}")
    if state.step:
        job.metric_log.log(state.step, {"resumed": 1.0})  # a mark on the curves
    for event in events:
        _log_event(session, event, gradients)
        job.on_event(event)
        if not (isinstance(event, Epoch) or scheduler.must_poll()):
            continue
        command = _poll_command(session)
        if command or isinstance(event, Epoch) or scheduler.is_due():
            scheduler.save(force=command is not None, epoch_end=isinstance(event, Epoch))
        if command == "pause":
            return Outcome("paused")
        if command in ("stop", "conclude"):
            return Outcome("stopped", f"stopped at step {state.step} of {state.steps}")
    scheduler.save(force=True)
    is_early = state.epoch <= config.training.epochs
    return Outcome("finished", f"no better validation for {config.training.patience} epochs" if is_early else "")


def _events(session: TrainingSession) -> Iterator[Event]:
    """Return the events of `fit`, or of the model's own training loop."""
    state, prepared, config, project = session.state, session.prepared, session.job.config, session.project
    validation = Validation(
        lambda module: _measure_epoch(session, module),
        metric=project.task.monitor.metric,
        mode=project.task.monitor.mode,
    )
    if not isinstance(state, TrainingState):
        return state.events(validation)
    batches = _batches(config, prepared, session.fabric)
    return fit(state, batches, objective=project.objective(config, prepared), validation=validation)


def _epoch_log(session: TrainingSession) -> EpochLog | None:
    """Return the log of a classifier's outputs; None for other tasks, further processes, and compact bundles."""
    job, is_first = session.job, session.fabric.is_global_zero
    if session.project.task.observe is None or not is_first or job.weights != "float32":
        return None
    epochs, state = job.config.training.epochs, session.state
    return EpochLog(job.folder.epochs, session.prepared, epochs=epochs, first=state.epoch, best=state.best_epoch)


def _measure_epoch(session: TrainingSession, module: nn.Module) -> dict[str, float]:
    """Return the validation metrics of an epoch; hold its outputs if they are recorded."""
    task, prepared, config = session.project.task, session.prepared, session.job.config
    if session.epoch_log is None or task.observe is None:
        return task.epoch_metrics(module, prepared, config)
    metrics, outputs = task.observe(module, prepared, config)
    session.epoch_log.hold(outputs)
    return metrics


def _poll_command(session: TrainingSession) -> Command | None:
    """Return the pending command, the same in every process of the run."""
    command = session.job.poll_command()
    return COMMANDS[highest(session.fabric, COMMANDS.index(command))]


def _log_event(session: TrainingSession, event: Event, gradients: GradientLog) -> None:
    metric_log, progress = session.job.metric_log, session.progress
    progress["step"] = event.step
    if isinstance(event, Gradients):
        gradients.add(event.step, event.norms, event.measures)
    elif isinstance(event, Step):
        progress["duration_s"] = event.seconds
        values = {"batch_loss": event.loss, "learning_rate": event.learning_rate, "elapsed_s": event.seconds}
        metric_log.log(event.step, values)
    elif isinstance(event, Epoch):
        metric_log.log(event.step, {**event.metrics, "epoch_s": event.seconds - session.epoch_began})
        session.epoch_began = event.seconds
        progress |= {
            "epoch": event.epoch,
            "duration_s": event.seconds,
            "best": _best(session),
            "metrics": event.metrics,
        }
        gradients.flush()
        if session.epoch_log is not None:
            session.epoch_log.write(event)
    metric_log.update(progress)


def _best(session: TrainingSession) -> dict[str, Any] | None:
    if not session.state.best_epoch:
        return None
    return asdict(Best(session.state.best_epoch, session.project.task.monitor.metric, session.state.best_value))


def _finish(session: TrainingSession, outcome: Outcome) -> None:
    """Evaluate the best epoch on the test split and write the bundle."""
    job, state, config, prepared = session.job, session.state, session.job.config, session.prepared
    job.metric_log.flush()
    state.load_best()
    round_weights(state.module, job.weights)
    job.metric_log.update({"doing": "computing the baselines", "doing_share": 0.0})
    baselines = session.project.baselines(prepared, config)
    with progress.listening(_Testing(job.metric_log, len(prepared.test))):
        predictions, evaluation = measure(state.module, prepared, config, baselines=baselines)
    with progress.listening(_Preparing(job.metric_log)):
        evaluation = cross_validate(evaluation, session.project, config, seconds=session.progress["duration_s"])
    history = job.metric_log.history()
    if (losses := history.get("validation_loss")) is not None:
        evaluation = verdicts.advise(evaluation, losses.values)
    stored = _fit_baselines(session) if custom_registry.is_custom(config.dataset) else {}
    evaluation = verdicts.offer_baseline(evaluation, stored)
    session.progress["metrics"] = _metrics_of_best(session, history) | evaluation.metrics
    record = Record.from_state(
        job.run_id,
        session.record.about | session.progress,
        state=outcome.state,
        reason=outcome.reason,
        created=time.time(),
    )
    artifacts = RunArtifacts(
        config=config,
        record=record,
        prepared=prepared,
        weights=state.module.state_dict(),
        predictions=predictions,
        evaluation=evaluation,
        history=history,
        gradients=read_gradients(job.folder.gradients),
        baselines=stored,
        correctness=_correctness(session),
        epochs=session.epoch_log.collect() if session.epoch_log is not None else None,
    )
    write_bundle(artifacts, job.bundle, weights=job.weights)
    if session.epoch_log is not None and outcome.state == "finished":  # a stopped run may be resumed
        session.epoch_log.clear()
    job.metric_log.update(session.progress)
    job.metric_log.flush()


def _correctness(session: TrainingSession) -> np.ndarray | None:
    """Return which training samples (E, N) were correct in each epoch; None if not every epoch was recorded."""
    state, samples = session.state, len(session.prepared.fitted)
    if not isinstance(state, TrainingState) or not state.epoch_correct or len(state.epoch_correct) != state.epoch - 1:
        return None
    batches = _batches(session.job.config, session.prepared, session.fabric)
    correctness = np.zeros((len(state.epoch_correct), samples), bool)
    for epoch, bits in enumerate(state.epoch_correct, 1):
        order = batches.order(epoch)
        if order is None or len(bits) != -(-samples // 8):
            return None
        correctness[epoch - 1, order.numpy()] = np.unpackbits(bits.numpy(), count=samples)
    return correctness[:, : len(session.prepared.train)]


def _fit_baselines(session: TrainingSession) -> dict[str, dict[str, np.ndarray]]:
    """Return the arrays of the baselines that can predict, by name."""
    fitted = {
        name: baseline.fit(session.prepared, session.job.config)
        for name, baseline in session.project.usable_baselines.items()
    }
    return {name: arrays for name, arrays in fitted.items() if arrays}


def _metrics_of_best(session: TrainingSession, history: dict[str, Curve]) -> dict[str, float]:
    """Return training and validation metrics at the best epoch."""
    step = session.state.best_epoch * session.state.steps_per_epoch
    return {
        name: float(curve.values[curve.steps == step][0])
        for name, curve in history.items()
        if name.startswith(("train_", "validation_")) and step in curve.steps
    }


def measure(
    module: nn.Module, prepared: Prepared, config: RunConfig, *, baselines: dict[str, dict[str, float]]
) -> tuple[Predictions, Evaluation]:
    """Return predictions for every split, and the evaluation on the test split with baselines."""
    project = projects.get(config.project)
    predictions = project.predict(module, prepared, config)
    evaluation = project.evaluate(predictions, None, config)
    evaluation = dataclasses.replace(evaluation, baselines={**evaluation.baselines, **baselines})
    comparison = project.task.compare(evaluation, config)
    return predictions, dataclasses.replace(evaluation, verdict=f"{evaluation.verdict} {comparison}".strip())
