"""The learning-rate range test of a config: in this process, or in a worker that waits for its device like a run."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, count, islice
from typing import TYPE_CHECKING, Any

import dlcore.runs.lifecycle as lifecycle
from dlcore.core.errors import RequestError, one_line
from dlcore.runs.folder import RATE_TEST, RunFolder, of_run, read_json, translate_errors, write_json

if TYPE_CHECKING:
    import torch

    from dlcore.projects.run_config import RunConfig

STEPS = 100


@dataclass(frozen=True)
class RateTest:
    """A range test of a config: its state, why it failed, and `result` of `find_rate` once finished."""

    test_id: str
    state: str
    reason: str
    result: dict[str, Any]

    @property
    def is_active(self) -> bool:
        """Whether it waits or runs."""
        return self.state in lifecycle.ACTIVE


def find_rate(config: "RunConfig", *, steps: int = STEPS) -> dict[str, Any]:
    """Return `rates`, `losses` and `smoothed` losses (n,) of a range test, the `suggestion` and the `configured` rate.

    Network, seed and batches are those of the run; neither is changed.

    Raises:
        RequestError: the model does not train with an optimizer.
        DataMissingError: the dataset is not on this machine.
    """
    import torch

    from dlcore import projects
    from dlcore.core import devices, seeds
    from dlcore.data.batches import Batches
    from dlcore.projects.custom import networks
    from dlcore.training import memory, optimizers, rate_finder

    project = projects.get(config.project)
    if project.models[config.model].training_loop is not None:
        raise RequestError(f"'{config.model}' has its own training loop: there is no learning rate to find.")
    device = devices.resolve(config.device)
    with torch.random.fork_rng(), memory.catch_out_of_memory(config.training.batch_size, device):
        seeds.seed_everything(config.seed)
        prepared = project.prepare(config)
        seeds.seed_everything(config.seed)
        with networks.running_here(device):
            module = project.models[config.model].build(config.model_options, prepared.facts)
        if prepared.start is not None:
            prepared.start(module)
        batches = Batches(
            prepared.train,
            config.training.batch_size,
            seed=config.seed,
            device=torch.device(device),
            transform=prepared.transform,
        )
        epochs = chain.from_iterable(batches.epoch(number) for number in count(1))

        def create(copy: "torch.nn.Module") -> "torch.optim.Optimizer":
            return optimizers.create(copy, config.training)

        rates, losses = rate_finder.sweep(
            module.to(device),
            islice(epochs, steps),
            loss=project.objective(config, prepared).loss,
            optimizer=create,
            steps=steps,
        )
    return {
        "project": config.project,
        "model": config.model,
        "dataset": config.dataset,
        "suggestion": rate_finder.suggest_rate(rates, losses),
        "configured": config.training.learning_rate,
        "steps": len(rates),
        "rates": rates.tolist(),
        "losses": losses.tolist(),
        "smoothed": rate_finder.smooth(losses).tolist(),
    }


def start(config: "RunConfig") -> RateTest:
    """Start the range test of a config in a worker; a finished one is repeated, an active one stays.

    Raises:
        StoreError: the folder cannot be written.
        RunError: no worker can be started on this machine.
    """
    from dlcore.core import devices

    folder = _folder(config)
    if not _read(folder).is_active:
        shutil.rmtree(folder.path, ignore_errors=True)
        with translate_errors(folder.path):
            folder.path.mkdir(parents=True)
            write_json(folder.config, config.model_dump())
        lifecycle.write_state(folder, "queued")
        lifecycle.start(folder, device=devices.resolve(config.device))
    return _read(folder)


def find(config: "RunConfig") -> RateTest | None:
    """Return the range test of a config; None if it was never started."""
    folder = _folder(config)
    return _read(folder) if folder.state.exists() else None


def wait(config: "RunConfig", *, timeout: float | None = None) -> RateTest:
    """Wait for the end of the range test, at most `timeout` seconds."""
    lifecycle.wait(_folder(config), timeout=timeout)
    return _read(_folder(config))


def work(folder: RunFolder, log: Callable[[str], None]) -> None:
    """Run the range test of a folder, in its worker."""
    from dlcore import projects

    lifecycle.write_state(folder, "running")
    try:
        result = find_rate(projects.load_config(read_json(folder.config)))
        write_json(folder.path / "rates.json", result)
    except Exception as error:
        log(f"failed: {type(error).__name__}: {one_line(error)}")
        lifecycle.write_state(folder, "failed", one_line(error))
    else:
        log(f"finished: {result['suggestion']:.3g}")
        lifecycle.write_state(folder, "finished")


def _read(folder: RunFolder) -> RateTest:
    if not folder.state.exists():
        return RateTest(folder.run_id, "none", "", {})
    live = lifecycle.live_state(folder)
    return RateTest(folder.run_id, live.state, live.reason, read_json(folder.path / "rates.json"))


def _folder(config: "RunConfig") -> RunFolder:
    """Return the folder of the range test of a config; learning rate and number of epochs do not matter."""
    values = config.model_dump()
    values["training"] = {
        k: v for k, v in values["training"].items() if k not in ("learning_rate", "epochs", "patience")
    }
    digest = hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:24]
    return of_run(f"{RATE_TEST}{digest}")
