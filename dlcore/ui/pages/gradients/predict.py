"""Try it: choose depth, cures and rate, train fifty steps here and now, and see what becomes of the gradient."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from dlcore import projects
from dlcore.core.config import describe
from dlcore.data.sources import locate as sources
from dlcore.models.deep_network import DeepNetworkConfig
from dlcore.runs import Run
from dlcore.ui.pages.gradients import flow
from dlcore.ui.pages.gradients import grid as gradients_grid
from dlcore.ui.pages.gradients import short_run as gradients_attempt
from dlcore.ui.pages.gradients.short_run import STEPS
from dlcore.ui.shell import download_offer
from dlcore.ui.widgets import forms

if TYPE_CHECKING:
    from dlcore.projects.project import Project

KEPT = 4
"""Attempts that are shown together."""
_DONE = "gradients-attempts"
ONE, GRID = "One network", "A grid"


def predict(project: "Project", run: Run | None) -> None:
    """The settings on the left, what they do on the right; the last few attempts stay for comparison."""
    controls, view = st.columns([1, 2], gap="large")
    dataset = projects.configure(project.slug).dataset
    with controls:
        st.subheader("What if?", anchor=False)
        if not sources.is_available(dataset):
            download_offer.offer_download(dataset)
            return
        what = st.segmented_control(
            "What to train",
            [ONE, GRID],
            default=ONE,
            required=True,
            key="gradients-what",
            width="stretch",
            label_visibility="collapsed",
            persist_state="session",
        )
        if what == GRID:
            chosen, rate = gradients_grid.settings()
            wanted = gradients_grid.cells(chosen, rate)
            if gradients_grid.button(wanted):
                gradients_grid.keep(wanted)
        else:
            attempts = _ask(run)
    with view:
        if what == GRID:
            gradients_grid.view(project.slug, dataset)
        else:
            _view(project.slug, dataset, attempts)


def _ask(run: Run | None) -> list[dict[str, Any]]:
    """The form for one network; gives the settings of all attempts kept, the newest first."""
    st.caption(
        f"{STEPS} steps with 32 pictures each, trained right here in a few seconds. Nothing is kept: to train a "
        "network to the end, use Train."
    )
    changed = _settings(run)
    attempts: list[dict[str, Any]] = st.session_state.setdefault(_DONE, [])
    if st.button(f"Train {STEPS} steps now", type="primary", icon=":material/bolt:", width="stretch", key="attempt"):
        if changed in attempts:
            attempts.remove(changed)
        attempts.insert(0, changed)
        del attempts[KEPT:]
    if attempts and st.button("Clear", icon=":material/delete:", width="stretch", key="attempts-clear"):
        attempts.clear()
        st.rerun()
    return attempts


def _settings(run: Run | None) -> dict[str, Any]:
    """The settings of the attempt, starting from those of the page's run."""
    start = {field.name: field.default for field in describe(DeepNetworkConfig)}
    rate = gradients_grid.RATE
    if run is not None:
        start, rate = {**start, **run.config.model_options.model_dump()}, run.config.training.learning_rate
    key = f"attempt-{run.run_id if run else ''}"
    fields = [field for field in describe(DeepNetworkConfig) if field.name in gradients_grid.AXES]
    chosen = {
        field.name: forms.setting_widget(field, start[field.name], key=f"{key}-{field.name}", keep=True)
        for field in fields
    }
    chosen["learning_rate"] = st.number_input(
        "Learning rate",
        1e-6,
        1.0,
        rate,
        format="%g",
        key=f"{key}-rate",
        help="Length of a step along the gradient.",
        persist_state="session",
    )
    return chosen


def _view(slug: str, dataset: str, attempts: list[dict[str, Any]]) -> None:
    if not attempts:
        gradients_attempt.prefetch(slug, dataset)
        st.info(
            "Press the button with the settings as they are, then change one of them and press it again: the attempts "
            "are drawn together.",
            icon=":material/touch_app:",
        )
        return
    found = [
        gradients_attempt.run_attempt(slug, dataset, changed, number=f"{len(attempts) - place}: ")
        for place, changed in enumerate(attempts)
    ]
    newest = found[0]
    flow.show_verdict(newest.shown)
    if newest.trial.failed_step:
        st.caption("A lower rate, batch norm or, under Train, clipping may keep it within bounds.")
    st.caption(gradients_attempt.describe_loss(newest.trial))
    if len(found) > 1:
        gradients_attempt.table(found)
    flow.show_map([one.shown for one in found], key="attempts", until=STEPS)
