"""Predict panel of the backpropagation page: draw a digit, take the quiz, try failures."""

import base64
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from dlcore import projects
from dlcore.plots import classification as plots
from dlcore.plots.palette import BLUE
from dlcore.plots.style import blank
from dlcore.projects.foundations import backprop
from dlcore.projects.foundations.quiz import Failure, RunEvidence
from dlcore.runs import Run
from dlcore.runs.short_run import ShortRun, run_short
from dlcore.ui.components.mount import drawing_component, mount_reporting
from dlcore.ui.modalities.predict import pick_sample
from dlcore.ui.pages.backprop.walk import DRAWING
from dlcore.ui.widgets import quiz, run_cache, samples
from dlcore.ui.widgets.figure import show_figure

if TYPE_CHECKING:
    from dlcore.data.splits import Prepared
    from dlcore.projects.project import Project
    from dlcore.runs import Bundle

_DRAW = drawing_component("draw")
SENT = 56
"""Side length in pixels of the drawing sent by the browser."""
BROKEN_ON = "digits"
"""Small, and always available."""


def predict(project: "Project", run: Run | None) -> None:
    """Draw a digit and see its prediction; then the quiz and the failures."""
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
    quiz.show_failures(backprop.BREAKS, _broken, key="backprop", picture=_picture)


def _digit(project: "Project", run: Run, bundle: "Bundle") -> None:
    st.subheader("Draw a digit", anchor=False)
    drawing, sample = "Draw", "Test sample"
    how = st.segmented_control(
        "Digit from", [drawing, sample], default=drawing, required=True, key="digit-from", label_visibility="collapsed"
    )
    left, middle, right = st.columns([4, 3, 6], gap="large")
    with left:
        if how == drawing:
            heard = mount_reporting(_DRAW, {}, key="draw-digit", defaults={"strokes": ""})
            pixels = _pixels(str(heard["strokes"] or ""), int(bundle.preprocessing["height"]))
            st.session_state[DRAWING] = pixels
        else:
            stored = run_cache.predictions(bundle)
            row = pick_sample(project, run.config.dataset, stored["test_ids"], key="digit")
            pixels = np.asarray(samples.load_images(run.config.dataset).test_pixels[int(stored["test_ids"][row])])
    if pixels is None:
        with right:
            st.info("Draw in the black square: the prediction appears when you lift the pen.", icon=":material/draw:")
        return
    found = backprop.classify_pixels(run_cache.load_model(bundle), pixels)
    with middle:
        samples.show_images([pixels], ["as the network sees it"], alt="The digit", width=140)
    with right:
        _said(found, bundle.labels)


def _pixels(strokes: str, side: int) -> np.ndarray | None:
    """Return the browser's drawing as a network input; None if it is empty or invalid."""
    try:
        raw = np.frombuffer(base64.b64decode(strokes, validate=True), dtype=np.uint8)
    except ValueError:
        return None
    return backprop.prepare_drawing(raw.reshape(SENT, SENT), side) if raw.size == SENT * SENT else None


def _said(found: dict[str, Any], labels: tuple[str, ...]) -> None:
    st.markdown(f"Predicted: **{found['label']}**, probability {found['probability']:.1%}.")
    scores = np.array([found["probabilities"][label] for label in labels])
    figure = plots.class_probabilities(scores, labels)
    show_figure(figure, key="digit-probabilities", alt=f"Probabilities of ten digits; most likely is {found['label']}")
    st.caption("**Explain** shows every intermediate number of this prediction, for your drawing too.")


def _broken(broken: Failure[RunEvidence]) -> RunEvidence:
    return _attempt(json.dumps(dict(broken.settings), sort_keys=True))


@st.cache_resource(max_entries=8, show_spinner=False)
def _attempt(settings: str) -> RunEvidence:
    chosen = json.loads(settings)
    config = projects.configure("backprop", model="dense", dataset=BROKEN_ON, preset="quick", settings=chosen)
    return short_run_evidence(run_short(config, _prepared(), steps=backprop.BREAK_STEPS, every=4), chosen)


def short_run_evidence(found: ShortRun, settings: dict[str, Any]) -> RunEvidence:
    """Return the evidence of a short run, as questions and signatures read it."""
    norms, losses = found.gradients, found.losses
    curves = {"batch_loss": (losses.steps, losses.values)}
    return RunEvidence(settings, curves, norms.layers, norms.steps, norms.norms, norms.measures, broke=found.error)


@st.cache_resource(max_entries=1, show_spinner=False)
def _prepared() -> "Prepared":
    config = projects.configure("backprop", dataset=BROKEN_ON, preset="quick")
    return projects.get("backprop").prepare(config)


def _picture(seen: RunEvidence, key: str) -> None:
    """Draw the loss by step and the mean gradient norm by layer."""
    left, right = st.columns(2, gap="large")
    with left:
        quiz.loss_by_step(seen, key=key, guessing=float(np.log(10)))
    with right:
        if len(seen.norms):
            show_figure(_lengths(seen), key=f"{key}-norms", alt="Mean gradient norm of each weight layer")


def _lengths(seen: RunEvidence) -> go.Figure:
    found = backprop.gradient_lengths(seen)
    names = [seen.layers[place].replace("_", " ") for place in backprop.weight_layers(seen)]
    figure = blank("Gradient norm by layer, input first", x="", y="mean norm", height=280)
    figure.add_bar(
        x=names, y=np.maximum(found, 1e-12), marker={"color": BLUE}, hovertemplate="%{x}: %{y:.2~e}<extra></extra>"
    )
    figure.update_yaxes(type="log", exponentformat="power")
    return figure
