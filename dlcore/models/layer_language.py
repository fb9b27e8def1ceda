"""Build networks from short descriptions: `1000-512-32-512-1000`, or `1x28x28-conv3x16-relu-pool2-64-relu-10`."""

import math
import re
from dataclasses import dataclass

from torch import nn

from dlcore.core.errors import RequestError

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "softmax": nn.Softmax,
}
WORDS = "a number (dense layer), conv3x16 or conv3x16/2 (kernel x channels / stride), pool2, flat, norm, drop0.5, " + (
    ", ".join(ACTIVATIONS)
)
MOST_LAYERS, MOST_UNITS, MOST_PARAMETERS = 80, 10**6, 10**10
_CONV = re.compile(r"conv(\d+)x(\d+)(?:/(\d+))?")


@dataclass(frozen=True)
class BuiltNetwork:
    """A network built from a description: the module, and the shape of one input sample."""

    module: nn.Sequential
    shape: tuple[int, ...]


def build_network(text: str) -> BuiltNetwork:
    """Build the network that `text` describes: the input shape first, then layers, separated by `-`, commas or spaces.

    Without a named activation, ReLU follows every layer but the last. A chain that ends as wide as it began and is
    narrower inside is an autoencoder: its bottleneck is linear and its output gets a sigmoid. Build it on torch's meta
    device to get shapes without allocating weights.

    Raises:
        RequestError: names the word that is not valid and what would be.
    """
    words = [word for word in re.split(r"[-,;\s→]+", text.strip().lower()) if word]
    if len(words) < 2:
        raise RequestError("a network needs an input and a layer: try 1000-512-32-512-1000.")
    if len(words) > MOST_LAYERS:
        raise RequestError(f"{len(words)} words are more than the maximum of {MOST_LAYERS}.")
    shape = _input(words[0])
    named = words[1:] if set(words) & {*ACTIVATIONS, "none"} else _activated(shape, words[1:])
    layers: list[nn.Module] = []
    at = shape
    for word in named:
        modules, at = _layer(word, at)
        layers += modules
        if sum(p.numel() for layer in modules for p in layer.parameters()) > MOST_PARAMETERS:
            raise RequestError(
                f"'{word}' after {_format_shape(at)} has over {MOST_PARAMETERS:,} parameters: make it smaller."
            )
    return BuiltNetwork(nn.Sequential(*layers), shape)


def _input(word: str) -> tuple[int, ...]:
    sizes = word.split("x")
    if not all(size.isdecimal() and 0 < int(size) <= MOST_UNITS for size in sizes) or len(sizes) not in (1, 3):
        raise RequestError(
            f"'{word}' is not an input shape: write 1000 for a vector, or channels x height x width, 3x32x32."
        )
    return tuple(int(size) for size in sizes)


def _activated(shape: tuple[int, ...], words: list[str]) -> list[str]:
    """Add the default activations if none is named."""
    sizes = [*shape[-1:], *(int(word) for word in words if word.isdecimal())]
    mirrored = len(shape) == 1 and len(sizes) > 2 and sizes[0] == sizes[-1] and min(sizes) < sizes[0]
    narrow = sizes.index(min(sizes)) if mirrored else -1
    named, dense = [], 0
    for place, word in enumerate(words):
        named.append(word)
        weighted = word.isdecimal() or word.startswith("conv")
        dense += word.isdecimal()
        last = place == len(words) - 1
        if weighted and not last and not (word.isdecimal() and dense == narrow):
            named.append("relu")
        if last and mirrored and word.isdecimal():
            named.append("sigmoid")
    return named


def _layer(word: str, at: tuple[int, ...]) -> tuple[list[nn.Module], tuple[int, ...]]:
    """Return the modules that a word describes at an input shape, and the output shape."""
    if word == "none":
        return [], at
    if word in ACTIVATIONS:
        return [nn.Softmax(dim=1) if word == "softmax" else ACTIVATIONS[word]()], at
    if word == "flat":
        return [nn.Flatten()], (math.prod(at),)
    if word == "norm":
        return [nn.BatchNorm2d(at[0]) if len(at) == 3 else nn.BatchNorm1d(at[0])], at
    if word.isdecimal() and 0 < int(word) <= MOST_UNITS:
        before: list[nn.Module] = [nn.Flatten()] if len(at) == 3 else []
        return [*before, nn.Linear(math.prod(at), int(word))], (int(word),)
    if re.fullmatch(r"drop0?\.\d+", word):
        return [nn.Dropout(float(word[4:]))], at
    if conv := _CONV.fullmatch(word):
        return _conv(word, at, *(int(part or 1) for part in conv.groups()))
    if re.fullmatch(r"pool\d+", word):
        return _pool(word, at, int(word[4:]))
    raise RequestError(f"'{word}' is not a layer; a layer is {WORDS}.")


def _conv(
    word: str, at: tuple[int, ...], kernel: int, channels: int, stride: int
) -> tuple[list[nn.Module], tuple[int, ...]]:
    if len(at) != 3:
        raise RequestError(
            f"'{word}' needs an image, but its input is {_format_shape(at)}: begin with 3x32x32 or similar."
        )
    if not (0 < kernel <= 31 and 0 < channels <= 8192 and 0 < stride <= 16):
        raise RequestError(f"'{word}': kernels have 1 to 31 pixels, layers 1 to 8192 channels, strides 1 to 16.")
    sides = tuple((size + 2 * (kernel // 2) - kernel) // stride + 1 for size in at[1:])
    return [nn.Conv2d(at[0], channels, kernel, stride=stride, padding=kernel // 2)], (channels, *sides)


def _pool(word: str, at: tuple[int, ...], side: int) -> tuple[list[nn.Module], tuple[int, ...]]:
    if len(at) != 3 or not 0 < side <= min(at[1:]):
        raise RequestError(f"'{word}' does not fit {_format_shape(at)}: pool2 halves height and width of an image.")
    return [nn.MaxPool2d(side)], (at[0], at[1] // side, at[2] // side)


def _format_shape(at: tuple[int, ...]) -> str:
    return " x ".join(f"{size:,}" for size in at) + (" numbers" if len(at) == 1 else "")
