"""How a bundle keeps weights: as they are, in half precision, or matrices in eight bits with a scale for every row."""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

WeightFormat = Literal["float32", "float16", "int8"]
SCALE = ":scale"
"""What the name of a row's scales ends in, beside the eight-bit numbers of that name."""
SMALL = 4096
"""Tensors of fewer numbers are kept in half precision: nothing is gained by eight bits."""
_LEVELS = 127


def stored(weights: Mapping[str, Tensor], form: WeightFormat) -> dict[str, Tensor]:
    """Weights ready for safetensors: on the CPU, no two sharing memory.

    float16: every float rounded. int8: a tensor (R, ...) of some size as round(w / s) with s = max |w| / 127 of each
    of its R rows (Dettmers et al. 2022, section 2.1), other floats as float16.
    """
    kept: dict[str, Tensor] = {}
    for name, weight in weights.items():
        tensor = weight.detach().cpu()
        if form == "int8" and _is_large(tensor):
            rows = tensor.float().flatten(1)
            scale = _short(rows.abs().amax(dim=1).div(_LEVELS).clamp_min(torch.finfo(torch.float32).tiny))
            kept[name] = (rows / scale[:, None]).round().to(torch.int8).view(tensor.shape)
            kept[name + SCALE] = scale
        else:
            kept[name] = tensor.half() if form != "float32" and tensor.is_floating_point() else tensor
    return {name: tensor.clone().contiguous() for name, tensor in kept.items()}


def restored(kept: Mapping[str, Tensor], like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What `stored` gave, back as weights of the types that `like` has.

    Raises:
        KeyError: a name is not in `like`.
    """
    weights = {}
    for name, tensor in kept.items():
        if name.endswith(SCALE) and name.removesuffix(SCALE) in kept:
            continue
        scale = kept.get(name + SCALE)
        if scale is not None:
            tensor = tensor.float() * scale.view(-1, *[1] * (tensor.dim() - 1))
        weights[name] = tensor.to(like[name].dtype)
    return weights


def rounded(weights: Mapping[str, Tensor], form: WeightFormat) -> dict[str, Tensor]:
    """The very weights that a bundle of that form gives back."""
    return restored(stored(weights, form), weights)


def _is_large(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and tensor.dim() > 1 and tensor.numel() >= SMALL


def _short(scale: Tensor) -> Tensor:
    """Scales raised to the next float32 of 16 significant bits: 127 times one is then exact, and weights that were
    rounded once stay as they are when they are rounded again."""
    return ((scale.view(torch.int32) + 0xFF) & ~0xFF).view(torch.float32)
