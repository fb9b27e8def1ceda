"""Results of the LSTM on reviews, and the lesson of the last state under them."""

import numpy as np
import streamlit as st

from dlcore.core.errors import WorkbenchError, one_line
from dlcore.data.text.corpora import read_text
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

OTHER = "A dull, lifeless mess: badly played, badly written, and far too long."
SAID = "One of the finest films I have seen in years: moving, funny, and beautifully played."


def results(project: Project, run: Run | None) -> None:
    """One run's, or several side by side: the lesson's own are opened there."""
    comparison.results(project, run, run_panel=_one)


def _one(project: Project, run: Run | None) -> None:
    """As for every classifier, and the lesson."""
    classification_results.results(project, run)
    bundle = run.bundle if run is not None else None
    if run is None or bundle is None:
        return
    with st.expander(lesson.TITLE, icon=":material/school:"):
        st.markdown(
            "Texts of a batch are padded to one length, and an LSTM goes on through the padding. In a network that has "
            "not learnt yet, each step of it fades what was read: the dashed line below. Who reads it out at the end "
            "of the *row* has the less to learn from, the longer the padding, and the gradient has the same way back. "
            "Read out after the text's own *last word*, or over the highest and the mean of all of its words, padding "
            "does not matter. What that is worth, the three small runs below measure."
        )
        _drift(bundle)
        _start(run.config.dataset)


def _drift(bundle: Bundle) -> None:
    """This very model, read out later and later in the padding."""
    loaded = run_cache.load_model(bundle)
    left, right = st.columns(2)
    said = left.text_input("A review", SAID, key="lesson-said", max_chars=500)
    another = right.text_input("Another", OTHER, key="lesson-other", max_chars=500)
    try:
        one, other = (texts.encode_text(loaded, read_text(each.encode("utf-8", "replace"))) for each in (said, another))
    except WorkbenchError as error:
        st.error(one_line(error), icon=":material/error:")
        return
    if np.array_equal(one.ids, other.ids):
        st.caption("To this model the two reviews are the same: write another, of words that it knows.")
        return
    found, later = lesson.difference_left(loaded, one, other), lesson.probability_over_padding(loaded, one)
    if found is None or later is None:
        st.caption("This model is read out at all of its words, so padding does not reach it: choose BaseLSTM above.")
        return
    figure = plots.over_padding({"this run": found[0], "before it learnt": found[1]})
    words = f"{found[1][-1]:.0%} before it learnt, {found[0][-1]:.0%} now"
    steps = len(found[0]) - 1
    show_figure(figure, key="over-padding", alt=f"Difference left after {steps} words of padding: {words}")
    st.caption(
        f"How far apart the network's states are for the two reviews, against the words of padding read since. After "
        f"{steps} of them: {words}. Asked at the last word of the first, this run finds “{bundle.labels[1]}” "
        f"{later[0]:.1%} likely; after {len(later) - 1} words of padding {later[-1]:.1%}: a network that could learn "
        "may well hold its verdict through padding it never saw."
    )


def _start(dataset: str) -> None:
    """A button that trains the three side by side."""
    left, right = st.columns(2)
    seeds = left.number_input("Seeds each", 1, 5, 1, key="readout-seeds")
    epochs = right.number_input("Epochs each", 1, 20, 3, key="readout-epochs")
    st.caption(f"{3 * seeds} small runs, one after the other, alike in all but where they are read out.")
    if st.button("Start the lesson", icon=":material/play_arrow:", key="readout-start"):
        try:
            made = comparisons.create(
                lesson.TITLE, lesson.find_variants(dataset, seeds=range(int(seeds)), epochs=int(epochs))
            )
        except WorkbenchError as error:
            st.error(one_line(error), icon=":material/error:")
            return
        open_under_results(made.comparison_id)
