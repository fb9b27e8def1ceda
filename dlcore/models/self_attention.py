"""Self-attention step by step: queries, keys, values, scores, softmax, weighted sum, output (Vaswani et al. 2017)."""

from typing import Literal

import torch
from torch import Tensor, nn

from dlcore.core.config import Config, choice, number

PAD, QUESTION = 0, 1


class SelfAttentionConfig(Config):
    """Heads, sizes, scaling, mask and positions."""

    heads: int = number(1, low=1, high=8, help="Attention heads.")
    key_size: int = number(16, low=1, high=512, unit="numbers", help="Dimension of queries and keys, d_k.", log=True)
    size: int = number(32, low=4, high=256, unit="numbers", help="Embedding dimension.", log=True)
    scaled: bool = choice(True, help="Divide scores by sqrt(d_k), which keeps their variance near 1.")
    mask: Literal["none", "causal"] = choice("none", help="Causal: a token attends to itself and earlier tokens only.")
    positions: bool = choice(False, help="Add positional embeddings; this task does not need them.")


class SelfAttention(nn.Module):
    """(N, T, D) -> (N, T, D): softmax(q k / sqrt(d_k)) v in each head, then W_o (Vaswani et al. 2017, eq. 1).

    Keys have no bias: it would add the same value to every score of a row, which softmax ignores. Weights start with
    variance 1 / D, so that queries and keys have variance 1 and their product d_k.
    """

    def __init__(self, config: SelfAttentionConfig) -> None:
        super().__init__()
        inner = config.heads * config.key_size
        self.heads, self.causal = config.heads, config.mask == "causal"
        self.factor = config.key_size**-0.5 if config.scaled else 1.0
        self.query = nn.Linear(config.size, inner)
        self.key = nn.Linear(config.size, inner, bias=False)
        self.value = nn.Linear(config.size, inner)
        self.out = nn.Linear(inner, config.size)
        for layer in (self.query, self.key, self.value, self.out):
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
        for layer in (self.query, self.value, self.out):
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(N, T, D), padding mask (N, T) -> (N, T, D)."""
        value = self._split(self.value(x))  # (N, heads, T, d_k)
        mixed = self.attention_weights(x, mask) @ value
        return self.out(mixed.transpose(1, 2).flatten(2))

    def attention_weights(self, x: Tensor, mask: Tensor) -> Tensor:
        """(N, T, D), (N, T) -> attention weights (N, heads, T, T); rows sum to 1."""
        query, key = self._split(self.query(x)), self._split(self.key(x))
        scores = query @ key.transpose(2, 3) * self.factor
        allowed = mask[:, None, None, :]
        if self.causal:
            allowed = allowed & torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril()
        return scores.masked_fill(~allowed, float("-inf")).nan_to_num(nan=0.0).softmax(dim=-1)

    def _split(self, x: Tensor) -> Tensor:
        """(N, T, heads d_k) -> (N, heads, T, d_k)."""
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)


class AssociativeRecall(nn.Module):
    """(N, T), (N, T) letters and values -> (N, K) logits: embeddings, self-attention, the question's token, linear.

    There is no residual connection: everything the output knows passed through attention.
    """

    def __init__(self, config: SelfAttentionConfig, *, letters: int, classes: int, length: int) -> None:
        """`letters` and `classes` count the symbols, `length` is the maximum number of tokens."""
        super().__init__()
        self.letters = nn.Embedding(letters + 1, config.size, padding_idx=PAD)
        self.values = nn.Embedding(classes + 2, config.size, padding_idx=PAD)
        self.positions = nn.Parameter(torch.randn(length, config.size) * 0.1) if config.positions else None
        self.attention = SelfAttention(config)
        self.classes = nn.Linear(config.size, classes)
        with torch.no_grad():
            self.letters.weight *= 0.5**0.5  # letter and value together have variance 1
            self.values.weight *= 0.5**0.5

    def embed(self, letters: Tensor, values: Tensor) -> Tensor:
        """(N, T), (N, T) -> (N, T, D)."""
        x = self.letters(letters) + self.values(values)
        return x if self.positions is None else x + self.positions[: letters.shape[1]]

    def forward(self, letters: Tensor, values: Tensor) -> Tensor:
        """(N, T), (N, T) -> (N, K)."""
        attention = self.attention(self.embed(letters, values), values != PAD)  # (N, T, D)
        is_question = (values == QUESTION).to(attention.dtype)[:, None]  # (N, 1, T), 1 at the question
        return self.classes((is_question @ attention).squeeze(1))

    def attention_weights(self, letters: Tensor, values: Tensor) -> Tensor:
        """(N, T), (N, T) -> (N, heads, T, T)."""
        return self.attention.attention_weights(self.embed(letters, values), values != PAD)
