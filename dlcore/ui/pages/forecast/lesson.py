"""Learning-rate experiment: three variants started together and shown under Compare."""

import streamlit as st

from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import error_line
from dlcore.projects.forecast import lesson
from dlcore.projects.project import Project
from dlcore.runs import comparisons
from dlcore.ui.train.comparison_form import open_under_results


def show(project: Project, dataset: str) -> None:
    """Draw the reported values, and a button that repeats the experiment with several seeds."""
    with st.expander(lesson.TITLE, icon=":material/school:"):
        reported = "; ".join(f"{name}: {value:.4f}" for name, value in lesson.REPORTED.items())
        st.markdown(
            f"Reported for the one-layer LSTM: the learning rate decides the result (mean R²: {reported}). "
            "Single runs cannot separate the rate from chance. Here the three are trained with several seeds, "
            "equal in everything else, and shown with their range."
        )
        left, right = st.columns(2)
        seeds = left.number_input("Seeds each", 1, 5, 2, key="lesson-seeds")
        epochs = right.number_input("Epochs per run", 1, 100, 10, key="lesson-epochs")
        st.caption(f"{3 * seeds} runs in sequence; ten epochs take about half a minute on an idle core.")
        if st.button("Start the experiment", icon=":material/play_arrow:", key="lesson-start"):
            try:
                variants = lesson.find_variants(dataset, seeds=range(int(seeds)), epochs=int(epochs))
                created = comparisons.create(lesson.TITLE, variants)
            except WorkbenchError as error:
                st.error(error_line(error), icon=":material/error:")
                return
            open_under_results(created.comparison_id)
