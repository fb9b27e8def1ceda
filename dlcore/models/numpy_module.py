"""Wrap a NumPy network as an `nn.Module`.

The module's parameters share memory with the network's arrays, and autograd calls the network's own `backward`. So
everything that works on modules (prediction, explanation, bundles, tests) works here. Training does not use this
wrapper: it works on the arrays directly.
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from dlcore.core.config import Config, choice, number
from dlcore.models.numpy_nn import architectures
from dlcore.models.numpy_nn.network import NumpyNetwork


class NumpyDenseConfig(Config):
    """Dense network."""

    depth: int = number(2, low=0, high=12, unit="layers", help="Hidden layers.")
    width: int = number(256, low=1, high=1024, unit="units", help="Units of the first hidden layer.")
    narrowing: bool = choice(True, help="Halve the width from each hidden layer to the next.")
    activation: Literal["relu", "tanh", "sigmoid"] = choice("relu", help="Activation after each hidden layer.")
    norm: bool = choice(True, help="Batch normalization after each hidden layer.")
    dropout: float = number(0.1, low=0.0, high=0.9, help="Dropout probability.")
    initialization: Literal["he", "xavier", "zeros"] = choice("he", help="Weight initialization.")


class NumpyConvConfig(Config):
    """Two convolutions with max pooling, and a hidden layer."""

    channels_1: int = number(8, low=1, high=64, help="Filters of the first convolution.")
    channels_2: int = number(16, low=1, high=64, help="Filters of the second convolution.")
    width: int = number(64, low=1, high=1024, unit="units", help="Units of the hidden layer.")
    initialization: Literal["he", "xavier", "zeros"] = choice("he", help="Weight initialization.")


class NumpyRnnConfig(Config):
    """One recurrent layer, classified from its last state."""

    width: int = number(128, low=1, high=512, unit="units", help="Hidden units.")
    gain: float = number(
        1.0, low=0.0, high=3.0, help="Scale of the initial recurrent weights; at 1 they are orthogonal."
    )


class NumpyModule(nn.Module):
    """A NumPy network as a module: (N, ...) float32 -> scores (N, K); weights are named `<layer>.<parameter>`."""

    def __init__(self, network: NumpyNetwork) -> None:
        super().__init__()
        self.network = network
        for name, layer in network.layers.items():
            holder = nn.Module()
            for key, array in layer.parameters.items():
                holder.register_parameter(key, nn.Parameter(torch.from_numpy(array)))
            for key, array in layer.buffers.items():
                holder.register_buffer(key, torch.from_numpy(array))
            if layer.parameters:
                self.add_module(name, holder)

    def shared_network(self) -> NumpyNetwork:
        """Return the network on the weights of this module (shared memory)."""
        return self.network.with_arrays({name: array.numpy() for name, array in self.state_dict().items()})

    def forward(self, x: Tensor) -> Tensor:
        """Return scores (N, K)."""
        rng = np.random.default_rng(int(torch.randint(2**31, ()))) if self.training else None
        scores: Tensor = _NumpyFunction.apply(self.shared_network(), rng, x, *self.parameters())
        return scores

    def forward_features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return scores (N, K) and the input of the last layer (N, D), without gradients."""
        network = self.shared_network()
        scores = network.forward(x.detach().numpy(), None)
        return torch.from_numpy(np.array(scores)), torch.from_numpy(np.array(list(network.outputs.values())[-2]))


class _NumpyFunction(torch.autograd.Function):
    """Forward and backward of a NumPy network, for autograd."""

    @staticmethod
    def forward(
        ctx: Any, network: NumpyNetwork, rng: np.random.Generator | None, x: Tensor, *parameters: Tensor
    ) -> Tensor:
        ctx.network = network
        return torch.from_numpy(np.array(network.forward(x.detach().numpy(), rng)))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        dx = ctx.network.backward(dy.numpy())
        gradients = (dx, *ctx.network.gradients.values())
        return None, None, *(torch.from_numpy(np.ascontiguousarray(array)) for array in gradients)


def _weight_initializer(start: architectures.Start = "he") -> architectures.WeightInitializer:
    """Return a weight initializer seeded by torch's generator, as for every other model."""
    return architectures.WeightInitializer(np.random.default_rng(int(torch.randint(2**31, ()))), start)


def dense(options: NumpyDenseConfig, facts: Mapping[str, int]) -> NumpyModule:
    """Build a dense network for images of `height` x `width` pixels."""
    halvings = range(options.depth)
    widths = [max(1, options.width >> n) if options.narrowing else options.width for n in halvings]
    network = architectures.dense(
        _weight_initializer(options.initialization),
        facts["height"] * facts["width"],
        widths,
        facts["classes"],
        activation=options.activation,
        norm=options.norm,
        dropout=options.dropout,
    )
    return NumpyModule(network)


def convolutional(options: NumpyConvConfig, facts: Mapping[str, int]) -> NumpyModule:
    """Build a convolutional network for square images of `height` pixels."""
    channels = (options.channels_1, options.channels_2)
    drawer = _weight_initializer(options.initialization)
    return NumpyModule(architectures.convolutional(drawer, facts["height"], channels, options.width, facts["classes"]))


def recurrent(options: NumpyRnnConfig, *, features: int, classes: int) -> NumpyModule:
    """Build a recurrent network for sequences (N, T, features)."""
    return NumpyModule(
        architectures.recurrent(_weight_initializer(), features, options.width, classes, gain=options.gain)
    )
