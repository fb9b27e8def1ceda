"""Explain panel: the explanation for the project's modality."""

from dlcore.projects.project import Project
from dlcore.runs import Run
from dlcore.ui.modalities.modality import load_modality
from dlcore.ui.widgets import run_cache


def explain(project: Project, run: Run | None) -> None:
    """Draw the panel."""
    bundle = run_cache.finished_bundle(run, to_see="explanations of its predictions")
    if bundle is not None and run is not None:
        load_modality(project).explain(project, run, bundle)
