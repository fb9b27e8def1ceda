"""Explain for photos: one of the test's, one of one's own, or a drawing, class by class."""

import hashlib

import numpy as np
import streamlit as st

from dlcore.core.errors import DataError, one_line
from dlcore.data.images.uploads import Photo
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run
from dlcore.ui.modalities.explain_image import explain_picture, explain_pixels
from dlcore.ui.pages.food import predict as food_try
from dlcore.ui.widgets import run_cache, samples

TEST, MINE = "A test photo", "The photo under Try it"


def explain(project: Project, run: Run | None) -> None:
    """Which pixels speak for and against a class, and whether that may be trusted."""
    bundle = run_cache.finished_bundle(run, to_see="why a trained model decides as it does")
    if bundle is None or run is None:
        return
    here = samples.is_available(run.config)
    chosen = st.segmented_control(
        "What to explain",
        [MINE, TEST],
        default=TEST if here else MINE,
        required=True,
        key="food-explained",
    )
    if chosen == TEST:
        explain_picture(project, run, bundle)
    else:
        _own(project, bundle)


def _own(project: Project, bundle: Bundle) -> None:
    name, payload = st.session_state.get(food_try.KEPT) or food_try.first_drawing()
    try:
        found = food_try.answer_photo(bundle, Photo(name, payload))
    except DataError as error:
        st.error(one_line(error), icon=":material/block:")
        return
    scores, labels = found.scores, [food_try.class_title(label) for label in bundle.labels]
    order = np.argsort(-scores)
    st.caption(f"“{name}”. To explain another photo, hand it in under **Try it**, then come back.")
    target: int = st.selectbox(
        "What speaks for",
        order.tolist(),
        format_func=lambda k: f"{labels[k]} ({scores[k]:.1%})",
        key="food-explained-class",
    )
    origin = hashlib.sha256(payload).hexdigest()[:16]
    explain_pixels(project, bundle, found.pixels, target, origin=origin)
