"""How a run builds its network, as code of a training script."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor, nn

from dlcore import projects
from dlcore.core import seeds
from dlcore.core.config import Config
from dlcore.core.errors import RunError
from dlcore.data.splits import Prepared
from dlcore.projects.project import RunConfig
from dlcore.runs.standalone.source import CollectedSource, collect
from dlcore.training.state import count_parameters, thread_count

INITIAL = "initial."
"""Prefix of the arrays of pretrained weights from which training starts."""


@dataclass(frozen=True)
class Construction:
    """How a network is built: its source and the call as code. `initial` are the weights at the start of training that
    differ from those of a new network: pretrained ones. `threads`: number of threads that suits its size; 0: any.
    `has_rates`: its method `rates` returns groups of parameters with their share of the learning rate. `functions` are
    `custom_loss` and `custom_augmentation` if the source has them.
    """

    builder: Callable[..., Any] | CollectedSource
    call: str
    initial: Mapping[str, np.ndarray]
    threads: int = 0
    has_rates: bool = False
    functions: tuple[str, ...] = ()

    def collect(self, *, uses: str, is_brief: bool) -> CollectedSource:
        """Return the source of the network."""
        if isinstance(self.builder, CollectedSource):
            return self.builder
        return collect([self.builder], uses=uses, is_brief=is_brief)


def construct(config: RunConfig, prepared: Prepared) -> Construction:
    """Return how the network of a run is built before training.

    Raises:
        RunError: an argument of its constructor has no source form.
    """
    entry = projects.get(config.project).models[config.model]
    if entry.training_loop is not None:
        raise RunError(f"'{config.model}' is not trained with autograd, so it has no training script.")
    seeds.seed_everything(config.seed)
    module = entry.build(config.model_options, prepared.facts)
    kind = type(module)
    calls: list[Any] = []
    original: Any = kind.__init__

    def record(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        if type(self) is kind and not calls:
            calls.append((args, kwargs))
        original(self, *args, **kwargs)

    seeds.seed_everything(config.seed)
    with mock.patch.object(kind, "__init__", record):
        entry.build(config.model_options, prepared.facts)
    args, kwargs = calls[0]
    seeds.seed_everything(config.seed)
    plain = kind(*args, **kwargs)
    if prepared.start is not None:
        prepared.start(module)
    if prepared.train.inputs[0].is_floating_point() and _trains_head(module):
        return _head(module)
    before = _tensors(plain)
    initial = {
        name: value.numpy()
        for name, value in _tensors(module).items()
        if name not in before or not torch.equal(value, before[name])
    }
    values = [*map(_literal, args), *(f"{name}={_literal(value)}" for name, value in kwargs.items())]
    threads = 1 if thread_count(count_parameters(module)[0], cores=2) == 1 else 0
    has_rates = callable(getattr(module, "rates", None))
    return Construction(kind, f"{kind.__name__}({', '.join(values)})", initial, threads, has_rates)


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    """Return the state of a network, with frozen weights that its state dict leaves out."""
    return module.state_dict() | {name: value.detach() for name, value in module.named_parameters()}


def _trains_head(module: nn.Module) -> bool:
    names = {name.partition(".")[0] for name, parameter in module.named_parameters() if parameter.requires_grad}
    return names == {"head"}


def _head(module: nn.Module) -> Construction:
    """Return the head of a network that is frozen otherwise, whose inputs are features, with its initial weights."""
    head = module.get_submodule("head")
    parts = ", ".join(f"nn.{part!r}" for part in head.children())
    doc = '"""Return the trained part: features of the frozen network -> logits."""'
    code = f"def build_head() -> nn.Module:\n    {doc}\n    return nn.Sequential({parts})\n"
    source = CollectedSource(definitions={"build_head": code}, imports={"from torch import nn"})
    return Construction(source, "build_head()", {name: value.numpy() for name, value in head.state_dict().items()}, 1)


def _literal(value: Any) -> str:
    """Return a value as code.

    Raises:
        RunError: it is an object other than a config.
    """
    if isinstance(value, Config):
        return f"SimpleNamespace({', '.join(f'{name}={each!r}' for name, each in value.model_dump().items())})"
    if isinstance(value, str | int | float | bool | tuple | list | dict | type(None)):
        return repr(value)
    raise RunError(f"the network is built from a {type(value).__name__}, which has no form in a script.")
