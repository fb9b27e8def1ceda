"""Training loop for NumPy networks: yields the same events as `fit`, without importing torch."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from dlcore.core.errors import NotFiniteError
from dlcore.training.config import TrainingConfig
from dlcore.training.events import MEASURES, Epoch, Event, Finished, Gradients, Step
from dlcore.training.progress import COUNTERS, Progress
from dlcore.training.schedules import learning_rate

Arrays = dict[str, np.ndarray]


class NumpyNetworkProtocol(Protocol):
    """Named arrays that are updated in place, with a forward and a backward pass."""

    def forward(self, x: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        """Return the scores of a batch; pass `rng` while training."""
        ...

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Return the gradient of every parameter, given the gradient of the scores."""
        ...

    @property
    def parameters(self) -> Arrays:
        """Return the trainable arrays."""
        ...

    @property
    def gradients(self) -> Arrays:
        """The gradient of each parameter."""
        ...

    @property
    def buffers(self) -> Arrays:
        """Return the arrays that are stored but not trained."""
        ...

    def trainable_layers(self) -> list[str]:
        """Return the names of the layers with parameters."""
        ...

    def output_statistics(self) -> dict[str, tuple[float, float, float | None]]:
        """Return mean, variance and dead-unit share of the outputs of each layer with parameters."""
        ...

    def find_overflow(self) -> str:
        """Return the first layer whose output is not finite."""
        ...


class NumpyOptimizerProtocol(Protocol):
    """Update rule that changes parameters in place and keeps its own state."""

    steps: int
    memory: Arrays

    def step(self, parameters: Mapping[str, np.ndarray], gradients: Mapping[str, np.ndarray], rate: float) -> None:
        """Take one step with this learning rate."""
        ...


class NumpyLoss(Protocol):
    """Mean loss of a batch and its gradient."""

    def forward(self, z: np.ndarray, targets: np.ndarray) -> float:
        """Return the loss of scores (N, K)."""
        ...

    def backward(self) -> np.ndarray:
        """Return the gradient (N, K)."""
        ...


class NumpyBatches(Protocol):
    """Training batches, always in the same order for the same epoch."""

    def __len__(self) -> int:
        """Return the number of steps per epoch."""
        ...

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield inputs and class numbers of one epoch, from batch `start` on."""
        ...


@dataclass(frozen=True)
class Check:
    """measure: returns the validation metrics of the current network; `metric` and `mode` select the best epoch."""

    measure: Callable[[], dict[str, float]]
    metric: str = "validation_loss"
    mode: Literal["min", "max"] = "min"


class NumpyTrainingState(Progress):
    """Network, optimizer, position and best weights of one NumPy training run.

    Consistent whenever `fit` yields. Random numbers come from a generator seeded by (seed, step), so none is stored.
    """

    def __init__(
        self,
        network: NumpyNetworkProtocol,
        optimizer: NumpyOptimizerProtocol,
        config: TrainingConfig,
        *,
        steps_per_epoch: int,
        seed: int,
    ) -> None:
        super().__init__(config, steps_per_epoch=steps_per_epoch)
        self.network, self.optimizer, self.seed = network, optimizer, seed
        self.layers = network.trainable_layers()
        self.best_weights: Arrays = {}

    def arrays(self) -> Arrays:
        """Return parameters and buffers (the arrays themselves, not copies)."""
        return {**self.network.parameters, **self.network.buffers}

    def snapshot(self) -> dict[str, Any]:
        """Return the whole state as arrays, numbers, lists and dicts."""
        return {
            "progress": {name: getattr(self, name) for name in COUNTERS},
            "network": self.arrays(),
            "memory": self.optimizer.memory,
            "optimiser_steps": self.optimizer.steps,
            "best_weights": self.best_weights,
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Restore a snapshot of the same network and config."""
        for name in COUNTERS:
            setattr(self, name, snapshot["progress"][name])
        self.window = list(self.window)
        self._load_arrays(snapshot["network"])
        self.optimizer.memory = {name: array.copy() for name, array in snapshot["memory"].items()}
        self.optimizer.steps = snapshot["optimiser_steps"]
        self.best_weights = dict(snapshot["best_weights"])

    def keep_best(self, value: float) -> None:
        """Store the current weights as the best so far."""
        self.best_epoch, self.best_value, self.stale = self.epoch, value, 0
        self.best_weights = {name: array.copy() for name, array in self.arrays().items()}

    def load_best(self) -> None:
        """Load the best epoch's weights into the network."""
        if self.best_weights:
            self._load_arrays(self.best_weights)

    def _load_arrays(self, weights: Mapping[str, np.ndarray]) -> None:
        for name, array in self.arrays().items():
            array[...] = weights[name]


def fit(state: NumpyTrainingState, batches: NumpyBatches, *, loss: NumpyLoss, check: Check) -> Iterator[Event]:
    """Train from the current position of `state` to the end of its config; yields the events of `training.fit`.

    Raises:
        NotFiniteError: the loss is not finite; names the step and the layer.
    """
    while state.epoch <= state.config.epochs and not state.exhausted:
        yield from _epoch(state, batches, loss)
        yield _validate(state, check)
    yield Finished(state.step, state.epoch - 1, early=state.epoch <= state.config.epochs)


def _epoch(state: NumpyTrainingState, batches: NumpyBatches, loss: NumpyLoss) -> Iterator[Event]:
    config, network = state.config, state.network
    if state.window and _is_due(state):
        yield _step_event(state)  # the run was interrupted between the two events of a step
    begin = time.perf_counter()
    for x, targets in batches.epoch(state.epoch, state.batch):
        step = state.step + 1
        is_recorded = state.gradient_every and (step % state.gradient_every == 0 or step == 1)
        with np.errstate(all="ignore"):  # a non-finite loss is detected and explained below
            scores = network.forward(x, np.random.default_rng([state.seed, step]))
            value = loss.forward(scores, targets)
            if not math.isfinite(value):
                raise _diagnose(network, x, step)
            network.backward(loss.backward())
            gradients = network.gradients
            norms = _norms(state.layers, gradients) if is_recorded else ()
            if config.clip_norm:
                _clip(gradients, config.clip_norm)
            before = {name: array.copy() for name, array in network.parameters.items()} if is_recorded else {}
            state.optimizer.step(network.parameters, gradients, learning_rate(config, step, state.steps))
            measures = _measures(state, before) if is_recorded else {}
        _record_loss(state, value, int((scores.argmax(axis=1) == targets).sum()), len(targets))
        due = _is_due(state)
        if due or norms:
            state.seconds += time.perf_counter() - begin
            if norms:
                yield Gradients(step, norms, measures)
            if due:
                yield _step_event(state)
            begin = time.perf_counter()


def _is_due(state: NumpyTrainingState) -> bool:
    return state.step % state.log_every == 0 or state.batch == state.steps_per_epoch


def _record_loss(state: NumpyTrainingState, loss: float, correct: int, samples: int) -> None:
    state.step += 1
    state.batch += 1
    state.samples += samples
    state.window.append(loss)
    state.loss_sum += loss * samples
    state.correct += correct


def _step_event(state: NumpyTrainingState) -> Step:
    mean, rate = sum(state.window) / len(state.window), learning_rate(state.config, state.step, state.steps)
    state.window.clear()
    return Step(state.step, state.epoch, mean, rate, state.samples, state.seconds)


def _validate(state: NumpyTrainingState, check: Check) -> Epoch:
    """Validate the finished epoch, store its weights if they are the best, and advance to the next epoch."""
    begin = time.perf_counter()
    samples = max(1, state.samples)
    metrics = {"train_loss": state.loss_sum / samples, "train_accuracy": state.correct / samples, **check.measure()}
    value = metrics[check.metric]
    if state.is_better(value, check.mode):
        state.keep_best(value)
    state.seconds += time.perf_counter() - begin
    done = Epoch(state.step, state.epoch, metrics, state.seconds, is_best=state.best_epoch == state.epoch)
    state.next_epoch()
    return done


def _by_layer(layers: list[str], arrays: Mapping[str, np.ndarray]) -> list[float]:
    """Return the L2 norm of each layer's arrays."""
    squares = dict.fromkeys(layers, 0.0)
    for name, array in arrays.items():
        squares[name.rpartition(".")[0]] += float(np.vdot(array, array))
    return [math.sqrt(value) for value in squares.values()]


def _norms(layers: list[str], gradients: Mapping[str, np.ndarray]) -> tuple[float, ...]:
    return tuple(_by_layer(layers, gradients))


def _clip(gradients: Mapping[str, np.ndarray], longest: float) -> None:
    """Clip the norm of the gradient in place (Pascanu et al. 2013)."""
    length = math.sqrt(sum(float(np.vdot(g, g)) for g in gradients.values()))
    if length > longest:
        for g in gradients.values():
            g *= longest / length


def _measures(state: NumpyTrainingState, before: Arrays) -> dict[str, tuple[float | None, ...]]:
    """Return the other per-layer quantities named in `MEASURES`."""
    updates = _by_layer(state.layers, {name: now - before[name] for name, now in state.network.parameters.items()})
    lengths = _by_layer(state.layers, before)
    ratios = tuple(a / b if b else None for a, b in zip(updates, lengths, strict=True))
    statistics = state.network.output_statistics()
    return dict(zip(MEASURES, (ratios, *zip(*(statistics[name] for name in state.layers), strict=True)), strict=True))


def _diagnose(network: NumpyNetworkProtocol, x: np.ndarray, step: int) -> NotFiniteError:
    if not np.isfinite(x).all():
        return NotFiniteError(step, "input", "this batch contains an infinite or missing value")
    for name, array in network.parameters.items():
        if not np.isfinite(array).all():
            layer, _, parameter = name.rpartition(".")
            return NotFiniteError(step, layer, f"its {parameter} is not finite since the previous update")
    layer = network.find_overflow()
    return NotFiniteError(step, layer or "loss", "its output overflowed")
