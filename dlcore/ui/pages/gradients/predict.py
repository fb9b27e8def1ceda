"""Experiment: choose depth, remedies and learning rate, train fifty steps, and inspect the gradient flow."""

import json
from typing import TYPE_CHECKING, Any

import streamlit as st

from dlcore import projects
from dlcore.core.config import describe
from dlcore.core.errors import WorkbenchError
from dlcore.data.sources import locate as sources
from dlcore.models.deep_network import DeepNetworkConfig
from dlcore.runs import Run
from dlcore.ui.modalities.modality import load_modality
from dlcore.ui.pages.gradients import flow, short_run
from dlcore.ui.pages.gradients import grid as gradients_grid
from dlcore.ui.pages.gradients.short_run import STEPS
from dlcore.ui.shell import download_offer
from dlcore.ui.shell.address import read_text, write_text
from dlcore.ui.widgets import forms, run_cache
from dlcore.ui.widgets.choice import choose

if TYPE_CHECKING:
    from dlcore.projects.project import Project

MAX_RUNS = 4
"""Short runs that are compared."""
_RUNS, SHORT_RUNS = "gradients-runs", "short-runs"
"""Session key and query parameter of the settings of the latest runs, newest first."""
SINGLE, GRID, IMAGE = "Single network", "Grid", "Your image"


def predict(project: "Project", run: Run | None) -> None:
    """Render settings on the left and results on the right; the latest runs are compared."""
    controls, view = st.columns([1, 2], gap="large")
    dataset = projects.configure(project.slug).dataset
    with controls:
        st.subheader("Short runs", anchor=False)
        if not sources.is_available(dataset):
            download_offer.offer_download(dataset)
            return
        mode = choose(
            "What to train", [SINGLE, GRID, IMAGE], key="gradients-mode", width="stretch", persist_state="session"
        )
        if mode == IMAGE:
            st.caption("The run at the top predicts your image; other networks can be compared.")
        elif mode == GRID:
            cells = gradients_grid.cells(*gradients_grid.settings())
            if gradients_grid.button(cells):
                gradients_grid.save(cells)
            gradients_grid.restore(cells)
        else:
            settings_of_runs = _form(run)
    with view:
        if mode == IMAGE:
            bundle = run_cache.finished_bundle(run, to_see="predictions for your image")
            if bundle is not None:
                load_modality(project).input_widget(project, bundle)
        elif mode == GRID:
            gradients_grid.view(project.slug, dataset)
        else:
            _view(project.slug, dataset, settings_of_runs)


def _form(run: Run | None) -> list[dict[str, Any]]:
    """Render the form for a single network; return the settings of the latest runs, newest first."""
    st.caption(f"{STEPS} steps with batch size 32, in a few seconds. Nothing is stored; for a full run, use Train.")
    settings = _settings(run)
    if _RUNS not in st.session_state:
        st.session_state[_RUNS] = _linked_runs(settings)
    latest: list[dict[str, Any]] = st.session_state[_RUNS]
    if st.button(f"Train {STEPS} steps", type="primary", icon=":material/bolt:", width="stretch", key="short-run"):
        if settings in latest:
            latest.remove(settings)
        latest.insert(0, settings)
        del latest[MAX_RUNS:]
    write_text(SHORT_RUNS, json.dumps([list(each.values()) for each in latest]) if latest else "")
    if latest and st.button("Clear", icon=":material/delete:", width="stretch", key="short-runs-clear"):
        latest.clear()
        st.rerun()
    return latest


def _linked_runs(settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the runs of a link, each a list of values in the order of `settings`; invalid ones are left out."""
    try:
        rows = json.loads(read_text(SHORT_RUNS) or "[]")
        runs_of_link = [dict(zip(settings, row, strict=True)) for row in rows[:MAX_RUNS]]
        for each in runs_of_link:
            projects.configure("gradients", settings=each)
    except (ValueError, TypeError, WorkbenchError):
        return []
    return runs_of_link


def _settings(run: Run | None) -> dict[str, Any]:
    """Render and return the settings of a short run; initial values are those of the page's run."""
    initial = {field.name: field.default for field in describe(DeepNetworkConfig)}
    rate = gradients_grid.LEARNING_RATE
    if run is not None:
        initial, rate = {**initial, **run.config.model_options.model_dump()}, run.config.training.learning_rate
    key = f"short-run-{run.run_id if run else ''}"
    fields = [field for field in describe(DeepNetworkConfig) if field.name in gradients_grid.AXES]
    values = {
        field.name: forms.setting_widget(field, initial[field.name], key=f"{key}-{field.name}", keep=True)
        for field in fields
    }
    values["learning_rate"] = gradients_grid.learning_rate(rate, key=f"{key}-rate")
    return values


def _view(slug: str, dataset: str, settings_of_runs: list[dict[str, Any]]) -> None:
    if not settings_of_runs:
        short_run.prefetch(slug, dataset)
        st.info(
            "Train once, change one setting and train again: the latest runs are compared.", icon=":material/touch_app:"
        )
        return
    results = [
        short_run.run_network(slug, dataset, settings, prefix=f"{len(settings_of_runs) - index}: ")
        for index, settings in enumerate(settings_of_runs)
    ]
    newest = results[0]
    flow.show_verdict(newest.network)
    flow.show_diagnosis(newest.network)
    if newest.short_run.failed_step:
        st.caption("A lower learning rate, batch norm or (under Train) gradient clipping may prevent divergence.")
    st.caption(short_run.describe_loss(newest.short_run))
    if len(results) > 1:
        short_run.show_table(results)
    flow.show_map([result.network for result in results], key="short-runs", until=STEPS)
