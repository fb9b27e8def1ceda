"""Complete networks with initialized weights."""

from collections.abc import Iterator
from typing import Literal

import numpy as np

from dlcore.models.numpy_nn.convolution import AddChannel, Convolution, MaxPool
from dlcore.models.numpy_nn.layers import (
    Array,
    BatchNorm,
    Dense,
    Dropout,
    Flatten,
    NumpyLayer,
    Relu,
    Rng,
    Sigmoid,
    Tanh,
)
from dlcore.models.numpy_nn.network import NumpyNetwork
from dlcore.models.numpy_nn.recurrent import Recurrent

Start = Literal["he", "xavier", "zeros"]
ACTIVATIONS: dict[str, type[NumpyLayer]] = {"relu": Relu, "tanh": Tanh, "sigmoid": Sigmoid}


class WeightInitializer:
    """Draws initial weights, float32.

    he: variance 2 / inputs, which ReLU halves to 1 / inputs (He et al. 2015, eq. 10). xavier: 2 / (inputs + outputs)
    (Glorot and Bengio 2010, eq. 12). zeros: all weights equal, so that all units stay identical.
    """

    def __init__(self, rng: Rng, start: Start = "he") -> None:
        self.rng, self.start = rng, start

    def __call__(self, out: int, *inputs: int) -> Array:
        """Return weights (out, *inputs)."""
        fan_in, receptive = int(np.prod(inputs)), int(np.prod(inputs[1:]))
        variance = {"he": 2 / fan_in, "xavier": 2 / (fan_in + out * receptive), "zeros": 0.0}[self.start]
        return (self.rng.normal(size=(out, *inputs)) * variance**0.5).astype(np.float32)


def zeros(n: int) -> Array:
    """Return n zeros, float32."""
    return np.zeros(n, dtype=np.float32)


def dense(
    draw: WeightInitializer,
    features: int,
    widths: list[int],
    classes: int,
    *,
    activation: str,
    norm: bool,
    dropout: float,
) -> NumpyNetwork:
    """Build a dense network: flatten, hidden layers of these widths, one score per class.

    Layers followed by batch norm have no bias, since batch norm would cancel it.
    """

    def parts() -> Iterator[tuple[str, NumpyLayer]]:
        yield "flatten", Flatten()
        before = features
        for number, width in enumerate(widths, 1):
            yield f"dense_{number}", Dense(draw(width, before), None if norm else zeros(width))
            if norm:
                yield f"norm_{number}", BatchNorm(np.ones(width, dtype=np.float32), zeros(width))
            yield f"{activation}_{number}", ACTIVATIONS[activation]()
            if dropout:
                yield f"dropout_{number}", Dropout(dropout)
            before = width
        yield "classes", Dense(draw(classes, before), zeros(classes))

    return NumpyNetwork(dict(parts()))


def convolutional(
    draw: WeightInitializer, side: int, channels: tuple[int, int], width: int, classes: int
) -> NumpyNetwork:
    """Build two convolutions with ReLU and max pooling, then one hidden layer (LeCun et al. 1998, with ReLU).

    Images below 16 pixels get 3x3 kernels with padding, larger ones 5x5 kernels without.
    """
    window, padding = (3, 1) if side < 16 else (5, 0)
    first, second = channels
    after = ((side + 2 * padding - window + 1) // 2 + 2 * padding - window + 1) // 2
    return NumpyNetwork(
        {
            "picture": AddChannel(),
            "convolution_1": Convolution(draw(first, 1, window, window), zeros(first), padding=padding),
            "pool_1": MaxPool(2),
            "relu_1": Relu(),
            "convolution_2": Convolution(draw(second, first, window, window), zeros(second), padding=padding),
            "pool_2": MaxPool(2),
            "relu_2": Relu(),
            "flatten": Flatten(),
            "dense": Dense(draw(width, second * after * after), zeros(width)),
            "relu_3": Relu(),
            "classes": Dense(draw(classes, width), zeros(classes)),
        }
    )


def recurrent(draw: WeightInitializer, features: int, width: int, classes: int, *, gain: float = 1.0) -> NumpyNetwork:
    """Build a recurrent layer whose last state is classified.

    Recurrent weights start orthogonal times `gain`: at 1 they preserve lengths (Saxe et al. 2014), so that at first
    only the tanh shrinks the gradient.
    """
    turned, _ = np.linalg.qr(draw.rng.normal(size=(width, width)))
    return NumpyNetwork(
        {
            "recurrent": Recurrent(draw(width, features), (gain * turned).astype(np.float32), zeros(width)),
            "classes": Dense(draw(classes, width), zeros(classes)),
        }
    )
