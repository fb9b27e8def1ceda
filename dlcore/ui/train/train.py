"""The Train panel: the open run and the form of a new one, or a hyperparameter search."""

from typing import TYPE_CHECKING

import streamlit as st

from dlcore.runs import Run
from dlcore.ui.train import comparison_form, live, new_run
from dlcore.ui.train.search_form import ADDRESS
from dlcore.ui.widgets.choice import choose

if TYPE_CHECKING:
    from dlcore.projects.project import Project

RUN, SEARCH = "Run", "Hyperparameter search"


def train_models(project: "Project", run: Run | None) -> None:
    """Render the panel of a page about comparing its models: the form of a comparison comes first."""
    train(project, run, compares_first=True)


def train(project: "Project", run: Run | None, *, compares_first: bool = False) -> None:
    """Render the panel."""
    requested = st.query_params.get(ADDRESS, "")
    mode = choose(
        "Train",
        [RUN, SEARCH],
        key=f"trains-{project.slug}-{requested}",
        default=SEARCH if requested else RUN,
        in_url=False,
    )
    if mode == SEARCH:
        from dlcore.ui.train import search

        search.show(project)
        return
    view, form = st.columns([2, 1], gap="large")
    with form:
        if compares_first:
            comparison_form.show(project, is_primary=True)
        new_run.show(project, run)
        if not compares_first:
            comparison_form.show(project)
    with view:
        if run is None:
            st.info("No run yet. Press Train and watch it here.", icon=":material/model_training:")
        else:
            live.show(project, run)
