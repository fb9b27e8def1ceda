"""Results of fine-tuning: those of every classifier, and what each way costs and gains by the number of texts."""

from dlcore.projects.project import Project
from dlcore.runs import Run
from dlcore.ui.panels import comparison


def results(project: Project, run: Run | None) -> None:
    """One run or several side by side; and the learning curve that came with the workbench."""
    comparison.results(project, run)
