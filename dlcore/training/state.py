"""Everything a training run carries from one step to the next, so that it can stop anywhere and go on elsewhere."""

import os
from typing import IO, Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from dlcore.core import seeds
from dlcore.training import gradients, optimizers
from dlcore.training.config import TrainingConfig
from dlcore.training.progress import KEPT, Progress

# Importing Fabric makes torch ask for a GPU by opening NVML's library anew at every optimiser step (40 microseconds on
# a machine without one, a tenth of a small model's step). Fabric wants it for forked processes, and we never fork.
os.environ.pop("PYTORCH_NVML_BASED_CUDA_CHECK", None)

TINY, PROBED_IF_TINY = 20_000, 5
"""A network with fewer parameters is looked at besides its gradient at every fifth recorded step alone: its steps take
half a millisecond, of which a look at each would be a twentieth; for larger ones it is 1 to 3 in a hundred."""


_PROGRESS = (*KEPT, "best_weights")


class TrainingState(Progress):
    """Model, optimiser, position and best weights of one training run.

    Consistent whenever `fit` yields: `snapshot()` taken then and given to `restore()` in a new process goes on
    bitwise alike on a CPU. `module` is the plain module, `model` what is called in a step (wrapped by Fabric where
    precision or several processes ask for it; the wrapper costs 1-4 % on a tiny model, so it is left out elsewhere).
    """

    def __init__(self, module: nn.Module, config: TrainingConfig, *, steps_per_epoch: int, fabric: Fabric) -> None:
        super().__init__(config, steps_per_epoch=steps_per_epoch)
        self.fabric = fabric
        self.device = fabric.device
        self.module = module.to(fabric.device)
        self.wrapped = fabric.world_size > 1 or config.precision != "32-true"
        optimiser = optimizers.create(self.module, config)
        self.model: nn.Module = self.module
        self.optimiser: torch.optim.Optimizer = optimiser
        if self.wrapped:
            self.model, self.optimiser = fabric.setup(self.module, optimiser)
        self.layers = gradients.layers(self.module)
        tiny = count_parameters(self.module)[0] < TINY
        self.probe_every = self.gradient_every * (PROBED_IF_TINY if tiny else 1)
        self.best_weights: dict[str, Tensor] = {}

    def snapshot(self) -> dict[str, Any]:
        """All of it in tensors, numbers, lists and dicts: `torch.load(weights_only=True)` reads it back."""
        return {
            "progress": {name: getattr(self, name) for name in _PROGRESS},
            "module": self.module.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "precision": self.fabric.strategy.precision.state_dict(),
            "random": seeds.capture(),
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot of the same model and config."""
        self.module.load_state_dict(snapshot["module"])
        self.optimiser.load_state_dict(snapshot["optimiser"])
        self.fabric.strategy.precision.load_state_dict(snapshot["precision"])
        for name in _PROGRESS:
            setattr(self, name, snapshot["progress"][name])
        self.window = list(self.window)
        seeds.restore(snapshot["random"])

    def keep_best(self, value: float) -> None:
        """Take the weights as they are as the best so far."""
        self.best_epoch, self.best_value, self.stale = self.epoch, value, 0
        self.best_weights = {k: v.detach().to("cpu", copy=True) for k, v in self.module.state_dict().items()}

    def load_best(self) -> None:
        """Put the best epoch's weights into the module."""
        if self.best_weights:
            self.module.load_state_dict(self.best_weights)

    @property
    def loss_scale(self) -> float:
        """What a mixed-precision scaler multiplies the loss with."""
        scaler = getattr(self.fabric.strategy.precision, "scaler", None)
        return float(scaler.get_scale()) if scaler is not None else 1.0


def thread_count(parameters: int, cores: int) -> int:
    """Threads for a model of so many parameters.

    Small ones are fastest on one, or nearly (on two free cores 0.8 to 1.3 times as fast), and beside other busy
    processes two threads wait for each other all the time: a small LSTM's epoch of 2.2 s took 25 s.
    """
    return 1 if parameters < 300_000 else max(1, cores)


def count_parameters(module: nn.Module) -> tuple[int, int]:
    """All parameters, and those that are trained."""
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in module.parameters()]
    return sum(n for n, _ in sizes), sum(n for n, trained in sizes if trained)


def load_snapshot(data: IO[bytes]) -> dict[str, Any]:
    """Read a snapshot from an open file, tensors on the CPU; never runs code from it."""
    snapshot: dict[str, Any] = torch.load(data, map_location="cpu", weights_only=True)
    return snapshot
