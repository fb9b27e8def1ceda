"""The lesson of the rates: three arms started together and compared under Side by side."""

import streamlit as st

from dlcore.core.errors import WorkbenchError, one_line
from dlcore.projects.forecast import lesson
from dlcore.projects.project import Project
from dlcore.runs import comparisons
from dlcore.ui.train.comparison_form import open_under_results


def show(project: Project, dataset: str) -> None:
    """What is reported, and a button that measures it again with several seeds."""
    with st.expander(lesson.TITLE, icon=":material/school:"):
        told = "; ".join(f"{name}: {value:.4f}" for name, value in lesson.REPORTED.items())
        st.markdown(
            f"Of the one-layer LSTM it is reported that the learning rate makes it or breaks it (mean R²: {told}). "
            "One run each cannot tell a rate from luck. Here the three are trained side by side with several seeds, "
            "alike in all else, and shown with their range."
        )
        left, right = st.columns(2)
        seeds = left.number_input("Seeds each", 1, 5, 2, key="lesson-seeds")
        epochs = right.number_input("Epochs each", 1, 100, 10, key="lesson-epochs")
        st.caption(
            f"{3 * seeds} runs, one after the other; ten epochs of one take about half a minute on a quiet core."
        )
        if st.button("Start the lesson", icon=":material/play_arrow:", key="lesson-start"):
            try:
                wanted = lesson.find_variants(dataset, seeds=range(int(seeds)), epochs=int(epochs))
                made = comparisons.create(lesson.TITLE, wanted)
            except WorkbenchError as error:
                st.error(one_line(error), icon=":material/error:")
                return
            open_under_results(made.comparison_id)
