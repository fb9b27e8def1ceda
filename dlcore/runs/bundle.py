"""A bundle: one folder that holds all a finished run left behind."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlcore.runs.record import Curve, GradientNorms

if TYPE_CHECKING:
    from dlcore.projects.project import Evaluation, Loaded


@dataclass(frozen=True)
class Bundle:
    """A bundle opened for reading; nothing is read before it is asked for."""

    folder: Path

    @property
    def card(self) -> str:
        """The card in Markdown."""
        raise NotImplementedError

    @property
    def run(self) -> dict[str, Any]:
        """`run.json`: config, environment, record, evaluation."""
        raise NotImplementedError

    def history(self) -> dict[str, Curve]:
        """Every metric's history."""
        raise NotImplementedError

    def gradients(self) -> GradientNorms | None:
        """Norms of the gradient by layer; None where they were switched off."""
        raise NotImplementedError

    def predictions(self) -> dict[str, np.ndarray]:
        """`<split>_scores`, `<split>_targets`, `<split>_ids` for every split that was kept."""
        raise NotImplementedError

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes."""
        raise NotImplementedError

    @property
    def threshold(self) -> float | None:
        """The decision threshold chosen on validation; None where the project has none."""
        raise NotImplementedError

    @property
    def preprocessing(self) -> Mapping[str, Any]:
        """What inference needs to treat new data alike."""
        raise NotImplementedError

    @property
    def facts(self) -> Mapping[str, int]:
        """The data's facts that decided the model's shape."""
        raise NotImplementedError

    @property
    def evaluation(self) -> "Evaluation":
        """Numbers on the test split, as the worker stored them."""
        raise NotImplementedError

    def load(self) -> "Loaded":
        """The trained model, in evaluation mode on the CPU (safetensors only)."""
        raise NotImplementedError
