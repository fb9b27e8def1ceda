"""Interface between the panels and the modules that implement one kind of input."""

import importlib
from collections.abc import Sequence
from typing import Any, Protocol, cast

import numpy as np

from dlcore.projects.project import Project
from dlcore.projects.run_config import RunConfig
from dlcore.runs import Bundle, Run


class Modality(Protocol):
    """A kind of input. The module `ui/modalities/<name>.py` implements it for `Project.modality == "<name>"`."""

    STARTS_WITH_INPUT: bool
    """Whether Predict opens on the user's input instead of a test sample."""

    def overview(self, project: Project, run: Run | None) -> None:
        """Draw panel Data: source, counts and samples of the run's dataset, and custom datasets."""

    def pick_sample(self, project: Project, dataset: str, ids: np.ndarray, *, key: str) -> int:
        """Let the user choose one of the test samples with row numbers `ids` (N,); returns its index in `ids`."""

    def show(self, config: RunConfig, ids: Sequence[int], captions: Sequence[str], *, large: bool = False) -> None:
        """Show test samples of a run's dataset by row number, each with its caption."""

    def browse(self, project: Project, run: Run, bundle: Bundle) -> None:
        """Show more views of single test samples on Results; may show nothing."""

    def input_widget(self, project: Project, bundle: Bundle) -> dict[str, Any] | None:
        """Draw an upload or text field and the prediction; returns the prediction, None before input."""

    def explain(self, project: Project, run: Run, bundle: Bundle) -> None:
        """Draw panel Explain: the explanation of one prediction."""


def load_modality(project: Project) -> Modality:
    """Return the module that implements the project's modality; that of a pack is named with its package."""
    name = project.modality
    return cast(Modality, importlib.import_module(name if "." in name else f"dlcore.ui.modalities.{name}"))
