"""Panel Data: the dataset of the run, or of a default run, as its modality shows it."""

from dlcore.projects.project import Project
from dlcore.runs import Run
from dlcore.ui.modalities.modality import load_modality


def data(project: Project, run: Run | None) -> None:
    """Source, counts and samples of the dataset, and a form for custom datasets."""
    load_modality(project).overview(project, run)
