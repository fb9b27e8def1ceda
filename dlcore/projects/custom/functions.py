"""Loss and augmentation functions of custom code, in the process that has built its network."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from dlcore.core.errors import RequestError
from dlcore.data.splits import Prepared, Transform
from dlcore.projects.custom import definitions, loading, source
from dlcore.projects.custom.fields import NO_FUNCTION
from dlcore.projects.custom.loading import NetworkError
from dlcore.projects.run_config import RunConfig
from dlcore.training.fit import Objective


class CustomFunction:
    """A function of a network's code; it is found at its first call, as the network is built after the data."""

    def __init__(self, network: source.NetworkSource, definition: definitions.CodeFunction) -> None:
        self.network, self.name, self.line = network, definition.name, definition.line
        self._call: Callable[..., Any] | None = None

    def run(self, *arguments: Tensor) -> Any:
        """Call it; its errors name the line of the code."""
        built = loading.BUILT.get(self.network.network_id)
        if built is None:
            raise RequestError(f"`{self.name}` runs only in the process that trains its network.")
        text, call = self.network.text, self._call
        if call is None:
            definition = built[self.name]
            self._call = call = loading.run(text, definition) if isinstance(definition, type) else definition
        return loading.run(text, lambda: call(*arguments))

    def fail(self, problem: str) -> NetworkError:
        """Return an error that names the line of the definition."""
        return NetworkError(f"line {self.line}: `{self.name}` {problem}", self.line)


class CustomLoss(CustomFunction):
    """Loss of outputs and targets: one number from which a gradient reaches the outputs."""

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of a batch.

        Raises:
            NetworkError: the function fails, or returns something else than a number with a gradient.
        """
        value = self.run(outputs, fill_missing(outputs, targets))
        if not isinstance(value, Tensor):
            raise self.fail(f"returns {type(value).__name__}, not a tensor.")
        if value.numel() != 1 or value.is_complex():
            raise self.fail(f"returns shape {tuple(value.shape)}, not one number: return its mean.")
        if outputs.requires_grad and not value.requires_grad:
            raise self.fail("gives no gradient to the outputs: detach, item or argmax?")
        module = self._call
        if isinstance(module, nn.Module) and next(module.parameters(), None) is not None:
            raise self.fail("has parameters, which nothing trains: put them into the network.")
        return value.reshape(())


class CustomAugmentation(CustomFunction):
    """Transform of a batch: that of the data, then in training a function of the code on the first input."""

    def __init__(
        self, network: source.NetworkSource, definition: definitions.CodeFunction, transform: Transform | None = None
    ) -> None:
        super().__init__(network, definition)
        self.transform = transform

    def __call__(self, inputs: tuple[Tensor, ...], training: bool) -> tuple[Tensor, ...]:
        """Return the inputs of the network.

        Raises:
            NetworkError: the function fails, or changes shape or type.
        """
        if self.transform is not None:
            inputs = self.transform(inputs, training)
        return (self.augment(inputs[0]), *inputs[1:]) if training else inputs

    def augment(self, x: Tensor) -> Tensor:
        """Return a changed copy of a batch of inputs."""
        y = self.run(x.clone())
        if not isinstance(y, Tensor):
            raise self.fail(f"returns {type(y).__name__}, not a tensor.")
        if (y.shape, y.dtype) != (x.shape, x.dtype):
            kinds = [f"{tuple(each.shape)} {str(each.dtype).removeprefix('torch.')}" for each in (x, y)]
            raise self.fail(f"turns {kinds[0]} into {kinds[1]}: keep shape and type.")
        return y

    def set_epoch(self, number: int) -> None:
        """Tell the transform of the data the number of a training epoch."""
        getattr(self.transform, "set_epoch", lambda _: None)(number)


def fill_missing(outputs: Tensor, targets: Tensor) -> Tensor:
    """Targets whose missing values (NaN) are those of the outputs: their error is zero."""
    return torch.where(targets.isnan(), outputs.detach(), targets) if targets.is_floating_point() else targets


def find(config: RunConfig, setting: str) -> tuple[source.NetworkSource, definitions.CodeFunction] | None:
    """The network of a run and the function of its code for a setting; None if the run uses none."""
    name = getattr(config.model_options, setting, NO_FUNCTION)
    network = source.find(config.model) if name != NO_FUNCTION else None
    return (network, network.functions_of(setting)[name]) if network else None


def with_loss(objective: Callable[[RunConfig, Prepared], Objective]) -> Callable[[RunConfig, Prepared], Objective]:
    """The objective of a task, with the loss of the code if the run uses one."""

    def build(config: RunConfig, prepared: Prepared) -> Objective:
        default, function = objective(config, prepared), find(config, definitions.LOSS)
        return default if function is None else replace(default, loss=CustomLoss(*function), weight=None)

    return build


def with_augmentation(prepare: Callable[[RunConfig], Prepared]) -> Callable[[RunConfig], Prepared]:
    """The data of a project, with the augmentation of the code if the run uses one."""

    def augmented(config: RunConfig) -> Prepared:
        prepared, function = prepare(config), find(config, definitions.AUGMENTATION)
        if function is None:
            return prepared
        return replace(prepared, transform=CustomAugmentation(*function, prepared.transform))

    return augmented
