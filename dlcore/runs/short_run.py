"""A short training in this process, to see the effect of a setting: no run, no files."""

import threading
import time
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

import numpy as np

from dlcore.runs.record import Curve, GradientNorms

if TYPE_CHECKING:
    from dlcore.data.splits import Prepared
    from dlcore.projects.project import RunConfig
    from dlcore.training.events import Gradients

_LOCK = threading.Lock()


@dataclass(frozen=True)
class ShortRun:
    """Result of a short training: gradient norms per layer, the loss of every step, and its duration.

    If training failed, `error` says why in one line and `failed_step` at which step (else 0).
    """

    gradients: GradientNorms
    losses: Curve
    seconds: float
    error: str = ""
    failed_step: int = 0


def run_short(config: "RunConfig", prepared: "Prepared", *, steps: int = 50, every: int = 2) -> ShortRun:
    """Train `steps` steps on the CPU, with a probe every `every` steps; deterministic for a config.

    Short runs of one process run one after another, on one thread; the state of torch's generator is restored.
    """
    import torch

    begin = time.perf_counter()
    with _LOCK, torch.random.fork_rng(devices=[]):
        before = torch.get_num_threads()
        torch.set_num_threads(1)  # fastest for small networks, and fair to other sessions
        try:
            return _steps(config, prepared, steps, every, begin)
        finally:
            torch.set_num_threads(before)


def _steps(config: "RunConfig", prepared: "Prepared", steps: int, every: int, begin: float) -> ShortRun:
    import torch

    from dlcore import projects
    from dlcore.core.errors import NotFiniteError
    from dlcore.data.batches import Batches
    from dlcore.runs.accelerator import connect
    from dlcore.training.events import Gradients, Step
    from dlcore.training.fit import Validation, fit
    from dlcore.training.state import TrainingState
    from dlcore.training.training_loop import TrainingLoop

    project = projects.get(config.project)
    torch.manual_seed(config.seed)
    module = project.models[config.model].build(config.model_options, prepared.facts)
    if prepared.start is not None:
        prepared.start(module)
    validation = Validation(lambda _: {"validation_loss": 0.0})
    state: TrainingState | TrainingLoop
    if (build_loop := project.models[config.model].training_loop) is not None:
        state = build_loop(module, prepared, config)
        events = state.events(validation)
    else:
        batches = Batches(prepared.train, config.training.batch_size, seed=config.seed, transform=prepared.transform)
        state = TrainingState(module, config.training, steps_per_epoch=len(batches), fabric=connect("cpu"))
        state.probe_every = every
        events = fit(state, batches, objective=project.objective(config, prepared), validation=validation)
    state.gradient_every, state.log_every = every, 1
    gradients: list[Gradients] = []
    losses: list[tuple[int, float]] = []
    message, failed_step = "", 0
    try:
        for event in takewhile(lambda event: event.step <= steps, events):
            if isinstance(event, Gradients):
                gradients.append(event)
            elif isinstance(event, Step):
                losses.append((event.step, event.loss))
                if event.step == steps:
                    break
    except NotFiniteError as error:
        message, failed_step = str(error), error.step
    return ShortRun(
        _norms(tuple(state.layers), gradients), _curve(losses), time.perf_counter() - begin, message, failed_step
    )


def _norms(layers: tuple[str, ...], events: "list[Gradients]") -> GradientNorms:
    return GradientNorms(
        layers,
        np.array([event.step for event in events], dtype=np.int64),
        np.array([event.norms for event in events], dtype=np.float64).reshape(len(events), len(layers)),
        {
            name: np.array([event.measures[name] for event in events], dtype=np.float64)
            for name in (events[0].measures if events else ())
        },
    )


def _curve(rows: list[tuple[int, float]]) -> Curve:
    steps, values = zip(*rows, strict=True) if rows else ((), ())
    return Curve(np.array(steps, dtype=np.int64), np.array(values, dtype=np.float64))
