"""Results of the LSTM on reviews, and the lesson of the last state under them."""

import streamlit as st

from dlcore.core.errors import WorkbenchError, one_line
from dlcore.plots import classification as plots
from dlcore.projects import readout_lesson as lesson
from dlcore.projects import texts
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run, comparisons
from dlcore.ui.figure import show_figure
from dlcore.ui.panels import classification_results, reading
from dlcore.ui.panels.comparison_form import open_under_results

SAID = "One of the finest films I have seen in years: moving, funny, and beautifully played."


def results(project: Project, run: Run | None) -> None:
    """As for every classifier, and the lesson."""
    classification_results.results(project, run)
    bundle = run.bundle if run is not None else None
    if run is None or bundle is None:
        return
    with st.expander(lesson.TITLE, icon=":material/school:"):
        st.markdown(
            "Texts of a batch are padded to one length. An LSTM goes on through the padding, and at each step its "
            "forget gates let go of a little more of what it read. Who takes the state at the end of the *row* asks a "
            "network that has forgotten the text; who takes the state after the text's own *last word*, or the highest "
            "and the mean over its words, does not."
        )
        _drift(bundle)
        _start(run.config.dataset)


def _drift(bundle: Bundle) -> None:
    """This very model, read out later and later in the padding."""
    loaded = reading.loaded(bundle)
    said = st.text_input("A review", SAID, key="lesson-said", max_chars=500)
    seen = texts.read(loaded, said)
    found = lesson.over_padding(loaded, seen)
    if found is None:
        st.caption("This model is read out at all of its words, so padding does not reach it: choose BaseLSTM above.")
        return
    name = bundle.labels[1]
    figure = plots.over_padding(found, label=name)
    words = f"{found[0]:.1%} after the last word, {found[50]:.1%} after 50 words of padding, {found[-1]:.1%} at the end"
    show_figure(figure, key="over-padding", alt=f"Probability of {name}: {words}")
    st.caption(f"This run's weights, asked where they never were in training. Probability of “{name}”: {words}.")


def _start(dataset: str) -> None:
    """A button that trains the three side by side."""
    left, right = st.columns(2)
    seeds = left.number_input("Seeds each", 1, 5, 1, key="readout-seeds")
    epochs = right.number_input("Epochs each", 1, 20, 3, key="readout-epochs")
    st.caption(f"{3 * seeds} small runs, one after the other, alike in all but where they are read out.")
    if st.button("Start the lesson", icon=":material/play_arrow:", key="readout-start"):
        try:
            made = comparisons.create(lesson.TITLE, lesson.arms(dataset, seeds=range(int(seeds)), epochs=int(epochs)))
        except WorkbenchError as error:
            st.error(one_line(error), icon=":material/error:")
            return
        open_under_results(made.comparison_id)
