"""Transformer building blocks after Vaswani et al. 2017: attention, feed-forward, layers, positional encoding.

Post-norm, as in the paper; every layer has biases.
"""

import math
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from dlcore.core.errors import ConfigError


@runtime_checkable
class HasAttention(Protocol):
    """A text model that returns its attention weights."""

    def attention_weights(self, ids: Tensor) -> list[Tensor]:
        """(N, T) -> attention weights (N, heads, T, T) of each layer."""
        ...


class Attention(nn.Module):
    """Multi-head attention (N, T, D), (N, S, D) -> (N, T, D): softmax(q k / sqrt(D / heads)) v, output projection (eq.
    1).
    """

    def __init__(self, width: int, heads: int) -> None:
        """Raises ConfigError: the width is not a multiple of the number of heads."""
        super().__init__()
        if width % heads:
            raise ConfigError(f"width={width} is not a multiple of heads={heads}.")
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        for layer in (self.query, self.key, self.value):
            nn.init.xavier_uniform_(layer.weight, gain=0.5**0.5)  # initialized as one matrix of all three
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        """Attend from x (N, T, D) to memory (N, S, D) where `mask` (N, 1, 1 or T, S) is true -> (N, T, D)."""
        mixed = self.attention_weights(x, memory, mask) @ self._split(self.value(memory))  # (N, heads, T, D / heads)
        answered: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return answered

    def attention_weights(self, x: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        """Return attention weights (N, heads, T, S); rows sum to 1, masked positions get 0."""
        query, key = self._split(self.query(x)), self._split(self.key(memory))
        scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[-1])
        return scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(dim=-1)

    def _split(self, x: Tensor) -> Tensor:
        """(N, T, D) -> (N, heads, T, D / heads)."""
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)


class FeedForward(nn.Module):
    """Position-wise feed-forward network (N, T, D) -> (N, T, D): linear, ReLU, linear (eq. 2)."""

    def __init__(self, width: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.widen, self.narrow = nn.Linear(width, inner), nn.Linear(inner, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, D) -> (N, T, D)."""
        out: Tensor = self.narrow(self.dropout(self.widen(x).relu()))
        return out


class EncoderLayer(nn.Module):
    """(N, T, D) -> (N, T, D): self-attention and feed-forward, each with residual connection and layer norm."""

    def __init__(self, width: int, heads: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.attention = Attention(width, heads)
        self.attention_norm = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width, inner, dropout)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x (N, T, D), mask (N, 1, 1, T) -> (N, T, D)."""
        x = self.attention_norm(x + self.dropout(self.attention(x, x, mask)))
        out: Tensor = self.feed_forward_norm(x + self.dropout(self.feed_forward(x)))
        return out


class DecoderLayer(nn.Module):
    """(N, T, D), (N, S, D) -> (N, T, D): self-attention, cross-attention to the encoder's output, feed-forward."""

    def __init__(self, width: int, heads: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.attention = Attention(width, heads)
        self.attention_norm = nn.LayerNorm(width)
        self.memory_attention = Attention(width, heads)
        self.memory_norm = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width, inner, dropout)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, memory: Tensor, *, mask: Tensor, memory_mask: Tensor) -> Tensor:
        """x (N, T, D) attends to itself where `mask` (N, 1, 1 or T, T) is true and to memory (N, S, D) where
        `memory_mask` (N, 1, 1, S) is true -> (N, T, D).
        """
        x = self.attention_norm(x + self.dropout(self.attention(x, x, mask)))
        x = self.memory_norm(x + self.dropout(self.memory_attention(x, memory, memory_mask)))
        out: Tensor = self.feed_forward_norm(x + self.dropout(self.feed_forward(x)))
        return out


def positional_encoding(length: int, width: int) -> Tensor:
    """Return sinusoidal positional encodings (T, D), wavelengths from 2 pi to 10,000 times 2 pi (section 3.5)."""
    at = torch.arange(length)[:, None] * torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    table = torch.zeros(length, width)
    table[:, 0::2], table[:, 1::2] = at.sin(), at.cos()[:, : width // 2]
    return table


def padding_mask(ids: Tensor) -> Tensor:
    """(N, T) ids -> (N, T), true at tokens (id != 0); an empty text keeps one position so that softmax is defined."""
    mask = ids.ne(0)
    first = torch.zeros_like(mask)
    first[:, 0] = True
    return mask | first


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """(N, T, D), mask (N, T) -> (N, D): mean over the unmasked tokens."""
    share = mask.to(x.dtype) / mask.sum(dim=1, keepdim=True).to(x.dtype)
    return (share[:, None] @ x).squeeze(1)


def word_dropout(ids: Tensor, share: float) -> Tensor:
    """Replace a random share of the ids (N, T) by unknown (1); padding stays."""
    lost = torch.rand(ids.shape, device=ids.device) < share
    return ids.masked_fill(lost & ids.ne(0), 1)


def from_torch(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convert a state dict of `nn.TransformerEncoderLayer`, or of a stack of them, to our names."""
    renamed: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        stem, _, last = name.rpartition(".")
        if last.startswith("in_proj_"):
            before = stem.removesuffix("self_attn") + "attention"
            parts = zip(("query", "key", "value"), tensor.chunk(3), strict=True)
            renamed |= {f"{before}.{part}.{last.removeprefix('in_proj_')}": each for part, each in parts}
            continue
        for theirs, ours in _RENAMED.items():
            name = name.replace(theirs, ours)
        renamed[name] = tensor
    return renamed


_RENAMED = {
    "self_attn.out_proj": "attention.out",
    "linear1": "feed_forward.widen",
    "linear2": "feed_forward.narrow",
    "norm1": "attention_norm",
    "norm2": "feed_forward_norm",
}
