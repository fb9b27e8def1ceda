"""Explain panel: the explanation that suits the project's kind of input."""

from dlcore.projects.project import Project
from dlcore.runs import Run
from dlcore.ui.modalities.explain_image import explain_picture
from dlcore.ui.modalities.explain_text import explain_text
from dlcore.ui.pages.anomaly.explain import explain_alarm
from dlcore.ui.widgets import run_cache


def explain(project: Project, run: Run | None) -> None:
    """Draw the panel."""
    bundle = run_cache.finished_bundle(run, to_see="why a trained model decides as it does")
    if bundle is None or run is None:
        return
    draw = {"csv": explain_alarm, "image": explain_picture, "text": explain_text}[project.input_kind]
    draw(project, run, bundle)
