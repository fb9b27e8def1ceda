"""Results panel of the LSTM on reviews, with an experiment on pooling and padding."""

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
    """Draw one run, or compare several, such as the experiment's own."""
    comparison.results(project, run, run_panel=_one)


def _one(project: Project, run: Run | None) -> None:
    """Draw the classifier results and the experiment."""
    classification_results.results(project, run)
    bundle = run.bundle if run is not None else None
    if run is None or bundle is None:
        return
    with st.expander(lesson.TITLE, icon=":material/school:"):
        st.markdown(
            "Texts of a batch are padded to one length, and an LSTM continues through the padding. In an untrained "
            "network, each padding step fades what was read: the dashed line below. Reading the state at the end "
            "of the *row* leaves less to learn from, the longer the padding, and the gradient has the same way back. "
            "With the state at the text's *last word*, or maximum and mean over all its words, padding "
            "has no effect. The three small runs below measure the difference."
        )
        _drift(bundle)
        _start(run.config.dataset)


def _drift(bundle: Bundle) -> None:
    """Draw this model's output when it is read later and later in the padding."""
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
        st.caption("The two reviews are equal to this model: write another with words it knows.")
        return
    found, later = lesson.difference_left(loaded, one, other), lesson.probability_over_padding(loaded, one)
    if found is None or later is None:
        st.caption("This model pools over all its words, so padding has no effect: choose BaseLSTM above.")
        return
    figure = plots.over_padding({"this run": found[0], "before training": found[1]})
    words = f"{found[1][-1]:.0%} before training, {found[0][-1]:.0%} now"
    steps = len(found[0]) - 1
    show_figure(figure, key="over-padding", alt=f"Difference left after {steps} words of padding: {words}")
    st.caption(
        f"Distance between the network's states for the two reviews, against the padding words read since. After "
        f"{steps} of them: {words}. At the last word of the first review, the probability of “{bundle.labels[1]}” is "
        f"{later[0]:.1%}; after {len(later) - 1} words of padding it is {later[-1]:.1%}: a trained network "
        "may keep its prediction through padding it never saw."
    )


def _start(dataset: str) -> None:
    """Draw a button that trains the three variants."""
    left, right = st.columns(2)
    seeds = left.number_input("Seeds each", 1, 5, 1, key="readout-seeds")
    epochs = right.number_input("Epochs per run", 1, 20, 3, key="readout-epochs")
    st.caption(f"{3 * seeds} small runs, one after the other, which differ only in pooling.")
    if st.button("Start the experiment", icon=":material/play_arrow:", key="readout-start"):
        try:
            made = comparisons.create(
                lesson.TITLE, lesson.find_variants(dataset, seeds=range(int(seeds)), epochs=int(epochs))
            )
        except WorkbenchError as error:
            st.error(one_line(error), icon=":material/error:")
            return
        open_under_results(made.comparison_id)
