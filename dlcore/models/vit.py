"""Vision Transformer (Dosovitskiy et al. 2021)."""

import re
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from dlcore.core.config import Config, choice, number


class VitConfig(Config):
    """Patch size, depth and width; defaults for images of 28 or 32 pixels."""

    patch: int = number(4, low=1, high=64, unit="pixels", help="Patch size; the image is padded to fit.")
    depth: int = number(6, low=1, high=24, unit="blocks", help="Number of Transformer blocks.")
    heads: int = number(4, low=1, high=32, help="Attention heads per block.")
    width: int = number(
        128, low=8, high=2048, unit="numbers", help="Embedding dimension; rounded up to a multiple of the heads."
    )
    mlp_ratio: float = number(
        2.0, low=0.5, high=8.0, help="Width of each block's MLP, relative to the embedding dimension."
    )
    dropout: float = number(0.1, low=0.0, high=0.9, help="Dropout probability.")
    stem: Literal["patches", "convolutions"] = choice(
        "patches", help="Patch embedding: one linear projection, or overlapping convolutions."
    )


class HybridConfig(VitConfig):
    """Defaults of the Transformer with a convolutional stem."""

    stem: Literal["patches", "convolutions"] = choice(
        "convolutions", help="Patch embedding: one linear projection, or overlapping convolutions."
    )


class Vit(nn.Module):
    """(N, C, H, W) or (N, H, W) -> (N, K) logits: patches, class token, positions, blocks, linear on the class token.

    T = patches + 1; the class token comes first. ViT-B/16 for 3 x 224 x 224 and 1,000 classes: 86,567,656 parameters.
    """

    def __init__(self, config: VitConfig, *, channels: int, height: int, width: int, classes: int) -> None:
        """`height` and `width` in pixels."""
        super().__init__()
        size = -(-config.width // config.heads) * config.heads
        self.grid = (-(-height // config.patch), -(-width // config.patch))
        self.padding = (0, self.grid[1] * config.patch - width, 0, self.grid[0] * config.patch - height)
        self.patches: nn.Module = nn.Conv2d(channels, size, config.patch, stride=config.patch)
        if config.stem == "convolutions":
            self.patches = _stem(channels, size, config.patch)
        self.token = nn.Parameter(torch.zeros(1, 1, size))
        self.positions = nn.Parameter(torch.empty(1, 1 + self.grid[0] * self.grid[1], size).normal_(std=0.02))
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(VitBlock(config, size) for _ in range(config.depth))
        self.norm = nn.LayerNorm(size, eps=1e-6)
        self.classes = nn.Linear(size, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, K)."""
        x = self.embed(x)  # -> (N, T, D)
        for block in self.blocks:
            x = block(x)
        return self.classes(self.norm(x)[:, 0])  # the class token (N, D) -> (N, K)

    def embed(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, T, D): patch embeddings with the class token first, positions added."""
        x = x.unsqueeze(1) if x.dim() == 3 else x
        x = self.patches(functional.pad(x, self.padding))  # -> (N, D, rows, columns)
        x = x.flatten(2).transpose(1, 2)  # -> (N, T - 1, D)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], dim=1)
        return self.dropout(x + self.positions)

    def attentions(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> attention weights (N, blocks, heads, T, T); rows sum to 1. Call it in evaluation mode."""
        x, weights = self.embed(x), []
        for block in self.blocks:
            assert isinstance(block, VitBlock)
            weights.append(block.attention.attention_weights(block.attention_norm(x)))
            x = block(x)
        return torch.stack(weights, dim=1)

    def position_similarity(self) -> Tensor:
        """Return the cosine similarity (patches, patches) between position embeddings (their figure 7, middle)."""
        places = functional.normalize(self.positions.detach()[0, 1:], dim=1)
        return places @ places.T


def _stem(channels: int, size: int, patch: int) -> nn.Sequential:
    """Build a convolutional stem (N, C, H, W) -> (N, D, H / patch, W / patch): 3x3 convolutions of stride 2, then 1x1.

    After Xiao et al. 2021 ("Early convolutions help Transformers see better", section 4). The last convolution covers
    the factor of `patch` that is not a power of two.
    """
    halvings = (patch & -patch).bit_length() - 1
    widths = [max(8, size >> (halvings - 1 - step)) for step in range(halvings)]
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Conv2d(channels, width, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
    factor = patch >> halvings
    return nn.Sequential(*layers, nn.Conv2d(channels, size, factor, stride=factor))


class VitBlock(nn.Module):
    """(N, T, D) -> (N, T, D): pre-norm self-attention and MLP with residual connections."""

    def __init__(self, config: VitConfig, size: int) -> None:
        super().__init__()
        inner = round(size * config.mlp_ratio)
        self.attention_norm = nn.LayerNorm(size, eps=1e-6)
        self.attention = VitSelfAttention(size, config.heads)
        self.mlp_norm = nn.LayerNorm(size, eps=1e-6)
        self.mlp = nn.Sequential(
            nn.Linear(size, inner),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(inner, size),
            nn.Dropout(config.dropout),
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, D) -> (N, T, D)."""
        x = x + self.dropout(self.attention(self.attention_norm(x)))
        return x + self.mlp(self.mlp_norm(x))


class VitSelfAttention(nn.Module):
    """Self-attention (N, T, D) -> (N, T, D): softmax(q k / sqrt(D / heads)) v (Vaswani et al. 2017, eq. 1)."""

    def __init__(self, size: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(size, 3 * size)
        self.out = nn.Linear(size, size)
        nn.init.xavier_uniform_(self.query_key_value.weight)
        nn.init.zeros_(self.query_key_value.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, D) -> (N, T, D)."""
        query, key, value = self._split(x)
        mixed = functional.scaled_dot_product_attention(query, key, value)  # (N, heads, T, D / heads)
        return self.out(mixed.transpose(1, 2).flatten(2))

    def attention_weights(self, x: Tensor) -> Tensor:
        """(N, T, D) -> attention weights (N, heads, T, T), computed explicitly."""
        query, key, _ = self._split(x)
        return (query @ key.transpose(2, 3) / query.shape[-1] ** 0.5).softmax(dim=-1)

    def _split(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(N, T, D) -> three of (N, heads, T, D / heads)."""
        n, t, d = x.shape
        parts = self.query_key_value(x).view(n, t, 3, self.heads, d // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        return query, key, value


_RENAMED = {
    r"^class_token$": "token",
    r"^encoder\.pos_embedding$": "positions",
    r"^conv_proj": "patches",
    r"^encoder\.ln": "norm",
    r"^heads\.head": "classes",
    r"^encoder\.layers\.encoder_layer_(\d+)": r"blocks.\1",
    r"\.ln_1": ".attention_norm",
    r"\.ln_2": ".mlp_norm",
    r"self_attention\.in_proj_": "attention.query_key_value.",
    r"self_attention\.out_proj": "attention.out",
}


def from_torchvision(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convert a state dict of torchvision's `vit_b_16` and similar models to our names."""
    renamed = {}
    for name, tensor in weights.items():
        for pattern, ours in _RENAMED.items():
            name = re.sub(pattern, ours, name)
        renamed[name] = tensor
    return renamed
