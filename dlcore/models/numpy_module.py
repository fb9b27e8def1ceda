"""Networks by hand in the house's clothes: an `nn.Module` whose arithmetic, there and back, is NumPy's.

The module lends its parameters to the network as arrays (the same memory, nothing is copied) and tells autograd what
the network's own `backward` says. So whatever knows modules (predicting, explaining, bundles, tests) takes it as it is.
Training does not come this way: it works on the arrays alone.
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
    """A network of dense layers."""

    depth: int = number(2, low=0, high=12, unit="layers", help="Hidden layers.")
    width: int = number(256, low=1, high=1024, unit="units", help="Units of the first hidden layer.")
    narrowing: bool = choice(True, help="Each hidden layer half as wide as the one before it.")
    activation: Literal["relu", "tanh", "sigmoid"] = choice("relu", help="What follows each hidden layer.")
    norm: bool = choice(True, help="Batch norm behind each hidden layer.")
    dropout: float = number(0.1, low=0.0, high=0.9, help="Share of units set to 0 in training.")
    initialization: Literal["he", "xavier", "zeros"] = choice("he", help="Spread of the weights at the start.")


class NumpyConvConfig(Config):
    """Two convolutions with max-pool, and a hidden layer."""

    channels_1: int = number(8, low=1, high=64, help="Windows learnt by the first convolution.")
    channels_2: int = number(16, low=1, high=64, help="Windows learnt by the second.")
    width: int = number(64, low=1, high=1024, unit="units", help="Units of the hidden layer.")
    initialization: Literal["he", "xavier", "zeros"] = choice("he", help="Spread of the weights at the start.")


class NumpyRnnConfig(Config):
    """One recurrent layer, read out at its end."""

    width: int = number(128, low=1, high=512, unit="units", help="Numbers that the state is made of.")
    gain: float = number(1.0, low=0.0, high=3.0, help="Stretch of the state's weights at the start; 1 is a rotation.")


class NumpyModule(nn.Module):
    """A network by hand as a module: (N, ...) float32 -> scores (N, K); weights are named `<layer>.<parameter>`."""

    def __init__(self, network: NumpyNetwork) -> None:
        super().__init__()
        self.network = network
        for name, layer in network.layers.items():
            holder = nn.Module()
            for one, array in layer.parameters.items():
                holder.register_parameter(one, nn.Parameter(torch.from_numpy(array)))
            for one, array in layer.buffers.items():
                holder.register_buffer(one, torch.from_numpy(array))
            if layer.parameters:
                self.add_module(name, holder)

    def bound(self) -> NumpyNetwork:
        """The network on this module's own weights: what changes in the one changes in the other."""
        return self.network.bound({name: array.numpy() for name, array in self.state_dict().items()})

    def forward(self, x: Tensor) -> Tensor:
        """Scores (N, K)."""
        rng = np.random.default_rng(int(torch.randint(2**31, ()))) if self.training else None
        scores: Tensor = _Through.apply(self.bound(), rng, x, *self.parameters())
        return scores


class _Through(torch.autograd.Function):
    """Forward and backward of a network by hand, for autograd."""

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
        found = (dx, *ctx.network.gradients.values())
        return None, None, *(torch.from_numpy(np.ascontiguousarray(array)) for array in found)


def _drawer(start: architectures.Start = "he") -> architectures.WeightInitializer:
    """Weights drawn from a generator that torch's seed decides, as every model's are."""
    return architectures.WeightInitializer(np.random.default_rng(int(torch.randint(2**31, ()))), start)


def dense(options: NumpyDenseConfig, facts: Mapping[str, int]) -> NumpyModule:
    """Dense layers for pictures of `height` x `width` pixels."""
    halvings = range(options.depth)
    widths = [max(1, options.width >> n) if options.narrowing else options.width for n in halvings]
    network = architectures.dense(
        _drawer(options.initialization),
        facts["height"] * facts["width"],
        widths,
        facts["classes"],
        activation=options.activation,
        norm=options.norm,
        dropout=options.dropout,
    )
    return NumpyModule(network)


def convolutional(options: NumpyConvConfig, facts: Mapping[str, int]) -> NumpyModule:
    """Convolutions for square pictures of `height` pixels."""
    channels = (options.channels_1, options.channels_2)
    drawer = _drawer(options.initialization)
    return NumpyModule(architectures.convolutional(drawer, facts["height"], channels, options.width, facts["classes"]))


def recurrent(options: NumpyRnnConfig, *, features: int, classes: int) -> NumpyModule:
    """A recurrent network for sequences (N, T, features)."""
    return NumpyModule(architectures.recurrent(_drawer(), features, options.width, classes, gain=options.gain))
