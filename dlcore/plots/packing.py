"""Arrays for the browser, as typed arrays."""

import base64
from typing import TypedDict

import numpy as np

_TYPES = {"float32": "<f4", "float64": "<f8", "int32": "<i4", "uint8": "|u1"}


class Packed(TypedDict):
    """An array for the browser: base64 of its bytes, its type and shape."""

    type: str
    shape: list[int]
    base64: str


def pack(array: np.ndarray, *, dtype: str = "float32") -> Packed:
    """Pack an array for `decode` in the browser, which returns a flat typed array.

    `dtype` is float32, float64 (epoch milliseconds), int32 or uint8.
    """
    flat = np.ascontiguousarray(array, dtype=_TYPES[dtype])
    return {"type": dtype, "shape": list(flat.shape), "base64": base64.b64encode(flat.tobytes()).decode("ascii")}
