"""Distance of a sample to the training data in a network's penultimate features."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dlcore.core.errors import DataError

NEIGHBORS = 5
ROWS, RANK = 400, 48
"""Stored training features and their dimensions: 20 to 80 kB."""
_CHUNK = 4096


@dataclass(frozen=True)
class FeatureBank:
    """Directions of M training features in the R leading directions of all of them.

    basis (D, R) and rows (M, R), int8, with the scale (R,) of each column. What a feature vector has outside of these
    directions counts as distance.
    """

    basis: np.ndarray
    basis_scale: np.ndarray
    rows: np.ndarray
    rows_scale: np.ndarray

    @classmethod
    def fit(cls, features: np.ndarray) -> "FeatureBank":
        """Fit on training features (N, D) in random order; the first ones are stored."""
        directions = _normalize(features)
        basis = np.linalg.svd(directions, full_matrices=False)[2][:RANK].T
        basis, basis_scale = _quantize(basis)
        rows, rows_scale = _quantize(directions[:ROWS] @ (basis * basis_scale))
        return cls(basis, basis_scale, rows, rows_scale)

    def distances(self, features: np.ndarray) -> np.ndarray:
        """Return the mean cosine distance (N,) of features (N, D) to the nearest stored ones.

        Source: Sun et al. 2022, Out-of-distribution detection with deep nearest neighbors.
        """
        if features.shape[1] != len(self.basis):
            raise DataError(f"the features have {features.shape[1]} values, the bank {len(self.basis)}.")
        basis, rows = self.basis * self.basis_scale, self.rows * self.rows_scale
        nearest = min(NEIGHBORS, len(rows))
        distances = np.empty(len(features), np.float32)
        for start in range(0, len(features), _CHUNK):
            similar = (_normalize(features[start : start + _CHUNK]) @ basis) @ rows.T
            distances[start : start + _CHUNK] = 1 - np.partition(similar, -nearest, axis=1)[:, -nearest:].mean(axis=1)
        return distances

    def as_arrays(self) -> dict[str, np.ndarray]:
        """Return its arrays by name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "FeatureBank":
        """Create from the arrays that `as_arrays` returns.

        Raises:
            DataError: an array is missing or does not match the others.
        """
        try:
            bank = cls(**{name: arrays[name] for name in cls.__dataclass_fields__})
        except KeyError as error:
            raise DataError(f"the feature bank has no array {error}.") from None
        rank = bank.basis_scale.shape
        shapes = (bank.basis.shape[1:], bank.rows.shape[1:], bank.rows_scale.shape)
        whole = all(np.issubdtype(part.dtype, np.integer) for part in (bank.basis, bank.rows))
        if len(rank) != 1 or not whole or any(shape != rank for shape in shapes) or not 0 < len(bank.rows) <= _CHUNK:
            raise DataError("the arrays of the feature bank do not match.")
        return bank


def _normalize(features: np.ndarray) -> np.ndarray:
    values = features.astype(np.float32)
    unit: np.ndarray = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9)
    return unit


def _quantize(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return values (N, R) as int8 and the scale (R,) of each column."""
    scale = (np.abs(values).max(axis=0) / 127 + 1e-12).astype(np.float32)
    return np.rint(values / scale).astype(np.int8), scale
