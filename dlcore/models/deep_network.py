"""Network of any depth with optional skip connections, normalization and a choice of initialization and activation."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from dlcore.core.config import Config, choice, number

Normalization = Literal["none", "batch", "group"]
Initialization = Literal["torch", "he", "xavier", "small"]
Activation = Literal["relu", "leaky_relu", "gelu", "tanh", "sigmoid"]

STAGES = 3
ACTIVATIONS: dict[Activation, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}


class DeepNetworkConfig(Config):
    """Every choice that affects gradient flow."""

    depth: int = number(20, low=4, high=152, unit="layers", help="Number of weight layers; even.")
    width: int = number(
        8, low=2, high=256, unit="channels", help="Channels of the first stage; doubled in each later stage."
    )
    skip_connections: bool = choice(False, help="Residual connections: add each block's input to its output.")
    normalization: Normalization = choice("none", help="Normalization before each activation.")
    initialization: Initialization = choice(
        "torch", help="Weight initialization: torch's default, He (for ReLU), Xavier (for tanh), or small (std 0.01)."
    )
    activation: Activation = choice("relu", help="Activation after each convolution; sigmoid and tanh saturate.")


class DeepNetwork(nn.Module):
    """(N, C, H, W) or (N, H, W) -> (N, K) logits: 3x3 stem, pairs of 3x3 convolutions in three stages, mean pool,
    linear.

    `depth` counts stem, convolutions and the linear layer. Each stage after the first halves height and width and
    doubles the channels (He et al. 2016, section 4.2); the stem also halves images of 24 pixels or more. The shortcut
    has no parameters (their option A), so the plain and the residual network differ only in the sum.
    """

    def __init__(self, config: DeepNetworkConfig, *, channels: int, height: int, classes: int) -> None:
        super().__init__()
        pairs = (config.depth - 2) // 2
        self.stem = _layer(config, channels, config.width, stride=2 if height >= 24 else 1)
        self.pairs = nn.Sequential(
            *(ConvPair(config, before, after) for before, after in pairwise(_widths(config, pairs)))
        )
        self.classes = nn.Linear(_widths(config, pairs)[-1], classes)
        initialize(self, config.initialization, activation=config.activation)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K)."""
        x = x.unsqueeze(1) if x.dim() == 3 else x  # (N, H, W) -> (N, 1, H, W)
        x = self.pairs(self.stem(x))  # -> (N, D, H/8, W/8)
        return self.classes(x.mean(dim=(2, 3)))  # -> (N, D) -> (N, K)


class ConvPair(nn.Module):
    """(N, C, H, W) -> (N, C', H', W'): two convolution layers with an optional shortcut."""

    def __init__(self, config: DeepNetworkConfig, before: int, after: int) -> None:
        super().__init__()
        self.stride = 1 if before == after else 2
        self.first = _layer(config, before, after, stride=self.stride)
        self.second = _layer(config, after, after)
        self.last = self.second.pop(-1)  # the sum precedes the activation (He et al. 2016, fig. 2)
        self.new_channels = after - before
        self.skip = config.skip_connections

    def forward(self, x: Tensor) -> Tensor:
        """Apply both layers and add the input."""
        out = self.second(self.first(x))
        if self.skip:
            shortcut = x[:, :, :: self.stride, :: self.stride]
            out = out + functional.pad(shortcut, (0, 0, 0, 0, 0, self.new_channels))  # new channels are zero
        return self.last(out)


def _widths(config: DeepNetworkConfig, pairs: int) -> list[int]:
    """Return the channels before the first pair and after each; pairs are spread evenly over the stages."""
    return [config.width, *(config.width * 2 ** (STAGES * i // pairs) for i in range(pairs))]


def _layer(config: DeepNetworkConfig, before: int, after: int, *, stride: int = 1) -> nn.Sequential:
    norm: dict[str, list[nn.Module]] = {
        "none": [],
        "batch": [nn.BatchNorm2d(after)],
        "group": [nn.GroupNorm(_groups(after), after)],
    }
    # a bias before a normalization layer has no effect
    conv = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=config.normalization == "none")
    return nn.Sequential(conv, *norm[config.normalization], ACTIVATIONS[config.activation]())


def _groups(channels: int) -> int:
    return next(groups for groups in (8, 4, 2, 1) if channels % groups == 0)


def initialize(module: nn.Module, rule: Initialization, *, activation: Activation = "relu") -> None:
    """Initialize the weights of all convolutions and linear layers; biases are zero, except for torch's default.

    he: variance 2 / fan_in (He et al. 2015, eq. 10), which preserves the signal of a ReLU network; xavier: 2 / (fan_in
    + fan_out), times the activation's gain squared (Glorot & Bengio 2010, eq. 12); small: standard deviation 0.01.
    torch's default has variance 1 / (3 fan_in): each ReLU layer keeps a sixth of the gradient's variance.
    """
    if rule == "torch":
        return
    gain = nn.init.calculate_gain({"gelu": "relu"}.get(activation, activation))  # type: ignore[arg-type]
    for layer in _weighted(module):
        if rule == "he":
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        elif rule == "xavier":
            nn.init.xavier_normal_(layer.weight, gain=gain)
        else:
            nn.init.normal_(layer.weight, std=0.01)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def _weighted(module: nn.Module) -> Iterator[nn.Conv2d | nn.Linear]:
    return (layer for layer in module.modules() if isinstance(layer, nn.Conv2d | nn.Linear))
