"""Time series: the series over time, CSV upload, and the explanation of an alarm."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from dlcore.data.tabular.read import SUFFIXES
from dlcore.projects.project import Project
from dlcore.projects.run_config import RunConfig
from dlcore.runs import Bundle, Run
from dlcore.ui.modalities.predict import number_of_sample, predict_payload, show_prediction
from dlcore.ui.pages.anomaly.data import data as overview
from dlcore.ui.pages.anomaly.explain import explain_alarm as explain

__all__ = ["STARTS_WITH_INPUT", "browse", "explain", "input_widget", "overview", "pick_sample", "show"]

STARTS_WITH_INPUT = True


def pick_sample(project: Project, dataset: str, ids: np.ndarray, *, key: str) -> int:
    """Return the number of the chosen test window, initially the first."""
    return number_of_sample(project, len(ids), key=key, first=lambda: 0)


def show(config: RunConfig, ids: Sequence[int], captions: Sequence[str], *, large: bool = False) -> None:
    """Show start times (epoch milliseconds) of test windows, each with its caption."""
    times = np.array(ids, dtype="datetime64[ms]").astype("datetime64[m]").astype(str)
    st.dataframe({"Start": times, "": list(captions)}, hide_index=True, width="stretch")


def browse(project: Project, run: Run, bundle: Bundle) -> None:
    """Show nothing: the chart contains every point."""


def input_widget(project: Project, bundle: Bundle) -> dict[str, Any] | None:
    """Draw the upload of a table with a time and a value column; returns the prediction."""
    file = st.file_uploader("Your file", type=list(SUFFIXES), key="input-csv", max_upload_size=64)
    if file is None:
        st.info("Choose a file with the columns time and value.", icon=":material/upload_file:")
        return None
    answer = predict_payload(project, bundle, file.getvalue())
    if answer is not None and "probabilities" in answer:
        show_prediction(answer, bundle)
    return answer
