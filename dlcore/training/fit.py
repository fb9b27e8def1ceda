"""The training loop: a generator that does the steps and tells what happened."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from dlcore.training import gradients, memory
from dlcore.training.events import Epoch, Event, Finished, Gradients, Step
from dlcore.training.finite import find_not_finite
from dlcore.training.optimizers import SHARE
from dlcore.training.probes import Probe
from dlcore.training.schedules import learning_rate
from dlcore.training.state import TrainingState

Batch = tuple[tuple[Tensor, ...], Tensor]


class Batches(Protocol):
    """Training data in steps: `epoch(number, start)` gives the batches of that epoch from batch `start` on,
    always in the same order for the same number, on the model's device."""

    def __len__(self) -> int:
        """Steps in an epoch."""
        ...

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of one epoch."""
        ...


@dataclass(frozen=True)
class Objective:
    """What is made small, and how it is judged.

    loss: (outputs, targets) -> the batch's mean loss, a scalar tensor.
    correct: (outputs, targets) -> how many samples of the batch are right; None where that has no meaning.
    """

    loss: Callable[[Tensor, Tensor], Tensor]
    correct: Callable[[Tensor, Tensor], Tensor] | None = None


@dataclass(frozen=True)
class Validation:
    """measure: module -> metrics of the epoch (`validation_loss`, ...); `metric` and `mode` pick the best epoch."""

    measure: Callable[[nn.Module], dict[str, float]]
    metric: str = "validation_loss"
    mode: Literal["min", "max"] = "min"


def fit(state: TrainingState, batches: Batches, *, objective: Objective, validation: Validation) -> Iterator[Event]:
    """Train from where `state` stands to the end of its config, yielding events; leave off at any of them and the
    state can be snapshot and gone on with later.

    Raises:
        NotFiniteError: the loss is not a finite number; names the step and the layer.
        MemoryShortError: the device's memory did not suffice.
    """
    with memory.catch_out_of_memory(state.config.batch_size, str(state.device)):
        while state.epoch <= state.config.epochs and not state.exhausted:
            yield from _epoch(state, batches, objective)
            yield _validate(state, validation, counts=objective.correct is not None)
    yield Finished(state.step, state.epoch - 1, early=state.epoch <= state.config.epochs)


def _epoch(state: TrainingState, batches: Batches, objective: Objective) -> Iterator[Event]:
    """The remaining steps of the epoch under way. Local names and floats keep our own work to a few microseconds."""
    config, model, optimiser, groups = state.config, state.model, state.optimiser, list(state.layers.values())
    log_every, gradient_every, on_cpu = state.log_every, state.gradient_every, state.device.type == "cpu"
    constant = config.schedule == "constant"
    probe = Probe(state.module, state.layers)
    unread: list[Tensor] = []  # losses left on the device until the next event
    model.train()
    if state.window and (state.step % log_every == 0 or state.batch == state.steps_per_epoch):
        yield _step_event(state)  # left between a step's two events
    begin = time.perf_counter()
    for inputs, targets in batches.epoch(state.epoch, state.batch):
        step = state.step + 1
        if not constant:
            rate = learning_rate(config, step, state.steps)
            for group in optimiser.param_groups:
                group["lr"] = rate * group.get(SHARE, 1.0)
        told = gradient_every and (step % gradient_every == 0 or step == 1)
        looks = told and (step % state.probe_every == 0 or step == 1)
        if looks:
            with probe.watching():
                outputs = model(*inputs)
        else:
            outputs = model(*inputs)
        loss = objective.loss(outputs, targets)
        value = loss.item() if on_cpu else None
        if value is not None and not math.isfinite(value):
            raise find_not_finite(state.module, inputs, step=step)
        optimiser.zero_grad()
        state.fabric.backward(loss) if state.wrapped else loss.backward()
        norms = gradients.norms(groups, scale=state.loss_scale) if told else ()
        if config.clip_norm:
            _clip(state)
        if looks:
            probe.before_update()
        optimiser.step()
        measures = probe.measures() if looks else {}
        right = objective.correct(outputs.detach(), targets) if objective.correct else None
        _count(state, len(targets))
        if value is not None:
            _book(state, value, 0.0 if right is None else right.item(), len(targets))
        else:
            loss, right = loss.detach(), torch.zeros_like(loss) if right is None else right
            unread.append(torch.stack([loss, right.to(loss), torch.full_like(loss, len(targets))]))
        due = step % log_every == 0 or state.batch == state.steps_per_epoch
        if due or norms:
            if unread:
                _read(state, unread, inputs)
            state.seconds += time.perf_counter() - begin
            if norms:
                yield Gradients(step, norms, measures)
            if due:
                yield _step_event(state)
            begin = time.perf_counter()


def _count(state: TrainingState, samples: int) -> None:
    state.step += 1
    state.batch += 1
    state.samples += samples


def _book(state: TrainingState, loss: float, correct: float, samples: int) -> None:
    state.window.append(loss)
    state.loss_sum += loss * samples
    state.correct += correct


def _read(state: TrainingState, unread: list[Tensor], inputs: tuple[Tensor, ...]) -> None:
    """Fetch a GPU's losses at one go: waiting for every step would stop it from running ahead."""
    rows = torch.stack(unread).double().tolist()
    unread.clear()
    for number, (loss, correct, samples) in enumerate(rows):
        if not math.isfinite(loss):
            raise find_not_finite(state.module, inputs, step=state.step - len(rows) + number + 1)
        _book(state, loss, correct, int(samples))


def _step_event(state: TrainingState) -> Step:
    mean, rate = sum(state.window) / len(state.window), float(state.optimiser.param_groups[0]["lr"])
    state.window.clear()
    return Step(state.step, state.epoch, mean, rate, state.samples, state.seconds)


def _clip(state: TrainingState) -> None:
    """Shorten the whole gradient to `clip_norm` (Pascanu et al., 2013)."""
    if state.wrapped:
        state.fabric.clip_gradients(state.model, state.optimiser, max_norm=state.config.clip_norm)
    else:
        torch.nn.utils.clip_grad_norm_(state.module.parameters(), state.config.clip_norm)


def _validate(state: TrainingState, validation: Validation, *, counts: bool) -> Epoch:
    """Measure the epoch that ended, keep its weights if they are the best, and move on."""
    begin = time.perf_counter()
    samples = max(1, state.samples)
    totals = torch.tensor([state.loss_sum, state.correct, float(samples)], dtype=torch.float64)
    if state.fabric.world_size > 1:
        totals = state.fabric.all_reduce(totals.to(state.device), reduce_op="sum").cpu()  # type: ignore[union-attr]
    metrics = {"train_loss": float(totals[0] / totals[2])}
    if counts:
        metrics["train_accuracy"] = float(totals[1] / totals[2])
    state.module.eval()
    with torch.no_grad():
        metrics |= validation.measure(state.module)
    state.module.train()
    value = metrics[validation.metric]
    if state.is_better(value, validation.mode):
        state.keep_best(value)
    state.seconds += time.perf_counter() - begin
    done = Epoch(state.step, state.epoch, metrics, state.seconds, is_best=state.best_epoch == state.epoch)
    state.next_epoch()
    return done
