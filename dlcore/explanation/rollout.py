"""Attention rollout: attention from the output to each patch through all layers."""

import numpy as np


def rollout(attentions: np.ndarray) -> np.ndarray:
    """Return the rollout (T, T) of attention (B, heads, T, T) of B layers; rows sum to 1.

    Mean over heads, averaged with the identity for the residual connection, multiplied over layers. Row 0 is the class
    token of the last layer. Source: Abnar & Zuidema 2020, section 3.
    """
    size = attentions.shape[-1]
    product = np.eye(size)
    for layer in attentions.astype(np.float64):
        mixed = 0.5 * layer.mean(axis=0) + 0.5 * np.eye(size)
        product = (mixed / mixed.sum(axis=1, keepdims=True)) @ product
    return product


def distances(attentions: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Return the mean attention distance (B, heads) in patches of attention (B, heads, T, T), T = 1 + rows * columns.

    Weighted by attention, without the class token (Dosovitskiy et al. 2021, figure 7,
    right).
    """
    rows, columns = grid
    places = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), axis=-1).reshape(-1, 2)
    lengths = np.linalg.norm(places[:, None] - places[None], axis=-1)
    patch_attention = attentions[..., 1:, 1:].astype(np.float64)
    patch_attention = patch_attention / np.maximum(patch_attention.sum(axis=-1, keepdims=True), 1e-12)
    means: np.ndarray = (patch_attention * lengths).sum(axis=-1).mean(axis=-1)
    return means
