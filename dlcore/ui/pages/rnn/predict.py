"""Experiment panel of the RNN page: a quiz on the memory task, and three failures."""

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
from dlcore.ui.pages.rnn.results import mean_accuracies
from dlcore.ui.shell.cache import cache_resource
from dlcore.ui.widgets import quiz
from dlcore.ui.widgets.figure import show_figure

if TYPE_CHECKING:
    from dlcore.projects.project import Project


def predict(project: "Project", run: Run | None) -> None:
    """Draw the quiz and the failures."""
    quiz.show_quiz(
        rnn.QUESTIONS,
        mean_accuracies,
        key="rnn",
        lead="Three questions on the memory task; the measured accuracies by gap check your answers.",
    )
    st.divider()
    quiz.show_failures(rnn.BREAKS, _run_failure, key="rnn", picture=_plot)


def _run_failure(failure: Failure[RunEvidence]) -> RunEvidence:
    return _run(json.dumps(dict(failure.settings), sort_keys=True))


@cache_resource(max_entries=8, show_spinner=False)
def _run(settings: str) -> RunEvidence:
    changed = json.loads(settings)
    config = projects.configure("rnn", model="rnn", dataset=rnn.MEMORY, preset="quick", settings=changed)
    prepared = projects.get("rnn").prepare(config)
    return short_run_evidence(run_short(config, prepared, steps=rnn.BREAK_STEPS, every=2), changed)


def _plot(evidence: RunEvidence, key: str) -> None:
    """Draw the loss and the gradient norm of the recurrent layer by step."""
    left, right = st.columns(2, gap="large")
    with left:
        quiz.loss_by_step(evidence, key=key, guessing=float(np.log(10)))
    with right:
        norms = np.maximum(evidence.norms[:, 0], 1e-30)
        figure = blank("Gradient norm of the recurrent layer", x="step", y="norm", height=280)
        figure.add_scatter(x=evidence.steps, y=norms, mode="lines", line={"color": BLUE})
        figure.update_yaxes(**log_axis(norms))
        show_figure(figure, key=f"{key}-norms", alt=f"Gradient norm from {norms[0]:.2g} to {norms[-1]:.2g}")
