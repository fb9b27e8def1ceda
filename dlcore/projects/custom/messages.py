"""Messages between this process and the one that runs custom code: JSON and tensors, never pickles."""

import json
import struct
from collections.abc import Mapping
from typing import IO, Any

import safetensors.torch
from torch import Tensor

MOST_JSON, MOST_TENSORS = 16 * 2**20, 2 * 2**30
_HEAD = struct.Struct(">QQ")


def send(stream: IO[bytes], value: Mapping[str, Any], tensors: Mapping[str, Tensor] | None = None) -> None:
    """Write one message."""
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in (tensors or {}).items()}
    head, body = json.dumps(value).encode(), safetensors.torch.save(plain) if plain else b""
    stream.write(_HEAD.pack(len(head), len(body)) + head + body)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], dict[str, Tensor]] | None:
    """Read one message; None at the end of the stream, or if the other process wrote something else."""
    head = _read(stream, _HEAD.size)
    if head is None:
        return None
    lengths = _HEAD.unpack(head)
    if lengths[0] > MOST_JSON or lengths[1] > MOST_TENSORS:
        return None
    text, body = _read(stream, lengths[0]), _read(stream, lengths[1])
    if text is None or body is None:
        return None
    try:
        value = json.loads(text)
        return (value, safetensors.torch.load(body) if body else {}) if isinstance(value, dict) else None
    except (ValueError, safetensors.SafetensorError):
        return None


def _read(stream: IO[bytes], size: int) -> bytes | None:
    parts = []
    while size:
        part = stream.read(min(size, 2**20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
