"""What the panels need to know about one kind of input, and where each kind is implemented."""

import importlib
from collections.abc import Sequence
from typing import Any, Protocol, cast

import numpy as np

from dlcore.projects.project import Project
from dlcore.projects.run_config import RunConfig
from dlcore.runs import Bundle, Run


class Modality(Protocol):
    """One kind of input. The module `ui/modalities/<name>.py` implements it for `Project.modality == "<name>"`."""

    STARTS_WITH_INPUT: bool
    """Whether Predict opens on the user's input instead of a test sample."""

    def overview(self, project: Project, run: Run | None) -> None:
        """Panel Data: source, counts and samples of the run's dataset, and custom datasets."""

    def pick_sample(self, project: Project, dataset: str, ids: np.ndarray, *, key: str) -> int:
        """Let the user choose one of the test samples with these row numbers (N,); its position in `ids`."""

    def show(self, config: RunConfig, ids: Sequence[int], captions: Sequence[str], *, large: bool = False) -> None:
        """Show test samples of a run's dataset by row number, each with its caption."""

    def browse(self, project: Project, run: Run, bundle: Bundle) -> None:
        """Further views of single test samples on Results; may show nothing."""

    def input_widget(self, project: Project, bundle: Bundle) -> dict[str, Any] | None:
        """Upload or text field for the user's input, and its prediction; returns the answer, None before input."""

    def explain(self, project: Project, run: Run, bundle: Bundle) -> None:
        """Panel Explain: the explanation of one prediction."""


def load_modality(project: Project) -> Modality:
    """The module that implements the project's modality."""
    return cast(Modality, importlib.import_module(f"dlcore.ui.modalities.{project.modality}"))
