"""The Train panel: the chosen run as it learns, and beside it the form that starts a new one."""

from typing import TYPE_CHECKING

import streamlit as st

from dlcore.runs import Run
from dlcore.ui.panels import comparison_form, live, new_run

if TYPE_CHECKING:
    from dlcore.projects.project import Project


def train(project: "Project", run: Run | None) -> None:
    """Draw the panel."""
    view, form = st.columns([2, 1], gap="large")
    with form:
        new_run.show(project, run)
        comparison_form.show(project)
    with view:
        if run is None:
            st.info("No run yet: press Train, and watch the first one here.", icon=":material/model_training:")
        else:
            live.show(project, run)
