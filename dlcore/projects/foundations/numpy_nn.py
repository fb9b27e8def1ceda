"""Training loop of NumPy networks for runs, and its check against autograd."""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import nn

from dlcore.core import devices
from dlcore.data.array_batches import ArrayBatches, Prepare
from dlcore.data.splits import Prepared
from dlcore.models.numpy_module import NumpyModule
from dlcore.models.numpy_nn.layers import SoftmaxCrossEntropy
from dlcore.models.numpy_nn.optimizers import Adam, NumpyOptimizer, Sgd
from dlcore.projects.run_config import RunConfig
from dlcore.training import numpy_nn
from dlcore.training.config import TrainingConfig
from dlcore.training.events import Event
from dlcore.training.fit import Validation
from dlcore.training.state import thread_count


class NumpyTrainingLoop(numpy_nn.NumpyTrainingState):
    """Training state of a NumPy network, with a module that shares its memory for inference."""

    def __init__(
        self, module: nn.Module, prepared: Prepared, config: RunConfig, *, prepare: Prepare | None = None
    ) -> None:
        assert isinstance(module, NumpyModule)
        self.module: nn.Module = module
        train = prepared.train
        self.batches = ArrayBatches(
            train.inputs[0].numpy(),
            train.targets.numpy(),
            config.training.batch_size,
            seed=config.seed,
            prepare=prepare,
        )
        super().__init__(
            module.shared_network().train_only(),
            build_optimizer(config.training),
            config.training,
            steps_per_epoch=len(self.batches),
            seed=config.seed,
        )

    def events(self, validation: Validation) -> Iterator[Event]:
        """Train from here to the end of the config."""
        check = numpy_nn.Check(lambda: validation.measure(self.module), validation.metric, validation.mode)
        with threadpool_limits(limits=self._threads(), user_api="blas"):  # the same limit as for torch
            yield from numpy_nn.fit(self, self.batches, loss=SoftmaxCrossEntropy(), check=check)

    def _threads(self) -> int | None:
        """Return the number of threads; None leaves the choice to OMP_NUM_THREADS."""
        if "OMP_NUM_THREADS" in os.environ:
            return None
        parameters = sum(array.size for array in self.network.parameters.values())
        return thread_count(parameters, devices.allowed_cores())

    def snapshot(self) -> dict[str, Any]:
        """State for checkpoints: arrays as tensors that share memory."""
        exchanged: dict[str, Any] = _exchanged(super().snapshot(), np.ndarray, torch.from_numpy)
        return exchanged

    def restore(self, snapshot: Any) -> None:
        """Restore the state from `snapshot`."""
        super().restore(_exchanged(snapshot, torch.Tensor, torch.Tensor.numpy))


def _exchanged(value: Any, kind: type, change: Any) -> Any:
    """A nested dict with all values of one type converted."""
    if isinstance(value, dict):
        return {name: _exchanged(item, kind, change) for name, item in value.items()}
    return change(value) if isinstance(value, kind) else value


def build_optimizer(config: TrainingConfig) -> NumpyOptimizer:
    """The optimizer of the config."""
    if config.optimizer == "sgd":
        return Sgd(momentum=config.momentum, decay=config.weight_decay)
    return Adam(decay=config.weight_decay, decoupled=config.optimizer == "adamw")
