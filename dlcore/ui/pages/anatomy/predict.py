"""Predict panel of the anatomy page: reconstruct an image, quiz, and three failures."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from dlcore import projects
from dlcore.plots.palette import BLUE, ORANGE
from dlcore.plots.style import blank
from dlcore.projects.foundations import anatomy
from dlcore.projects.foundations.quiz import Failure, RunEvidence
from dlcore.runs import Bundle, Run
from dlcore.runs.short_run import run_short
from dlcore.ui.pages.backprop.predict import short_run_evidence
from dlcore.ui.shell import download_offer
from dlcore.ui.shell.cache import cache_resource
from dlcore.ui.widgets import quiz, run_cache, samples
from dlcore.ui.widgets.figure import show_figure

if TYPE_CHECKING:
    from dlcore.data.splits import Prepared
    from dlcore.projects.project import Project

KNOWN, ANOMALY = "Known class", "Anomaly"
STEPS = 120


def predict(project: "Project", run: Run | None) -> None:
    """Draw an image's reconstruction, then the quiz and the failures."""
    bundle = run_cache.finished_bundle(run, to_see="reconstructions")
    if bundle is not None and run is not None:
        _reconstruction(bundle, run)
        st.divider()
        quiz.show_quiz(
            anatomy.QUESTIONS,
            lambda: quiz.run_evidence(run),
            key=f"anatomy-{run.run_id}",
            lead=quiz.OF_THE_RUN,
        )
        st.divider()
    quiz.show_failures(anatomy.BREAKS, _run_failure, key="anatomy", picture=_plot)


def _reconstruction(bundle: Bundle, run: Run) -> None:
    st.subheader("Reconstruct an image", anchor=False)
    dataset, stored = run.config.dataset, run_cache.predictions(bundle)
    if not samples.has_test_images(run.config):
        download_offer.offer_download(dataset)
        return
    positions = samples.shipped_positions(dataset, stored["test_ids"])
    is_anomaly = stored["test_targets"] == 1
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    kind = left.segmented_control(
        "Image", [KNOWN, ANOMALY], default=ANOMALY, required=True, key="anatomy-kind", bind="query-params"
    )
    rows = np.flatnonzero(is_anomaly if kind == ANOMALY else ~is_anomaly)
    rows = rows if positions is None else rows[np.isin(rows, positions)]
    percentile = right.slider(
        "Rank by error, smallest to largest", 0, 100, 50, key="anatomy-which", format="%d %%", bind="query-params"
    )
    row = int(rows[np.argsort(stored["test_scores"][rows])[round(percentile / 100 * (len(rows) - 1))]])
    pixels, label = samples.get_labeled_test_image(run.config, int(stored["test_ids"][row]))
    scored = anatomy.score_pixels(run_cache.load_model(bundle), pixels)
    _show_reconstruction(scored, bundle.labels[label])
    if positions is not None:
        st.caption(samples.describe_shipped(dataset, len(stored["test_ids"])))


def _show_reconstruction(scored: dict[str, Any], name: str) -> None:
    pixels, reconstruction = (np.array(scored[part], dtype=np.uint8) for part in ("pixels", "reconstruction"))
    error = np.abs(pixels.astype(int) - reconstruction).astype(np.uint8)
    left, right = st.columns([3, 2], gap="large")
    with left:
        samples.show_images(
            [pixels, reconstruction, error],
            [f"input: {name}", "reconstruction", "absolute error"],
            alt="Image",
            width=160,
        )
        sign = "above" if scored["strange"] else "below"
        st.markdown(
            f"Its error is **{scored['error']:.4f}**, {sign} the threshold of {scored['threshold']:.4f}: "
            f"**{'anomaly' if scored['strange'] else 'normal'}**."
        )
    with right:
        figure = blank("Code in the bottleneck", x="number", y="value", height=230)
        values = np.array(scored["code"])
        figure.add_bar(
            x=np.arange(1, len(values) + 1), y=values, marker={"color": np.where(values < 0, ORANGE, BLUE).tolist()}
        )
        show_figure(figure, key="code", alt=f"The {len(values)} numbers of the code")


def _run_failure(failure: Failure[RunEvidence]) -> RunEvidence:
    return _run(json.dumps(dict(failure.settings), sort_keys=True))


@cache_resource(max_entries=8, show_spinner=False)
def _run(settings: str) -> RunEvidence:
    changed = json.loads(settings)
    config = projects.configure("anatomy", preset="quick", settings={"train_rows": 4000, **changed})
    return short_run_evidence(run_short(config, _prepared(), steps=STEPS, every=4), changed)


@cache_resource(max_entries=1, show_spinner=False)
def _prepared() -> "Prepared":
    config = projects.configure("anatomy", preset="quick", settings={"train_rows": 4000})
    return projects.get("anatomy").prepare(config)


def _plot(evidence: RunEvidence, key: str) -> None:
    quiz.loss_by_step(evidence, key=key, reference=_run("{}"))
