"""Forward and backward pass of one example through a NumPy network, checked against autograd."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dlcore.models.numpy_module import NumpyModule
from dlcore.models.numpy_nn.convolution import AddChannel, Convolution, MaxPool
from dlcore.models.numpy_nn.layers import (
    BatchNorm,
    Dense,
    Dropout,
    Flatten,
    NumpyLayer,
    Relu,
    Sigmoid,
    SoftmaxCrossEntropy,
    Tanh,
)
from dlcore.models.numpy_nn.network import NumpyNetwork
from dlcore.models.numpy_nn.recurrent import Recurrent

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class WalkStage:
    """One layer of the pass for a single example, without the batch dimension.

    kind is the layer's class name in lower case. `x` is the input, `y` the output, `dx` and `dy` the loss gradients.
    `facts` has further values of its formula (`mean`, `spread`, `padding`, `side`). `error` is the largest difference
    to autograd, relative to the largest autograd value.
    """

    name: str
    kind: str
    x: np.ndarray
    y: np.ndarray
    dx: np.ndarray
    dy: np.ndarray
    parameters: Arrays = field(default_factory=dict)
    gradients: Arrays = field(default_factory=dict)
    facts: Mapping[str, np.ndarray | float] = field(default_factory=dict)
    error: float = 0.0


@dataclass(frozen=True)
class BackpropWalk:
    """All stages in forward order, then probabilities (K,), their gradient by the logits (K,), true class and loss.

    `error` is the largest relative difference to autograd."""

    stages: tuple[WalkStage, ...]
    probabilities: np.ndarray
    dz: np.ndarray
    target: int
    loss: float
    error: float


def walk(module: NumpyModule, x: np.ndarray, target: int) -> BackpropWalk:
    """Forward and backward pass of one example x (...) in evaluation mode and 64 bits, checked against autograd."""
    network = module.network.with_arrays({n: array.double().numpy() for n, array in module.state_dict().items()})
    batch, loss = np.asarray(x, dtype=np.float64)[None], SoftmaxCrossEntropy()
    scores = network.forward(batch)
    value = loss.forward(scores, np.array([target]))
    dz = loss.backward()
    network.backward(dz)
    errors = differences(network, batch, target)
    stages, inputs = [], batch
    names = list(network.layers)
    for index, (name, layer) in enumerate(network.layers.items()):
        dx = network.backwards[names[index - 1]] if index else layer.backward(network.backwards[name])
        stages.append(
            WalkStage(
                name,
                type(layer).__name__.lower(),
                inputs[0],
                network.outputs[name][0],
                dx[0],
                network.backwards[name][0],
                layer.parameters,
                dict(layer.gradients),
                _facts(layer),
                errors[name],
            )
        )
        inputs = network.outputs[name]
    return BackpropWalk(tuple(stages), loss.probabilities[0], dz[0], target, value, max(errors.values()))


def _facts(layer: NumpyLayer) -> dict[str, np.ndarray | float]:
    if isinstance(layer, BatchNorm):
        spread = np.sqrt(layer.buffers["running_var"] + layer.eps)
        return {"mean": layer.buffers["running_mean"], "spread": spread}
    if isinstance(layer, Convolution):
        return {"padding": float(layer.padding)}
    if isinstance(layer, MaxPool):
        return {"side": float(layer.side)}
    if isinstance(layer, Recurrent):
        return {"states": layer.states[0], "by_step": layer.by_step[0]}
    return {}


def differences(network: NumpyNetwork, x: np.ndarray, target: int) -> dict[str, float]:
    """Largest relative difference of dL/dx and parameter gradients to autograd, per layer.

    Call it right after a forward and backward pass with x (1, ...).
    """
    tensors = {n: torch.tensor(array, requires_grad=True) for n, array in network.parameters.items()}
    at = torch.tensor(x, requires_grad=True)
    inputs: list[Tensor] = [at]
    for name, layer in network.layers.items():
        parameters = {parameter: tensors[f"{name}.{parameter}"] for parameter in layer.parameters}
        at = TORCH_LAYERS[type(layer)](layer, at, parameters)
        inputs.append(at)
    leaves = [*inputs[:-1], *tensors.values()]
    grads = torch.autograd.grad(functional.cross_entropy(at, torch.tensor([target])), leaves)
    back = dict(zip(network.layers, grads[: len(network.layers)], strict=True))
    gradients = dict(zip(tensors, grads[len(network.layers) :], strict=True))
    names = list(network.layers)
    errors = {}
    for index, (name, layer) in enumerate(network.layers.items()):
        dx = network.backwards[names[index - 1]] if index else layer.backward(network.backwards[name])
        pairs = [
            (dx, back[name]),
            *((layer.gradients[parameter], gradients[f"{name}.{parameter}"]) for parameter in layer.parameters),
        ]
        errors[name] = max(_relative_error(computed, expected.numpy()) for computed, expected in pairs)
    return errors


def _relative_error(values: np.ndarray, expected: np.ndarray) -> float:
    largest = float(np.abs(expected).max(initial=0))
    return float(np.abs(values - expected).max(initial=0)) / (largest or 1.0)


TorchLayer = Callable[[NumpyLayer, Tensor, Mapping[str, Tensor]], Tensor]


def _norm(layer: NumpyLayer, x: Tensor, parameters: Mapping[str, Tensor]) -> Tensor:
    mean, variance = (torch.tensor(layer.buffers[name]) for name in ("running_mean", "running_var"))
    return functional.batch_norm(
        x, mean, variance, parameters["weight"], parameters["bias"], training=False, eps=BatchNorm.eps
    )


def _convolution(layer: NumpyLayer, x: Tensor, parameters: Mapping[str, Tensor]) -> Tensor:
    assert isinstance(layer, Convolution)
    return functional.conv2d(x, parameters["weight"], parameters.get("bias"), padding=layer.padding)


def _pool(layer: NumpyLayer, x: Tensor, parameters: Mapping[str, Tensor]) -> Tensor:
    assert isinstance(layer, MaxPool)
    return functional.max_pool2d(x, layer.side)


def _recurrent(layer: NumpyLayer, x: Tensor, parameters: Mapping[str, Tensor]) -> Tensor:
    h = torch.zeros(len(x), len(parameters["bias"]), dtype=x.dtype)
    weights = [parameters["weight"], parameters["recurrent"], parameters["bias"], torch.zeros_like(parameters["bias"])]
    states, _ = torch.rnn_tanh(x, h[None], weights, True, 1, 0.0, False, False, True)
    return states[:, -1]


TORCH_LAYERS: dict[type[NumpyLayer], TorchLayer] = {
    Dense: lambda layer, x, parameters: functional.linear(x, parameters["weight"], parameters.get("bias")),
    Relu: lambda layer, x, parameters: torch.relu(x),
    Tanh: lambda layer, x, parameters: torch.tanh(x),
    Sigmoid: lambda layer, x, parameters: torch.sigmoid(x),
    Flatten: lambda layer, x, parameters: x.flatten(1),
    AddChannel: lambda layer, x, parameters: x[:, None],
    Dropout: lambda layer, x, parameters: x,
    BatchNorm: _norm,
    Convolution: _convolution,
    MaxPool: _pool,
    Recurrent: _recurrent,
}
"""PyTorch equivalent of each NumPy layer."""
