"""What the runs of a lesson show, in one sentence."""

from typing import TYPE_CHECKING

import streamlit as st

from dlcore.runs import lessons
from dlcore.runs.comparisons import Comparison
from dlcore.ui.shell.cache import cache_data

if TYPE_CHECKING:
    from dlcore.projects.project import Project

_HELP = {
    "overfitting": "In brackets: 95 % interval over seeds. Training loss is measured with dropout and augmentation.",
    "accuracy": "Test accuracy; in brackets the 95 % interval over samples and seeds.",
}


def show(project: "Project", comparison: Comparison) -> None:
    """Render the sentence of a lesson; nothing for other comparisons."""
    lesson = lessons.find_lesson(project, comparison)
    if lesson is not None:
        finding = _describe(project.slug, comparison.comparison_id, _comparison=comparison)
        st.markdown(finding.sentence, help=_HELP[lesson.question])


@cache_data(max_entries=16, show_spinner=False)
def _describe(slug: str, lesson: str, _comparison: Comparison) -> lessons.Finding:
    """Return the finding, computed once: the runs of a lesson do not change."""
    from dlcore import projects

    entry = lessons.find_lesson(projects.get(slug), _comparison)
    assert entry is not None, lesson
    return lessons.describe_finding(entry, _comparison)
