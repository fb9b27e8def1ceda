"""The Transformer's parts, written out after the paper (Vaswani et al. 2017): attention, feed-forward, layers, places.

Norms come after each part, as in the paper; every layer has biases.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from dlcore.core.errors import ConfigError


class Attention(nn.Module):
    """(N, T, D), (N, S, D) -> (N, T, D): softmax(q k / sqrt(D / heads)) v in each head, then one matrix (eq. 1)."""

    def __init__(self, width: int, heads: int) -> None:
        """Raises ConfigError: the width is no multiple of the heads."""
        super().__init__()
        if width % heads:
            raise ConfigError(f"width={width} is no multiple of heads={heads}: choose such a width.")
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        for layer in (self.query, self.key, self.value):
            nn.init.xavier_uniform_(layer.weight, gain=0.5**0.5)  # the three of them as one matrix
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, memory: Tensor, seen: Tensor) -> Tensor:
        """x (N, T, D) asks, memory (N, S, D) answers where `seen` (N, 1, 1 or T, S) is true -> (N, T, D)."""
        mixed = self.weights(x, memory, seen) @ self._split(self.value(memory))  # (N, heads, T, D / heads)
        answered: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return answered

    def weights(self, x: Tensor, memory: Tensor, seen: Tensor) -> Tensor:
        """(N, heads, T, S): how much each token takes of each; rows sum to 1, and what is not seen gets 0."""
        query, key = self._split(self.query(x)), self._split(self.key(memory))
        scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[-1])
        return scores.masked_fill(~seen, torch.finfo(scores.dtype).min).softmax(dim=-1)

    def _split(self, x: Tensor) -> Tensor:
        """(N, T, D) -> (N, heads, T, D / heads)."""
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)


class FeedForward(nn.Module):
    """(N, T, D) -> (N, T, D): linear, ReLU, linear, at each place alone (eq. 2)."""

    def __init__(self, width: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.widen, self.narrow = nn.Linear(width, inner), nn.Linear(inner, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, D) -> (N, T, D)."""
        out: Tensor = self.narrow(self.dropout(self.widen(x).relu()))
        return out


class EncoderLayer(nn.Module):
    """(N, T, D) -> (N, T, D): attention, then feed-forward, each added to its input and normalised."""

    def __init__(self, width: int, heads: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.attention = Attention(width, heads)
        self.attention_norm = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width, inner, dropout)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        """x (N, T, D), seen (N, 1, 1, T) -> (N, T, D)."""
        x = self.attention_norm(x + self.dropout(self.attention(x, x, seen)))
        out: Tensor = self.feed_forward_norm(x + self.dropout(self.feed_forward(x)))
        return out


class DecoderLayer(nn.Module):
    """(N, T, D), (N, S, D) -> (N, T, D): attention to itself, to the encoder's output, and feed-forward."""

    def __init__(self, width: int, heads: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.attention = Attention(width, heads)
        self.attention_norm = nn.LayerNorm(width)
        self.memory_attention = Attention(width, heads)
        self.memory_norm = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width, inner, dropout)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, memory: Tensor, *, seen: Tensor, memory_seen: Tensor) -> Tensor:
        """x (N, T, D) sees itself where `seen` (N, 1, 1 or T, T) is true and the memory (N, S, D) where `memory_seen`
        (N, 1, 1, S) is -> (N, T, D)."""
        x = self.attention_norm(x + self.dropout(self.attention(x, x, seen)))
        x = self.memory_norm(x + self.dropout(self.memory_attention(x, memory, memory_seen)))
        out: Tensor = self.feed_forward_norm(x + self.dropout(self.feed_forward(x)))
        return out


def positional_encoding(length: int, width: int) -> Tensor:
    """(T, D): sines and cosines of each place, wavelengths from 2 pi to 10,000 times 2 pi (section 3.5)."""
    at = torch.arange(length)[:, None] * torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    table = torch.zeros(length, width)
    table[:, 0::2], table[:, 1::2] = at.sin(), at.cos()[:, : width // 2]
    return table


def padding_mask(ids: Tensor) -> Tensor:
    """(N, T) ids, 0 is padding -> (N, T) true where a token is; an empty text counts as one token, so that no row is
    without."""
    found = ids.ne(0)
    first = torch.zeros_like(found)
    first[:, 0] = True
    return found | first


def masked_mean(x: Tensor, found: Tensor) -> Tensor:
    """(N, T, D), (N, T) -> (N, D): the mean over the tokens, padding left out."""
    share = found.to(x.dtype) / found.sum(dim=1, keepdim=True).to(x.dtype)
    return (share[:, None] @ x).squeeze(1)


def word_dropout(ids: Tensor, share: float) -> Tensor:
    """Ids (N, T) of which a random share is unknown (1); padding stays."""
    lost = torch.rand(ids.shape, device=ids.device) < share
    return ids.masked_fill(lost & ids.ne(0), 1)


def from_torch(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict of `nn.TransformerEncoderLayer`, or of a stack of them, under our names."""
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
