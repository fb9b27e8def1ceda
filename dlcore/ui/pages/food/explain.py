"""Explain panel for photos: a test photo, the user's photo or a drawing."""

import streamlit as st

from dlcore.core.errors import DataError
from dlcore.core.markdown import as_text, error_line
from dlcore.data.images.uploads import Photo
from dlcore.evaluation.metrics import format_percent
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run
from dlcore.ui.modalities.explain_image import explain_pixels, explain_test_image
from dlcore.ui.pages.food import predict
from dlcore.ui.widgets import run_cache, samples
from dlcore.ui.widgets.choice import choose

TEST, LAST = "A test photo", "The photo under Predict"


def explain(project: Project, run: Run | None) -> None:
    """Show the evidence for and against a class by pixel, with sanity checks."""
    bundle = run_cache.finished_bundle(run, to_see="explanations of its predictions")
    if bundle is None or run is None:
        return
    source = choose(
        "What to explain",
        [LAST, TEST],
        key="food-explained",
        default=TEST if samples.is_available(run.config) and predict.LAST_PHOTO not in st.session_state else LAST,
        show_label=True,
    )
    if source == TEST:
        explain_test_image(project, run, bundle)
    else:
        _explain_last_photo(project, bundle)


def _explain_last_photo(project: Project, bundle: Bundle) -> None:
    name, payload = st.session_state.get(predict.LAST_PHOTO) or predict.first_drawing()
    try:
        prediction = predict.predict_photo(bundle, Photo(name, payload))
    except DataError as error:
        st.error(error_line(error), icon=":material/block:")
        return
    st.caption(f"“{as_text(name)}”. To explain another photo, choose it under **Predict**, then come back.")
    probabilities = prediction.answer["probabilities"]
    label: str = st.selectbox(
        "Evidence for class",
        list(probabilities),
        format_func=lambda label: f"{predict.class_title(label)} ({format_percent(probabilities[label])})",
        key="food-explained-class",
        bind="query-params",
    )
    explain_pixels(project, bundle, prediction.pixels, bundle.labels.index(label))
