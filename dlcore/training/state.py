"""State of a training run between two steps: it can be saved at any event and resumed in another process."""

import os
from typing import IO, Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from dlcore.core import seeds
from dlcore.training import gradients, optimizers
from dlcore.training.averaging import moving_average
from dlcore.training.config import TrainingConfig
from dlcore.training.progress import COUNTERS, Progress

# Importing Fabric makes torch query for a GPU through NVML at every optimizer step (40 microseconds on a machine
# without one, a tenth of a small model's step). Fabric needs that for forked processes only, and we never fork.
os.environ.pop("PYTORCH_NVML_BASED_CUDA_CHECK", None)

TINY, PROBED_IF_TINY = 20_000, 5
"""Networks with fewer parameters are probed at every fifth recorded step only: their steps take half a millisecond,
and probing each would add 5 %; for larger networks it adds 1 to 3 %.
"""


FP32, BF16 = "32-true", "bf16-mixed"

_PROGRESS = (*COUNTERS, "best_weights")


class TrainingState(Progress):
    """Model, optimizer, position and best weights of one training run.

    Consistent whenever `fit` yields: a `snapshot()` taken then and passed to `restore()` in a new process continues
    bitwise identically on CPU. `module` is the plain module, `model` the callable used in a step (wrapped by Fabric if
    precision or several processes require it; the wrapper costs 1-4 % on a tiny model, so it is avoided elsewhere).
    """

    def __init__(self, module: nn.Module, config: TrainingConfig, *, steps_per_epoch: int, fabric: Fabric) -> None:
        super().__init__(config, steps_per_epoch=steps_per_epoch)
        self.fabric = fabric
        self.device = fabric.device
        if fabric.world_size > 1 and fabric.device.type == "cuda":
            module = nn.SyncBatchNorm.convert_sync_batchnorm(module)
        self.module = module.to(fabric.device)
        self.is_relaid = config.precision == BF16 and channels_last(self.module)
        self.wrapped = fabric.world_size > 1 or config.precision not in ("auto", FP32)
        optimizer = optimizers.create(self.module, config)
        self.model: nn.Module = self.module
        self.optimizer: torch.optim.Optimizer = optimizer
        if self.wrapped:
            self.model, self.optimizer = fabric.setup(self.module, optimizer)
        self.average = moving_average(self.module, config.ema) if config.ema else None
        self.layers = gradients.layers(self.module)
        tiny = count_parameters(self.module)[0] < TINY
        self.probe_every = self.gradient_every * (PROBED_IF_TINY if tiny else 1)
        self.best_weights: dict[str, Tensor] = {}
        self.batch_correct: list[Tensor] = []  # which samples of this epoch's batches were correct
        self.epoch_correct: list[Tensor] = []  # the same for each finished epoch, as packed bits

    def snapshot(self) -> dict[str, Any]:
        """Return the whole state as tensors, numbers, lists and dicts that `torch.load(weights_only=True)` reads."""
        return {
            "progress": {name: getattr(self, name) for name in _PROGRESS},
            "module": self.module.state_dict(),
            "optimiser": self.optimizer.state_dict(),
            "precision": self.fabric.strategy.precision.state_dict(),
            "random": seeds.capture(),
            "batch_correct": torch.cat(self.batch_correct) if self.batch_correct else torch.zeros(0, dtype=torch.bool),
            "epoch_correct": list(self.epoch_correct),
            "average": self.average.state_dict() if self.average else {},
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Restore a snapshot of the same model and config."""
        self.module.load_state_dict(snapshot["module"])
        self.optimizer.load_state_dict(snapshot["optimiser"])
        self.fabric.strategy.precision.load_state_dict(snapshot["precision"])
        for name in _PROGRESS:
            setattr(self, name, snapshot["progress"][name])
        self.window = list(self.window)
        if "batch_correct" in snapshot:  # missing in checkpoints of earlier releases
            self.batch_correct = [snapshot["batch_correct"].to(self.device)]
            self.epoch_correct = list(snapshot["epoch_correct"])
        if self.average:
            self.average.load_state_dict(snapshot["average"])
        seeds.restore(snapshot["random"])

    def next_epoch(self) -> None:
        """Advance to the next epoch, after packing which samples of this one were correct."""
        if self.batch_correct:
            bits = np.packbits(torch.cat(self.batch_correct).cpu().numpy())
            self.epoch_correct.append(torch.from_numpy(bits))
        self.batch_correct = []
        super().next_epoch()

    @property
    def evaluated(self) -> nn.Module:
        """The module that is validated and kept: with averaged weights if the config has an average."""
        module: nn.Module = self.average.module if self.average else self.module
        return module

    def keep_best(self, value: float) -> None:
        """Store the evaluated weights as the best so far."""
        self.best_epoch, self.best_value, self.stale = self.epoch, value, 0
        self.best_weights = {k: v.detach().to("cpu", copy=True) for k, v in self.evaluated.state_dict().items()}

    def load_best(self) -> None:
        """Load the best epoch's weights into the module, in the memory format in which it was built."""
        if self.best_weights:
            self.module.load_state_dict(self.best_weights)
        if self.is_relaid:
            self.module.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]

    @property
    def loss_scale(self) -> float:
        """Return the loss scale of mixed-precision training."""
        scaler = getattr(self.fabric.strategy.precision, "scaler", None)
        return float(scaler.get_scale()) if scaler is not None else 1.0


def channels_last(module: nn.Module) -> bool:
    """Store the weights of convolutions on images channels last, which bf16 needs to be fast; return whether any
    changed."""
    weights = [part.weight for part in module.modules() if isinstance(part, nn.Conv2d | nn.ConvTranspose2d)]
    if all(weight.is_contiguous(memory_format=torch.channels_last) for weight in weights):
        return False
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return True


def thread_count(parameters: int, cores: int) -> int:
    """Return the number of threads for a model with this many parameters.

    Small models are fastest on one thread (two free cores: 0.8 to 1.3 times as fast), and next to other busy processes
    two threads wait for each other: an epoch of a small LSTM took 25 s instead of 2.2 s.
    """
    return 1 if parameters < 300_000 else max(1, cores)


def count_parameters(module: nn.Module) -> tuple[int, int]:
    """Return the number of parameters, in total and trainable."""
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in module.parameters()]
    return sum(n for n, _ in sizes), sum(n for n, trained in sizes if trained)


def load_snapshot(data: IO[bytes]) -> dict[str, Any]:
    """Read a snapshot from an open file, tensors on the CPU; never executes code from it."""
    snapshot: dict[str, Any] = torch.load(data, map_location="cpu", weights_only=True)
    return snapshot
