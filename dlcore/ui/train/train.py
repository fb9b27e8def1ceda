"""The Train panel: the chosen run as it learns and the form that starts a new one, or a search over settings."""

from typing import TYPE_CHECKING

import streamlit as st

from dlcore.runs import Run
from dlcore.ui.train import comparison_form, live, new_run
from dlcore.ui.train.search_form import ADDRESS

if TYPE_CHECKING:
    from dlcore.projects.project import Project

ONE, SEARCH = "A run", "A search over settings"


def train(project: "Project", run: Run | None) -> None:
    """Draw the panel."""
    asked = st.query_params.get(ADDRESS, "")
    chosen = st.segmented_control(
        "What is trained",
        [ONE, SEARCH],
        default=SEARCH if asked else ONE,
        required=True,
        key=f"trains-{project.slug}-{asked}",
        label_visibility="collapsed",
    )
    if chosen == SEARCH:
        from dlcore.ui.train import search

        search.show(project)
        return
    view, form = st.columns([2, 1], gap="large")
    with form:
        new_run.show(project, run)
        comparison_form.show(project)
    with view:
        if run is None:
            st.info("No run yet: press Train, and watch the first one here.", icon=":material/model_training:")
        else:
            live.show(project, run)
