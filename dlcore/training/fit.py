"""The training loop: a generator that takes optimizer steps and yields events."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from dlcore.training import gradients, memory
from dlcore.training.averaging import recalibrate_norms
from dlcore.training.events import Epoch, Event, Finished, Gradients, Step
from dlcore.training.finite import find_not_finite
from dlcore.training.optimizers import SHARE
from dlcore.training.parallel import SharedLoss, by_first, combine
from dlcore.training.probes import Probe
from dlcore.training.schedules import learning_rate
from dlcore.training.state import TrainingState

Batch = tuple[tuple[Tensor, ...], Tensor]


class TrainingBatches(Protocol):
    """Training batches on the model's device: `epoch(number, start)` yields the batches of an epoch from batch
    `start` on, always in the same order for the same number.
    """

    def __len__(self) -> int:
        """Return the number of steps per epoch."""
        ...

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """Yield the batches of one epoch."""
        ...

    def counts(self, batch: int) -> tuple[int, int]:
        """Return how many samples of a batch this process counts, and how many all processes count."""
        ...


@dataclass(frozen=True)
class Objective:
    """The loss to minimize.

    loss: (outputs, targets) -> mean loss of the batch, a scalar tensor.
    correct: (outputs, targets) -> mask (N,) of the correct samples of the batch; None if undefined.
    weight: targets -> the sum of weights by which `loss` divides, a scalar tensor; None: the number of samples.
    """

    loss: Callable[[Tensor, Tensor], Tensor]
    correct: Callable[[Tensor, Tensor], Tensor] | None = None
    weight: Callable[[Tensor], Tensor] | None = None


@dataclass(frozen=True)
class Validation:
    """measure: module -> validation metrics of the epoch (`validation_loss`, ...); `metric` and `mode` select the
    best epoch.
    """

    measure: Callable[[nn.Module], dict[str, float]]
    metric: str = "validation_loss"
    mode: Literal["min", "max"] = "min"


def fit(
    state: TrainingState, batches: TrainingBatches, *, objective: Objective, validation: Validation
) -> Iterator[Event]:
    """Train from the current position of `state` to the end of its config, yielding events.

    The generator can be left at any event; a snapshot of `state` taken there resumes training later.

    Raises:
        NotFiniteError: the loss is not finite; names the step and the layer.
        OutOfMemoryError: the device ran out of memory.
    """
    with memory.catch_out_of_memory(state.config.batch_size, str(state.device)):
        while state.epoch <= state.config.epochs and not state.exhausted:
            yield from _epoch(state, batches, objective)
            if state.config.recalibrate_norms:
                recalibrate_norms(state.evaluated, batches.epoch(state.epoch), state.config.recalibrate_norms)
            yield _validate(state, validation, counts=objective.correct is not None)
    yield Finished(state.step, state.epoch - 1, early=state.epoch <= state.config.epochs)


def _epoch(state: TrainingState, batches: TrainingBatches, objective: Objective) -> Iterator[Event]:
    """Run the remaining steps of the current epoch. Local names and floats keep the overhead to a few microseconds."""
    average = state.average
    config, model, optimizer, groups = state.config, state.model, state.optimizer, list(state.layers.values())
    log_every, gradient_every, on_cpu = state.log_every, state.gradient_every, state.device.type == "cpu"
    constant = config.schedule == "constant"
    probe = Probe(state.module, state.layers)
    shared = SharedLoss(state.fabric, batches, objective.weight) if state.fabric.world_size > 1 else None
    unread: list[Tensor] = []  # losses that stay on the device until the next event
    model.train()
    if state.window and (state.step % log_every == 0 or state.batch == state.steps_per_epoch):
        yield _step_event(state)  # the run was interrupted between the two events of a step
    begin = time.perf_counter()
    for inputs, targets in batches.epoch(state.epoch, state.batch):
        step = state.step + 1
        if not constant:
            rate = learning_rate(config, step, state.steps)
            for group in optimizer.param_groups:
                group["lr"] = rate * group.get(SHARE, 1.0)
        is_recorded = gradient_every and (step % gradient_every == 0 or step == 1)
        is_probed = is_recorded and (step % state.probe_every == 0 or step == 1)
        if is_probed:
            with probe.watching():
                outputs = model(*inputs)
        else:
            outputs = model(*inputs)
        loss = objective.loss(outputs, targets)
        value = loss.item() if on_cpu else None
        if value is not None and not math.isfinite(value):
            raise find_not_finite(state.module, inputs, step=step)
        samples = len(targets)
        if shared is not None:
            value, (loss, samples) = None, shared.scale(loss, targets, batch=state.batch)
        optimizer.zero_grad()
        state.fabric.backward(loss) if state.wrapped else loss.backward()
        norms = gradients.norms(groups, scale=state.loss_scale) if is_recorded else ()
        if config.clip_norm:
            _clip(state)
        if is_probed:
            probe.before_update()
        optimizer.step()
        if average is not None:
            average.update_parameters(state.module)
        measures = probe.measures() if is_probed else {}
        right = None
        if objective.correct:
            is_correct = objective.correct(outputs.detach(), targets)
            if shared is None:
                state.batch_correct.append(is_correct)
            right = is_correct.sum() if samples else None
        state.step += 1
        state.batch += 1
        if value is not None:
            _record_loss(state, value, 0.0 if right is None else right.item(), samples)
        else:
            loss, right = loss.detach(), torch.zeros_like(loss) if right is None else right
            unread.append(torch.stack([loss, right.to(loss), torch.full_like(loss, samples)]))
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


def _record_loss(state: TrainingState, loss: float, correct: float, samples: int) -> None:
    state.window.append(loss)
    state.loss_sum += loss * samples
    state.correct += correct
    state.samples += samples


def _read(state: TrainingState, unread: list[Tensor], inputs: tuple[Tensor, ...]) -> None:
    """Read the losses of a GPU, or of several processes, in one transfer: waiting at every step would stall them."""
    table = torch.stack(unread).double()
    unread.clear()
    rows = (combine(table, state.fabric) if state.fabric.world_size > 1 else table).tolist()
    for number, (loss, correct, samples) in enumerate(rows):
        if not math.isfinite(loss):
            raise find_not_finite(state.module, inputs, step=state.step - len(rows) + number + 1)
        _record_loss(state, loss, correct, int(samples))


def _step_event(state: TrainingState) -> Step:
    mean, rate = sum(state.window) / len(state.window), float(state.optimizer.param_groups[0]["lr"])
    state.window.clear()
    return Step(state.step, state.epoch, mean, rate, state.samples, state.seconds)


def _clip(state: TrainingState) -> None:
    """Clip the gradient norm to `clip_norm` (Pascanu et al. 2013)."""
    if state.wrapped:
        state.fabric.clip_gradients(state.model, state.optimizer, max_norm=state.config.clip_norm)
    else:
        torch.nn.utils.clip_grad_norm_(state.module.parameters(), state.config.clip_norm)


def _validate(state: TrainingState, validation: Validation, *, counts: bool) -> Epoch:
    """Validate the finished epoch, store its weights if they are the best, and advance to the next epoch."""
    begin = time.perf_counter()
    samples = max(1, state.samples)
    metrics = {"train_loss": state.loss_sum / samples}
    if counts:
        metrics["train_accuracy"] = state.correct / samples
    state.evaluated.eval()
    with torch.no_grad():
        metrics |= by_first(state.fabric, lambda: validation.measure(state.evaluated))
    state.evaluated.train()
    value = metrics[validation.metric]
    if state.is_better(value, validation.mode):
        state.keep_best(value)
    state.seconds += time.perf_counter() - begin
    done = Epoch(state.step, state.epoch, metrics, state.seconds, is_best=state.best_epoch == state.epoch)
    state.next_epoch()
    return done
