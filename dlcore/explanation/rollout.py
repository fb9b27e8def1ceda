"""Attention rollout: how much of each patch reaches the class token through all layers."""

import numpy as np


def rollout(attentions: np.ndarray) -> np.ndarray:
    """(B, heads, T, T) attention of B layers, rows summing to 1 -> (T, T), rows summing to 1.

    The mean over heads, half of it the place itself for the way around each layer, multiplied from the last layer to
    the first. Row 0 says what the class token of the last layer is made of. Source: Abnar & Zuidema 2020, section 3.
    """
    size = attentions.shape[-1]
    passed = np.eye(size)
    for layer in attentions.astype(np.float64):
        mixed = 0.5 * layer.mean(axis=0) + 0.5 * np.eye(size)
        passed = (mixed / mixed.sum(axis=1, keepdims=True)) @ passed
    return passed


def distances(attentions: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """How far each head looks, in patches: (B, heads, 1 + rows * columns, same) -> (B, heads).

    The mean distance between a patch and those that it looks at, weighted by how much; the class token is left out
    (Dosovitskiy et al. 2021, figure 7, right).
    """
    rows, columns = grid
    places = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), axis=-1).reshape(-1, 2)
    apart = np.linalg.norm(places[:, None] - places[None], axis=-1)
    among = attentions[..., 1:, 1:].astype(np.float64)
    among = among / np.maximum(among.sum(axis=-1, keepdims=True), 1e-12)
    found: np.ndarray = (among * apart).sum(axis=-1).mean(axis=-1)
    return found
