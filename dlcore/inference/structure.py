"""What the autograd graph and outputs of a network say about its structure: softmax at the end, missing activations."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from dlcore.inference.predict import evaluation_mode

PRODUCTS = ("AddmmBackward", "MmBackward", "ConvolutionBackward")
"""Nodes that multiply by weights."""
LINEAR = (
    *("TBackward", "ViewBackward", "UnsafeViewBackward", "TransposeBackward", "PermuteBackward", "AliasBackward"),
    *(
        "NativeBatchNormBackward",
        "NativeDropoutBackward",
        "AvgPool",
        "MeanBackward",
        "CloneBackward",
        "SqueezeBackward",
    ),
    *("UnsqueezeBackward", "ReshapeAliasBackward", "ExpandBackward", "SelectBackward", "SliceBackward"),
    *("AdaptiveAvgPool", "CudnnBatchNormBackward"),
)
"""Nodes that do not bend: two products with only these between them are one product."""


@dataclass(frozen=True)
class Structure:
    """`is_softmax`: the outputs are probabilities. `products` counts pairs of consecutive products by weights, `bare`
    those without an activation between. `dropout` is the highest probability of a dropout layer."""

    is_softmax: bool = False
    products: int = 0
    bare: int = 0
    dropout: float = 0.0


def check_structure(module: nn.Module, *inputs: Tensor) -> Structure:
    """Check a network on one batch; its weights, gradients and mode stay."""
    with evaluation_mode(module), torch.enable_grad():
        outputs = module(*inputs)
    if isinstance(outputs, tuple):
        outputs = outputs[0]
    pairs = list(_pairs(outputs.grad_fn))
    dropouts = [part.p for part in module.modules() if isinstance(part, nn.Dropout | nn.Dropout1d | nn.Dropout2d)]
    return Structure(is_softmax(outputs.detach()), len(pairs), sum(pairs), max(dropouts, default=0.0))


def is_softmax(outputs: Tensor) -> bool:
    """Return whether outputs (N, K) are probabilities: not negative, with sums of 1."""
    if outputs.ndim != 2 or outputs.shape[1] < 2 or len(outputs) < 2:
        return False
    sums = outputs.sum(dim=1)
    return bool((outputs >= 0).all() and torch.allclose(sums, torch.ones_like(sums), atol=1e-3))


def _pairs(end: Any) -> Iterable[bool]:
    """Yield, for each product whose input comes from products, whether only linear nodes are between.

    Products by the same weights, as in the steps of a recurrent network, count once.
    """
    visited, weights, queue = set(), set(), [end] if end is not None else []
    while queue:
        node = queue.pop()
        if node in visited:
            continue
        visited.add(node)
        queue += _parents(node)
        if _is(node, PRODUCTS) and (origin := _origin(node)) is not None:
            key = frozenset(_leaves(node))
            if key not in weights:
                weights.add(key)
                yield origin


def _parents(node: Any) -> list[Any]:
    return [parent for parent, _ in node.next_functions if parent is not None]


def _leaves(product: Any) -> Iterable[int]:
    """Yield the identities of the parameters that a product takes directly or transposed."""
    for parent in _parents(product):
        for each in (parent, *(_parents(parent) if _is(parent, ("TBackward",)) else ())):
            if hasattr(each, "variable"):
                yield id(each.variable)


def _origin(product: Any) -> bool | None:
    """Return whether the input of a product is another product without an activation between; None without one."""
    visited, has_product, is_bare = set(), False, False
    queue = [(parent, False) for parent in _parents(product)]
    while queue:
        node, bends = queue.pop()
        if (node, bends) in visited:
            continue
        visited.add((node, bends))
        if _is(node, PRODUCTS):
            has_product, is_bare = True, is_bare or not bends
            continue
        queue += [(parent, bends or not _is(node, LINEAR)) for parent in _parents(node)]
    return is_bare if has_product else None


def _is(node: Any, names: tuple[str, ...]) -> bool:
    return str(node.name()).startswith(names)
