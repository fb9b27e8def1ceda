"""A few steps here and now, to see what a setting does: no run, no store, nothing left behind."""

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

_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class ShortRun:
    """What a few steps told: what was seen of each layer, the loss of every step, and the seconds it took.

    `broke` says in one line why the steps ended before their time, where they did, and `broke_at` which step could not
    be made then, else 0.
    """

    gradients: GradientNorms
    losses: Curve
    seconds: float
    broke: str = ""
    broke_at: int = 0


def run_short(config: "RunConfig", prepared: "Prepared", *, steps: int = 50, every: int = 2) -> ShortRun:
    """Train `steps` steps of that config on the CPU, probing every `every` of them; the same config, the same answer.

    One at a time in this process, on one thread: torch's generator is set and put back.
    """
    import torch

    begin = time.perf_counter()
    with _ONE_AT_A_TIME, torch.random.fork_rng(devices=[]):
        before = torch.get_num_threads()
        torch.set_num_threads(1)  # small networks are fastest so, and the page's other visitors keep their share
        try:
            return _steps(config, prepared, steps, every, begin)
        finally:
            torch.set_num_threads(before)


def _steps(config: "RunConfig", prepared: "Prepared", steps: int, every: int, begin: float) -> ShortRun:
    import torch
    from lightning_fabric import Fabric

    from dlcore import projects
    from dlcore.core.errors import NotFiniteError
    from dlcore.data.batches import Batches
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
    if (own := project.models[config.model].training_loop) is not None:
        state = own(module, prepared, config)
        events = state.events(validation)
    else:
        batches = Batches(prepared.train, config.training.batch_size, seed=config.seed, transform=prepared.transform)
        state = TrainingState(module, config.training, steps_per_epoch=len(batches), fabric=Fabric(accelerator="cpu"))
        state.probe_every = every
        events = fit(state, batches, objective=project.objective(config, prepared), validation=validation)
    state.gradient_every, state.log_every = every, 1
    seen: list[Gradients] = []
    losses: list[tuple[int, float]] = []
    broke, broke_at = "", 0
    try:
        for event in takewhile(lambda event: event.step <= steps, events):
            if isinstance(event, Gradients):
                seen.append(event)
            elif isinstance(event, Step):
                losses.append((event.step, event.loss))
                if event.step == steps:
                    break
    except NotFiniteError as error:
        broke, broke_at = str(error), error.step
    return ShortRun(_norms(tuple(state.layers), seen), _curve(losses), time.perf_counter() - begin, broke, broke_at)


def _norms(layers: tuple[str, ...], seen: "list") -> GradientNorms:  # type: ignore[type-arg]
    return GradientNorms(
        layers,
        np.array([event.step for event in seen], dtype=np.int64),
        np.array([event.norms for event in seen], dtype=np.float64).reshape(len(seen), len(layers)),
        {
            name: np.array([event.measures[name] for event in seen], dtype=np.float64)
            for name in (seen[0].measures if seen else ())
        },
    )


def _curve(rows: list[tuple[int, float]]) -> Curve:
    steps, values = zip(*rows, strict=True) if rows else ((), ())
    return Curve(np.array(steps, dtype=np.int64), np.array(values, dtype=np.float64))
