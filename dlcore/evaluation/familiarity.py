"""Statistics of the training data that measure how far an input is from them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dlcore.evaluation.feature_bank import FeatureBank
from dlcore.evaluation.wording import WordingModel

PARTS = ("bank", "wording")
"""Prefixes of the names of stored arrays."""


@dataclass(frozen=True)
class Familiarity:
    """Training features, and for texts character statistics; None where a run has none."""

    bank: FeatureBank | None = None
    wording: WordingModel | None = None

    def measure(self, features: np.ndarray | None, text: str = "") -> dict[str, float]:
        """Return the measures of one input from its features (1, D) and its complete text; higher is farther."""
        measures: dict[str, float] = {}
        if self.wording is not None and text:
            measures |= {name: float(values[0]) for name, values in self.wording.measure([text]).items()}
        if self.bank is not None and features is not None:
            measures["distance"] = float(self.bank.distances(features)[0])
        return measures

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Familiarity":
        """Create from arrays named `<part>_<name>`; others are ignored.

        Raises:
            DataError: an array of a part is missing or does not match the others.
        """
        by_part = {
            part: {
                name.removeprefix(f"{part}_"): array for name, array in arrays.items() if name.startswith(f"{part}_")
            }
            for part in PARTS
        }
        return cls(
            FeatureBank.from_arrays(by_part["bank"]) if by_part["bank"] else None,
            WordingModel.from_arrays(by_part["wording"]) if by_part["wording"] else None,
        )


def familiarity_arrays(predictions: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays of all parts among those of `Task.predict`."""
    return {name: array for name, array in predictions.items() if name.startswith(tuple(f"{part}_" for part in PARTS))}
