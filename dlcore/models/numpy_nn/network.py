"""A sequence of layers: forward from first to last, backward from last to first."""

import copy
from collections.abc import Mapping

import numpy as np

from dlcore.models.numpy_nn.layers import Array, NumpyLayer, Relu, Rng, Sigmoid, Tanh

ACTIVATIONS = (Relu, Tanh, Sigmoid)


class NumpyNetwork:
    """Named layers in sequence. Parameters are named `<layer>.<parameter>`, in forward order."""

    def __init__(self, layers: Mapping[str, NumpyLayer]) -> None:
        self.layers = dict(layers)
        self.outputs: dict[str, Array] = {}
        self.backwards: dict[str, Array] = {}

    def forward(self, x: Array, rng: Rng | None = None) -> Array:
        """x (N, ...) -> scores (N, K); pass `rng` in training. Layer outputs are stored in `outputs`."""
        for name, layer in self.layers.items():
            x = self.outputs[name] = layer.forward(x, rng)
        return x

    def backward(self, dy: Array) -> Array:
        """dL/d(scores) -> dL/dx. The gradient with respect to each layer's output is stored in `backwards`."""
        for name, layer in reversed(self.layers.items()):
            self.backwards[name] = dy
            dy = layer.backward(dy)
            if not layer.needs_input_gradient:
                break
        return dy

    def train_only(self) -> "NumpyNetwork":
        """Skip the gradient with respect to the input data, which training does not need; returns the network."""
        next(layer for layer in self.layers.values() if layer.parameters).needs_input_gradient = False
        return self

    @property
    def parameters(self) -> dict[str, Array]:
        """Return the trained arrays themselves, not copies."""
        return {
            f"{name}.{parameter}": array
            for name, layer in self.layers.items()
            for parameter, array in layer.parameters.items()
        }

    @property
    def gradients(self) -> dict[str, Array]:
        """Return the gradient of each parameter from the last `backward`."""
        return {
            f"{name}.{parameter}": layer.gradients[parameter]
            for name, layer in self.layers.items()
            for parameter in layer.parameters
        }

    @property
    def buffers(self) -> dict[str, Array]:
        """Return the arrays that are stored but not trained (themselves, not copies)."""
        return {
            f"{name}.{buffer}": array for name, layer in self.layers.items() for buffer, array in layer.buffers.items()
        }

    def with_arrays(self, arrays: Mapping[str, Array]) -> "NumpyNetwork":
        """Return the same network on other arrays, named like `parameters` and `buffers`; arrays are not copied."""
        layers = {}
        for name, layer in self.layers.items():
            twin = layers[name] = copy.copy(layer)
            twin.parameters = {parameter: arrays[f"{name}.{parameter}"] for parameter in layer.parameters}
            twin.buffers = {parameter: arrays[f"{name}.{parameter}"] for parameter in layer.buffers}
            twin.gradients = {}
        return NumpyNetwork(layers)

    def trainable_layers(self) -> list[str]:
        """Return the names of the layers with parameters."""
        return [name for name, layer in self.layers.items() if layer.parameters]

    def output_statistics(self) -> dict[str, tuple[float, float, float | None]]:
        """Return mean and variance of each trainable layer's output in the last `forward`, after its activation, and
        the share of its units that were 0 for the whole batch (None without ReLU).
        """
        statistics: dict[str, tuple[float, float, float | None]] = {}
        last = ""
        for name, layer in self.layers.items():
            if not layer.parameters and not (last and isinstance(layer, ACTIVATIONS)):
                continue
            last, y = name if layer.parameters else last, self.outputs[name]
            axes = tuple(axis for axis in range(y.ndim) if axis != 1)
            dead = float((y <= 0).all(axis=axes).mean()) if isinstance(layer, Relu) else None
            statistics[last] = (float(y.mean()), float(y.var()), dead)
        return statistics

    def find_overflow(self) -> str:
        """Return the first layer whose output in the last `forward` is not finite, or ""."""
        return next((name for name, y in self.outputs.items() if not np.isfinite(y).all()), "")
