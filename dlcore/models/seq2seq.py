"""Encoder-decoder Transformer for sequence to sequence (Vaswani et al. 2017)."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from dlcore.core.config import Config, number
from dlcore.models import encoder


class Seq2SeqConfig(Config):
    """Layer sizes and dropout."""

    width: int = number(64, low=4, high=1024, unit="numbers", help="Embedding dimension.")
    layers: int = number(2, low=1, high=12, help="Encoder layers, and as many decoder layers.")
    heads: int = number(4, low=1, high=32, help="Attention heads; must divide the width.")
    feed_forward: int = number(
        128, low=4, high=8192, unit="units", help="Hidden units of each feed-forward network.", log=True
    )
    dropout: float = number(0.0, low=0.0, high=0.9, help="Dropout probability.")


class Seq2Seq(nn.Module):
    """(N, S) source, (N, L) decoder input -> (N, L, V) logits of the next symbol at each position.

    Ids are padded at the end with 0. Padding of the source is masked everywhere; a decoder position attends to itself
    and earlier ones only. Equal to `nn.Transformer` with the same weights (`from_torch`).
    """

    def __init__(self, config: Seq2SeqConfig, *, sources: int, symbols: int, source_length: int, length: int) -> None:
        """`sources` and `symbols` (V) count all ids of each side; the lengths are maxima."""
        super().__init__()
        sizes = (config.width, config.heads, config.feed_forward, config.dropout)
        self.source_embedding = nn.Embedding(sources, config.width, padding_idx=0)
        self.embedding = nn.Embedding(symbols, config.width, padding_idx=0)
        with torch.no_grad():
            self.source_embedding.weight *= 0.5  # same scale as the positional encoding
            self.embedding.weight *= 0.5
        self.positional_encoding: Tensor
        self.register_buffer(
            "positional_encoding",
            encoder.positional_encoding(max(source_length, length), config.width),
            persistent=False,
        )
        self.encoder = nn.ModuleList(encoder.EncoderLayer(*sizes) for _ in range(config.layers))
        self.encoder_norm = nn.LayerNorm(config.width)
        self.decoder = nn.ModuleList(encoder.DecoderLayer(*sizes) for _ in range(config.layers))
        self.decoder_norm = nn.LayerNorm(config.width)
        self.symbols = nn.Linear(config.width, symbols)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, source: Tensor, output: Tensor) -> Tensor:
        """(N, S), (N, L) int64 -> (N, L, V)."""
        return self.decode(output, *self.encode(source))

    def encode(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """(N, S) -> memory (N, S, D) and padding mask (N, 1, 1, S)."""
        mask = encoder.padding_mask(source)[:, None, None]
        x = self.dropout(self.source_embedding(source) + self.positional_encoding[: source.shape[1]])
        for layer in self.encoder:
            x = layer(x, mask)
        return self.encoder_norm(x), mask

    def decode(self, output: Tensor, memory: Tensor, memory_mask: Tensor) -> Tensor:
        """Decoder input (N, L) and memory -> (N, L, V), logits of the next symbol after each position."""
        x, mask = self._start(output)
        for layer in self.decoder:
            x = layer(x, memory, mask=mask, memory_mask=memory_mask)
        logits: Tensor = self.symbols(self.decoder_norm(x))
        return logits

    def cross_attention(self, source: Tensor, output: Tensor) -> Tensor:
        """(N, S), (N, L) -> cross-attention weights (N, layers, heads, L, S); rows sum to 1."""
        memory, memory_mask = self.encode(source)
        x, mask = self._start(output)
        weights = []
        for layer in self.decoder:
            assert isinstance(layer, encoder.DecoderLayer)
            query = layer.attention_norm(x + layer.attention(x, x, mask))
            weights.append(layer.memory_attention.attention_weights(query, memory, memory_mask))
            x = layer(x, memory, mask=mask, memory_mask=memory_mask)
        return torch.stack(weights, dim=1)

    def _start(self, output: Tensor) -> tuple[Tensor, Tensor]:
        length = output.shape[1]
        causal = torch.ones(length, length, dtype=torch.bool, device=output.device).tril()
        return self.dropout(self.embedding(output) + self.positional_encoding[:length]), causal[None, None]


def from_torch(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convert a state dict of `nn.Transformer` to our names; it has no embeddings and no output layer."""
    renamed: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        for theirs, ours in _RENAMED[name.partition(".")[0]].items():
            name = name.replace(theirs, ours)
        stem, _, last = name.rpartition(".")
        if last.startswith("in_proj_"):
            parts = zip(("query", "key", "value"), tensor.chunk(3), strict=True)
            renamed |= {f"{stem}.{part}.{last.removeprefix('in_proj_')}": each for part, each in parts}
        else:
            renamed[name] = tensor
    return renamed


_SHARED = {
    "self_attn": "attention",
    "out_proj": "out",
    "linear1": "feed_forward.widen",
    "linear2": "feed_forward.narrow",
}
_RENAMED = {
    "encoder": {
        **_SHARED,
        "encoder.norm.": "encoder_norm.",
        "encoder.layers": "encoder",
        "norm1": "attention_norm",
        "norm2": "feed_forward_norm",
    },
    "decoder": {
        **_SHARED,
        "decoder.norm.": "decoder_norm.",
        "decoder.layers": "decoder",
        "multihead_attn": "memory_attention",
        "norm1": "attention_norm",
        "norm2": "memory_norm",
        "norm3": "feed_forward_norm",
    },
}
