"""The forward pass of a NumPy network in torch, which can export it."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from dlcore.core.errors import RunError
from dlcore.models.numpy_module import NumpyModule
from dlcore.models.numpy_nn import convolution, layers, recurrent


class TorchTwin(nn.Module):
    """A NumPy network in evaluation, with the same weights: (N, ...) -> scores (N, K)."""

    def __init__(self, module: NumpyModule) -> None:
        """Raises:
        RunError: the network has a layer without a counterpart here.
        """
        super().__init__()
        self.steps = [_convert(layer) for layer in module.shared_network().layers.values()]

    def forward(self, x: Tensor) -> Tensor:
        """Return scores (N, K)."""
        for step in self.steps:
            x = step(x)
        return x


def _convert(layer: layers.NumpyLayer) -> Callable[[Tensor], Tensor]:
    arrays = {name: torch.from_numpy(array) for name, array in {**layer.parameters, **layer.buffers}.items()}
    match layer:
        case layers.Dense():
            return lambda x: functional.linear(x, arrays["weight"], arrays.get("bias"))
        case layers.BatchNorm():
            mean, variance, weight, bias = (arrays[key] for key in ("running_mean", "running_var", "weight", "bias"))
            return lambda x: functional.batch_norm(x, mean, variance, weight, bias, eps=layer.eps)
        case convolution.Convolution():
            return lambda x: functional.conv2d(x, arrays["weight"], arrays.get("bias"), padding=layer.padding)
        case convolution.MaxPool():
            return lambda x: functional.max_pool2d(x, layer.side)
        case recurrent.Recurrent():
            return lambda x: _recur(x, arrays["weight"], arrays["recurrent"], arrays["bias"])
    simple: dict[type, Callable[[Tensor], Tensor]] = {
        layers.Relu: torch.relu,
        layers.Tanh: torch.tanh,
        layers.Sigmoid: torch.sigmoid,
        layers.Flatten: lambda x: x.flatten(1),
        layers.Dropout: lambda x: x,
        convolution.AddChannel: lambda x: x[:, None],
    }
    if type(layer) not in simple:
        raise RunError(f"a {type(layer).__name__} layer in NumPy has no counterpart in torch here.")
    return simple[type(layer)]


def _recur(x: Tensor, weight: Tensor, recurrent_weight: Tensor, bias: Tensor) -> Tensor:
    state = torch.zeros(x.shape[0], len(bias))
    for step in range(x.shape[1]):
        state = torch.tanh(functional.linear(x[:, step], weight, bias) + state @ recurrent_weight.T)
    return state
