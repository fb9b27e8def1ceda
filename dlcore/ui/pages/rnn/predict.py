"""Try it on the page on recurrent networks: predict what the curves show, and break a network on purpose."""

import json
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from dlcore import projects
from dlcore.plots.palette import BLUE
from dlcore.plots.style import blank, log_axis
from dlcore.projects.foundations import rnn
from dlcore.projects.foundations.quiz import Failure, RunEvidence
from dlcore.runs import Run
from dlcore.runs.short_run import run_short
from dlcore.ui.pages.backprop.predict import short_run_evidence
from dlcore.ui.pages.rnn.results import bridges
from dlcore.ui.widgets import quiz
from dlcore.ui.widgets.figure import show_figure

if TYPE_CHECKING:
    from dlcore.projects.project import Project


def predict(project: "Project", run: Run | None) -> None:
    """Predict, then look; break it."""
    quiz.show_quiz(
        rnn.QUESTIONS,
        bridges,
        key="rnn",
        lead="Three questions on the memory task; the curves by gap that were measured mark your answers.",
    )
    st.divider()
    quiz.show_failures(rnn.BREAKS, _broken, key="rnn", picture=_picture)


def _broken(broken: Failure[RunEvidence]) -> RunEvidence:
    return _attempt(json.dumps(dict(broken.settings), sort_keys=True))


@st.cache_resource(max_entries=8, show_spinner=False)
def _attempt(settings: str) -> RunEvidence:
    chosen = json.loads(settings)
    config = projects.configure("rnn", model="rnn", dataset=rnn.MEMORY, preset="quick", settings=chosen)
    prepared = projects.get("rnn").prepare(config)
    return short_run_evidence(run_short(config, prepared, steps=rnn.BREAK_STEPS, every=2), chosen)


def _picture(seen: RunEvidence, key: str) -> None:
    """The loss and the gradient's length by step."""
    left, right = st.columns(2, gap="large")
    with left:
        quiz.loss_by_step(seen, key=key, guessing=float(np.log(10)))
    with right:
        lengths = np.maximum(seen.norms[:, 0], 1e-30)
        figure = blank("Gradient of the recurrent layer", x="step", y="length", height=280)
        figure.add_scatter(x=seen.steps, y=lengths, mode="lines", line={"color": BLUE})
        figure.update_yaxes(**log_axis(lengths))
        show_figure(figure, key=f"{key}-norms", alt=f"Gradient from {lengths[0]:.2g} to {lengths[-1]:.2g}")
