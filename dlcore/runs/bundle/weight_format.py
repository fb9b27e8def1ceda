"""Weight formats of a bundle: float32, half precision, or 8-bit matrices with one scale per row."""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

WeightFormat = Literal["float32", "float16", "int8"]
SCALE = ":scale"
"""Suffix of the name of the row scales of an 8-bit tensor."""
SMALL = 4096
"""Tensors with fewer elements are stored in half precision: 8 bits would save nothing."""
_LEVELS = 127


def encode(weights: Mapping[str, Tensor], form: WeightFormat) -> dict[str, Tensor]:
    """Weights for safetensors: on the CPU, without shared memory.

    float16: every float rounded. int8: large tensors (R, ...) as round(w / s) with s = max |w| / 127 of each
    of its R rows (Dettmers et al. 2022, section 2.1), other floats as float16.
    """
    encoded: dict[str, Tensor] = {}
    for name, weight in weights.items():
        tensor = weight.detach().cpu()
        if form == "int8" and _is_large(tensor):
            rows = tensor.float().flatten(1)
            scale = _short(rows.abs().amax(dim=1).div(_LEVELS).clamp_min(torch.finfo(torch.float32).tiny))
            encoded[name] = (rows / scale[:, None]).round().to(torch.int8).view(tensor.shape)
            encoded[name + SCALE] = scale
        else:
            encoded[name] = tensor.half() if form != "float32" and tensor.is_floating_point() else tensor
    return {name: tensor.clone().contiguous() for name, tensor in encoded.items()}


def decode(encoded: Mapping[str, Tensor], like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Decode the output of `encode` to the dtypes of `like`.

    Raises:
        KeyError: a name is not in `like`.
    """
    weights = {}
    for name, tensor in encoded.items():
        if name.endswith(SCALE) and name.removesuffix(SCALE) in encoded:
            continue
        scale = encoded.get(name + SCALE)
        if scale is not None:
            tensor = tensor.float() * scale.view(-1, *[1] * (tensor.dim() - 1))
        weights[name] = tensor.to(like[name].dtype)
    return weights


def round_trip(weights: Mapping[str, Tensor], form: WeightFormat) -> dict[str, Tensor]:
    """The weights that a bundle of that format returns."""
    return decode(encode(weights, form), weights)


def _is_large(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and tensor.dim() > 1 and tensor.numel() >= SMALL


def _short(scale: Tensor) -> Tensor:
    """Scales rounded up to 16 significant bits: 127 times a scale is then exact, and encoding is idempotent."""
    return ((scale.view(torch.int32) + 0xFF) & ~0xFF).view(torch.float32)
