"""Measures single steps of a training loop that another program runs: gradient norms, updates and activations."""

import time
from contextlib import ExitStack
from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter
from torch.optim.optimizer import Optimizer, register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from dlcore.inference.structure import is_softmax
from dlcore.training import gradients
from dlcore.training.probes import Probe, Values

Measured = tuple[tuple[float, ...], dict[str, Values]]
"""Gradient norm by layer, and the other probes by the names of `training.events.MEASURES`."""


class StepProbe:
    """Waits, once armed, for the next step of an optimizer of the module's parameters, and measures it.

    Gradient norms are those that the optimizer receives: unscaled, and after clipping. Without an armed step nothing is
    hooked, so other steps cost nothing. `seconds` is the time spent on measuring the last step.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.layers: dict[str, list[nn.Parameter]] = {}
        self.seconds = 0.0
        self._probe: Probe | None = None
        self._ids: frozenset[int] = frozenset()
        self._armed = ExitStack()
        self._watching = ExitStack()
        self._norms: tuple[float, ...] = ()
        self._measured: Measured | None = None
        self._began = 0.0
        self.has_stale_gradients: list[bool] = []
        """Of each measured step: whether its backward pass found gradients of the step before."""
        self.is_softmax = self.has_stepped = self._looked = False

    @property
    def is_armed(self) -> bool:
        """Whether the next optimizer step is measured."""
        return bool(self._ids) and self._began > 0

    def arm(self) -> None:
        """Measure the next optimizer step."""
        if self._began or not self._find_layers() or self._probe is None:
            return
        self._began, self.seconds = time.perf_counter(), 0.0
        self._watching.enter_context(self._probe.watching())
        handle = self.module.register_forward_hook(self._look)
        self._watching.callback(handle.remove)
        self._looked = False
        for handle in (
            register_optimizer_step_pre_hook(self._before_step),
            register_optimizer_step_post_hook(self._after_step),
        ):
            self._armed.callback(handle.remove)
        self.seconds = time.perf_counter() - self._began

    def take(self) -> Measured | None:
        """Return what the last step measured, once; None while nothing was."""
        measured, self._measured = self._measured, None
        return measured

    def close(self) -> None:
        """Remove all hooks."""
        self._watching.close()
        self._armed.close()
        self._began = 0.0

    def _find_layers(self) -> bool:
        """Find the layers again: lazy modules get their parameters, and loops freeze and unfreeze."""
        if any(isinstance(parameter, UninitializedParameter) for parameter in self.module.parameters()):
            return False
        layers = gradients.layers(self.module)
        if list(layers) != list(self.layers):
            self.layers, self._probe = layers, Probe(self.module, layers)
            self._ids = frozenset(id(parameter) for group in layers.values() for parameter in group)
        return bool(layers)

    def _look(self, module: nn.Module, _: Any, output: Any) -> None:
        """Look at the first output of a step, and at the gradients when its backward pass begins."""
        output = output[0] if isinstance(output, tuple) else output
        if self._looked or not isinstance(output, Tensor) or not module.training:
            return
        self._looked = True
        self.is_softmax = is_softmax(output.detach())
        if output.requires_grad and self.has_stepped:
            output.register_hook(self._at_backward)

    def _at_backward(self, _: Tensor) -> None:
        parameters = (parameter for group in self.layers.values() for parameter in group)
        self.has_stale_gradients.append(any(each.grad is not None and bool(each.grad.any()) for each in parameters))

    def _belongs(self, optimizer: Optimizer) -> bool:
        return any(id(parameter) in self._ids for group in optimizer.param_groups for parameter in group["params"])

    def _before_step(self, optimizer: Optimizer, *_: Any) -> None:
        if not self._belongs(optimizer) or self._probe is None:
            return
        began = time.perf_counter()
        self._watching.close()
        self._norms = gradients.norms(list(self.layers.values()))
        self._probe.before_update()
        self.seconds += time.perf_counter() - began

    def _after_step(self, optimizer: Optimizer, *_: Any) -> None:
        if not self._belongs(optimizer) or not self._norms or self._probe is None:
            return
        began = time.perf_counter()
        self._measured = self._norms, dict(self._probe.measures())
        self._norms = ()
        self.has_stepped = True
        self.close()
        self.seconds += time.perf_counter() - began
