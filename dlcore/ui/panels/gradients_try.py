"""Try it: choose depth, cures and rate, train fifty steps here and now, and see what becomes of the gradient."""

import json
from typing import TYPE_CHECKING, Any

import streamlit as st

from dlcore import projects
from dlcore.core.config import describe
from dlcore.data import sources
from dlcore.models.deep_network import DeepNetworkConfig
from dlcore.projects import gradients as deep
from dlcore.runs import Run
from dlcore.runs.trial import Trial, attempt
from dlcore.ui import forms, missing
from dlcore.ui.panels import flow

if TYPE_CHECKING:
    from dlcore.data.splits import Prepared
    from dlcore.projects.project import Project, RunConfig

STEPS, EVERY = 50, 2
KEPT = 4
"""Attempts that are shown together."""
_SHOWN = ("depth", "skip", "normalisation", "initialisation", "activation")
_DONE = "gradients-attempts"


def try_it(project: "Project", run: Run | None) -> None:
    """The settings on the left, what they do on the right; the last few attempts stay for comparison."""
    controls, view = st.columns([1, 2], gap="large")
    dataset = projects.configure(project.slug).dataset
    with controls:
        st.subheader("What if?", anchor=False)
        st.caption(
            f"{STEPS} steps with 32 pictures each, trained right here in a few seconds. Nothing is kept: to train a "
            "network to the end, use Train."
        )
        if not sources.available(dataset):
            missing.offer(dataset)
            return
        changed = _settings(run)
        pressed = st.button(
            f"Train {STEPS} steps now", type="primary", icon=":material/bolt:", width="stretch", key="attempt"
        )
        attempts: list[dict[str, Any]] = st.session_state.setdefault(_DONE, [])
        if attempts and st.button("Clear", icon=":material/delete:", width="stretch", key="attempts-clear"):
            attempts.clear()
            st.rerun()
    if pressed:
        if changed in attempts:
            attempts.remove(changed)
        attempts.insert(0, changed)
        del attempts[KEPT:]
    with view:
        _view(project.slug, dataset, attempts)


def _settings(run: Run | None) -> dict[str, Any]:
    """The settings of the attempt, starting from those of the page's run."""
    start = {field.name: field.default for field in describe(DeepNetworkConfig)}
    rate = 0.05
    if run is not None:
        start, rate = {**start, **run.config.model_options}, run.config.training.learning_rate
    key = f"attempt-{run.run_id if run else ''}"
    fields = [field for field in describe(DeepNetworkConfig) if field.name in _SHOWN]
    chosen = {field.name: forms.setting(field, start[field.name], key=f"{key}-{field.name}") for field in fields}
    chosen["learning_rate"] = st.number_input(
        "Learning rate", 1e-6, 1.0, rate, format="%g", key=f"{key}-rate", help="Length of a step along the gradient."
    )
    return chosen


def _view(slug: str, dataset: str, attempts: list[dict[str, Any]]) -> None:
    if not attempts:
        _prepared(slug, dataset, projects.configure(slug, dataset=dataset, preset="quick"))  # while the reader reads
        st.info(
            "Press the button with the settings as they are, then change one of them and press it again: the attempts "
            "are drawn together.",
            icon=":material/touch_app:",
        )
        return
    found = []
    for number, changed in enumerate(attempts):
        trial = _attempt(slug, dataset, json.dumps(changed, sort_keys=True))
        name = deep.in_words(_config(slug, dataset, json.dumps(changed)))
        found.append((trial, flow.network(trial.gradients, f"{len(attempts) - number}: {name}")))
    trial, newest = found[0]
    flow.show_verdict(newest)
    if trial.broke:
        st.warning(trial.broke, icon=":material/error:")
    st.caption(_said(trial))
    flow.show_map([shown for _, shown in found], key="attempts")


def _said(trial: Trial) -> str:
    values = trial.losses.values
    if not len(values):
        return ""
    return (
        f"{len(values)} steps in {trial.seconds:.1f} s; the loss went from {values[0]:.3g} to {values[-5:].mean():.3g} "
        "(guessing one of ten: 2.3)."
    )


@st.cache_resource(max_entries=16, show_spinner="Training a few steps")
def _attempt(slug: str, dataset: str, changed: str) -> Trial:
    config = _config(slug, dataset, changed)
    return attempt(config, _prepared(slug, dataset, config), steps=STEPS, every=EVERY)


def _config(slug: str, dataset: str, changed: str) -> "RunConfig":
    return projects.configure(slug, dataset=dataset, preset="quick", settings=json.loads(changed))


@st.cache_resource(max_entries=2, show_spinner=False)
def _prepared(slug: str, dataset: str, _config: "RunConfig") -> "Prepared":
    return projects.get(slug).prepare(_config)
