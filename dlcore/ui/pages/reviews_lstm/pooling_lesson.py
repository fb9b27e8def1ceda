"""Results panel of the LSTM on reviews, with an experiment on pooling and padding."""

import numpy as np
import streamlit as st

from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import as_text, error_line
from dlcore.data.text.corpora import read_text
from dlcore.evaluation.metrics import format_percent
from dlcore.plots import classification as plots
from dlcore.projects.language import pooling_lesson as lesson
from dlcore.projects.language import texts
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run, comparisons
from dlcore.ui.compare import comparison
from dlcore.ui.modalities import results as classification_results
from dlcore.ui.train.comparison_form import open_under_results
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.figure import show_figure

OTHER_REVIEW = "A dull, lifeless mess: badly played, badly written, and far too long."
REVIEW = "One of the finest films I have seen in years: moving, funny, and beautifully played."


def results(project: Project, run: Run | None) -> None:
    """Draw one run, or compare several, including those of the experiment."""
    comparison.results(project, run, run_panel=_run_panel)


def _run_panel(project: Project, run: Run | None) -> None:
    """Draw the classifier results and the experiment."""
    classification_results.results(project, run)
    bundle = run.bundle if run is not None else None
    if run is None or bundle is None:
        return
    with st.expander(lesson.TITLE, icon=":material/school:"):
        st.markdown(
            "Texts of a batch are padded to one length, and an LSTM continues through the padding. In an untrained "
            "network, each padding step fades the text (dashed line below). The longer the padding, the less the "
            "state at the end of the *row* contains of the text, and the longer the path of the gradient. "
            "With the state at the text's *last word*, or maximum and mean over all its words, padding "
            "has no effect. The three small runs below measure the difference."
        )
        _padding_effect(bundle)
        _start(run.config.dataset)


def _padding_effect(bundle: Bundle) -> None:
    """Draw the effect of padding on this model's state and prediction."""
    loaded = run_cache.load_model(bundle)
    left, right = st.columns(2)
    text = left.text_input("A review", REVIEW, key="lesson-said", max_chars=500, bind="query-params")
    other_text = right.text_input("Another", OTHER_REVIEW, key="lesson-other", max_chars=500, bind="query-params")
    try:
        first, second = (
            texts.encode_text(loaded, read_text(review.encode("utf-8", "replace"))) for review in (text, other_text)
        )
    except WorkbenchError as error:
        st.error(error_line(error), icon=":material/error:")
        return
    if np.array_equal(first.ids, second.ids):
        st.caption("The two reviews are equal for this model: write another with words in its vocabulary.")
        return
    distances = lesson.difference_left(loaded, first, second)
    probabilities = lesson.probability_over_padding(loaded, first)
    if distances is None or probabilities is None:
        st.caption("This model pools over all its words, so padding has no effect: choose BaseLSTM above.")
        return
    figure = plots.over_padding({"this run": distances[0], "before training": distances[1]})
    before, now = (format_percent(distances[place][-1], digits=0) for place in (1, 0))
    words = f"{before} before training, {now} now"
    steps = len(distances[0]) - 1
    show_figure(figure, key="over-padding", alt=f"Difference left after {steps} words of padding: {words}")
    st.caption(
        f"Distance between the states for the two reviews, by number of padding words. After "
        f"{steps} of them: {words}. At the last word of the first review, the probability of "
        f"“{as_text(bundle.labels[1])}” is {format_percent(probabilities[0])}; "
        f"after {len(probabilities) - 1} words of padding it is {format_percent(probabilities[-1])}. "
        "A trained network can keep its prediction through padding that it never saw."
    )


def _start(dataset: str) -> None:
    """Draw a button that trains the three variants."""
    left, right = st.columns(2)
    seeds = left.number_input("Seeds each", 1, 5, 1, key="readout-seeds")
    epochs = right.number_input("Epochs per run", 1, 20, 3, key="readout-epochs")
    st.caption(f"{3 * seeds} small runs in sequence, which differ only in pooling.")
    if st.button("Start the experiment", icon=":material/play_arrow:", key="readout-start"):
        try:
            created = comparisons.create(
                lesson.TITLE, lesson.find_variants(dataset, seeds=range(int(seeds)), epochs=int(epochs))
            )
        except WorkbenchError as error:
            st.error(error_line(error), icon=":material/error:")
            return
        open_under_results(created.comparison_id)
