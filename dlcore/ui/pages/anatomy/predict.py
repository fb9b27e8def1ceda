"""Predict panel of the anatomy page: reconstruct an image, quiz, and three failures."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from dlcore import projects
from dlcore.data.sources import locate as sources
from dlcore.plots.palette import BLUE, ORANGE
from dlcore.plots.style import blank
from dlcore.projects.foundations import anatomy
from dlcore.projects.foundations.quiz import Failure, RunEvidence
from dlcore.runs import Bundle, Run
from dlcore.runs.short_run import run_short
from dlcore.ui.shell import download_offer
from dlcore.ui.widgets import quiz, run_cache, samples
from dlcore.ui.widgets.figure import show_figure

if TYPE_CHECKING:
    from dlcore.data.splits import Prepared
    from dlcore.projects.project import Project

KNOWN, STRANGER = "Known class", "Anomaly"
STEPS = 120


def try_it(project: "Project", run: Run | None) -> None:
    """Draw an image's reconstruction, then the quiz and the failures."""
    bundle = run_cache.finished_bundle(run, to_see="reconstructions")
    if bundle is not None and run is not None:
        _picture_part(bundle, run)
        st.divider()
        quiz.show_quiz(
            anatomy.QUESTIONS,
            lambda: quiz.run_evidence(run),
            key=f"anatomy-{run.run_id}",
            lead=quiz.OF_THE_RUN,
        )
        st.divider()
    quiz.show_failures(anatomy.BREAKS, _broken, key="anatomy", picture=_picture)


def _picture_part(bundle: Bundle, run: Run) -> None:
    st.subheader("Reconstruct an image", anchor=False)
    dataset, stored = run.config.dataset, run_cache.predictions(bundle)
    if not sources.is_available(dataset):
        download_offer.offer_download(dataset)
        return
    strange = stored["test_targets"] == 1
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    kind = left.segmented_control("Image", [KNOWN, STRANGER], default=STRANGER, required=True, key="anatomy-kind")
    rows = np.flatnonzero(strange if kind == STRANGER else ~strange)
    place = right.slider("Rank by error, smallest to largest", 0, 100, 50, key="anatomy-which", format="%d %%")
    row = int(rows[np.argsort(stored["test_scores"][rows])[round(place / 100 * (len(rows) - 1))]])
    pictures, origin = samples.load_images(dataset), int(stored["test_ids"][row])
    found = anatomy.score_pixels(run_cache.load_model(bundle), np.asarray(pictures.test_pixels[origin]))
    _shown(found, bundle.labels[int(pictures.test_labels[origin])])


def _shown(found: dict[str, Any], name: str) -> None:
    given, rebuilt = (np.array(found[part], dtype=np.uint8) for part in ("pixels", "reconstruction"))
    off = np.abs(given.astype(int) - rebuilt).astype(np.uint8)
    pictures, code = st.columns([3, 2], gap="large")
    with pictures:
        samples.show_images(
            [given, rebuilt, off], [f"input: {name}", "reconstruction", "absolute error"], alt="Image", width=160
        )
        sign = "above" if found["strange"] else "below"
        st.markdown(
            f"Its error is **{found['error']:.4f}**, {sign} the threshold of {found['threshold']:.4f}: "
            f"**{'anomaly' if found['strange'] else 'normal'}**."
        )
    with code:
        figure = blank("Code in the bottleneck", x="number", y="value", height=230)
        values = np.array(found["code"])
        figure.add_bar(
            x=np.arange(1, len(values) + 1), y=values, marker={"color": np.where(values < 0, ORANGE, BLUE).tolist()}
        )
        show_figure(figure, key="code", alt=f"The {len(values)} numbers of the code")


def _broken(broken: Failure[RunEvidence]) -> RunEvidence:
    return _trial(json.dumps(dict(broken.settings), sort_keys=True))


@st.cache_resource(max_entries=8, show_spinner=False)
def _trial(settings: str) -> RunEvidence:
    chosen = json.loads(settings)
    config = projects.configure("anatomy", preset="quick", settings={"train_rows": 4000, **chosen})
    found = run_short(config, _prepared(), steps=STEPS, every=4)
    norms, losses = found.gradients, found.losses
    return RunEvidence(
        chosen,
        {"batch_loss": (losses.steps, losses.values)},
        norms.layers,
        norms.steps,
        norms.norms,
        norms.measures,
        broke=found.error,
    )


@st.cache_resource(max_entries=1, show_spinner=False)
def _prepared() -> "Prepared":
    config = projects.configure("anatomy", preset="quick", settings={"train_rows": 4000})
    return projects.get("anatomy").prepare(config)


def _picture(seen: RunEvidence, key: str) -> None:
    quiz.loss_by_step(seen, key=key, reference=_trial("{}"))
