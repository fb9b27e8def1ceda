"""Predict panel of the backpropagation page: draw a digit, take the quiz, try failures."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from dlcore import projects
from dlcore.core.markdown import as_text
from dlcore.evaluation.metrics import format_percent
from dlcore.plots.palette import BLUE
from dlcore.plots.style import blank
from dlcore.projects.foundations import backprop
from dlcore.projects.foundations.quiz import Failure, RunEvidence
from dlcore.runs import Run
from dlcore.runs.short_run import ShortRun, run_short
from dlcore.ui.components.mount import drawing_component, mount_reporting
from dlcore.ui.modalities.predict import pick_sample
from dlcore.ui.pages.backprop.walk import DRAWING, prepare_pixels
from dlcore.ui.shell.address import read_text, write_text
from dlcore.ui.shell.cache import cache_resource
from dlcore.ui.widgets import quiz, run_cache, samples
from dlcore.ui.widgets.bars import show_probabilities
from dlcore.ui.widgets.choice import choose
from dlcore.ui.widgets.figure import show_figure

if TYPE_CHECKING:
    from dlcore.data.splits import Prepared
    from dlcore.projects.project import Project
    from dlcore.runs import Bundle

_DRAW = drawing_component("draw")
FAILURE_DATASET = "digits"
"""Small, and always available."""


def predict(project: "Project", run: Run | None) -> None:
    """Draw the canvas with its prediction, the quiz and the failures."""
    bundle = run_cache.finished_bundle(run, to_see="predictions for your drawing")
    if bundle is not None and run is not None:
        _digit(project, run, bundle)
        st.divider()
        quiz.show_quiz(
            backprop.QUESTIONS,
            lambda: quiz.run_evidence(run),
            key=f"backprop-{run.run_id}",
            lead=quiz.OF_THE_RUN,
        )
        st.divider()
    quiz.show_failures(backprop.BREAKS, _run_failure, key="backprop", picture=_plot)


def _digit(project: "Project", run: Run, bundle: "Bundle") -> None:
    st.subheader("Draw a digit", anchor=False)
    drawing, sample = "Draw", "Test sample"
    source = choose("Digit from", [drawing, sample], key="digit-from")
    left, middle, right = st.columns([4, 3, 6], gap="large")
    with left:
        if source == drawing:
            pixels = prepare_pixels(_draw(), int(bundle.preprocessing["height"]))
        else:
            stored = run_cache.predictions(bundle)
            row = pick_sample(project, run.config.dataset, stored["test_ids"], key="digit")
            pixels = samples.get_test_image(run.config, int(stored["test_ids"][row]))
    if pixels is None:
        with right:
            st.info("Draw in the black square: the prediction appears when you lift the pen.", icon=":material/draw:")
        return
    prediction = backprop.classify_pixels(run_cache.load_model(bundle), pixels)
    with middle:
        samples.show_images([pixels], ["network input"], alt="The digit", width=140)
    with right:
        _show_prediction(prediction, bundle.labels)


def _draw() -> str:
    """Render the canvas, which begins with the drawing in the address; return the drawing and write it there."""
    key = "draw-digit"
    if key not in st.session_state:
        st.session_state[f"{key}-start"] = read_text(DRAWING)
    start = st.session_state[f"{key}-start"]
    strokes = str(mount_reporting(_DRAW, {"strokes": start}, key=key, defaults={"strokes": start})["strokes"] or "")
    write_text(DRAWING, strokes)
    return strokes


def _show_prediction(prediction: dict[str, Any], labels: tuple[str, ...]) -> None:
    st.markdown(
        f"Predicted: **{as_text(prediction['label'])}**, probability {format_percent(prediction['probability'])}."
    )
    scores = np.array([prediction["probabilities"][label] for label in labels])
    show_probabilities(scores, labels)
    st.caption("**Explain** shows every intermediate number of this prediction, for your drawing too.")


def _run_failure(failure: Failure[RunEvidence]) -> RunEvidence:
    return _run(json.dumps(dict(failure.settings), sort_keys=True))


@cache_resource(max_entries=8, show_spinner=False)
def _run(settings: str) -> RunEvidence:
    changed = json.loads(settings)
    config = projects.configure("backprop", model="dense", dataset=FAILURE_DATASET, preset="quick", settings=changed)
    return short_run_evidence(run_short(config, _prepared(), steps=backprop.BREAK_STEPS, every=4), changed)


def short_run_evidence(short_run: ShortRun, settings: dict[str, Any]) -> RunEvidence:
    """Return the evidence of a short run, as questions and signatures read it."""
    norms, losses = short_run.gradients, short_run.losses
    curves = {"batch_loss": (losses.steps, losses.values)}
    return RunEvidence(settings, curves, norms.layers, norms.steps, norms.norms, norms.measures, broke=short_run.error)


@cache_resource(max_entries=1, show_spinner=False)
def _prepared() -> "Prepared":
    config = projects.configure("backprop", dataset=FAILURE_DATASET, preset="quick")
    return projects.get("backprop").prepare(config)


def _plot(evidence: RunEvidence, key: str) -> None:
    """Draw the loss by step and the mean gradient norm by layer."""
    left, right = st.columns(2, gap="large")
    with left:
        quiz.loss_by_step(evidence, key=key, guessing=float(np.log(10)))
    with right:
        if len(evidence.norms):
            show_figure(_gradient_figure(evidence), key=f"{key}-norms", alt="Mean gradient norm of each weight layer")


def _gradient_figure(evidence: RunEvidence) -> go.Figure:
    norms = backprop.gradient_lengths(evidence)
    names = [evidence.layers[index].replace("_", " ") for index in backprop.weight_layers(evidence)]
    figure = blank("Gradient norm by layer, input first", x="", y="mean norm", height=280)
    figure.add_bar(
        x=names,
        y=np.maximum(norms, 1e-12),
        marker={"color": BLUE},
        hovertemplate="%{x}: %{y:.2~e}<extra></extra>",
    )
    figure.update_yaxes(type="log", exponentformat="power")
    return figure
