"""Panel Data: the dataset of the run or of a default run."""

from dlcore.projects.project import Project
from dlcore.runs import Run
from dlcore.ui.modalities.modality import load_modality


def data(project: Project, run: Run | None) -> None:
    """Draw the panel with the overview of the project's modality."""
    load_modality(project).overview(project, run)
