"""Data panel of the RNN page: images read row by row, and the synthetic memory task."""

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from dlcore import projects
from dlcore.data import memory_task
from dlcore.plots.palette import LIGHT_SIGNED
from dlcore.plots.style import blank
from dlcore.projects.foundations import rnn
from dlcore.runs import Run
from dlcore.ui.modalities import overview
from dlcore.ui.widgets.figure import show_figure

if TYPE_CHECKING:
    from dlcore.projects.project import Project

SAMPLES = 3


def data(project: "Project", run: Run | None) -> None:
    """Draw the run's data, and samples of the memory task."""
    config = run.config if run is not None else projects.configure(project.slug)
    if config.dataset != rnn.MEMORY:
        st.markdown(
            "Images are read **row by row**: a row is a time step, its pixels are the inputs. The network never sees "
            "the whole image; its state summarizes the rows above."
        )
        overview.data(project, run)
        st.divider()
        _memory(20)
    else:
        _memory(int(config.flat["gap"]))


def _memory(gap: int) -> None:
    st.subheader("The memory task (synthetic)", anchor=False)
    st.caption(
        f"Generated data: one of {memory_task.SIGNALS} signals at the first step, then {gap} steps of noise. The "
        "target is the signal; random guessing gives 10 % accuracy. The gap is a setting of the run."
    )
    sequences = memory_task.make_sequences(rnn.TEST_ROWS, gap=gap, seed=rnn.TEST_SEED)
    for index, column in enumerate(st.columns(SAMPLES)):
        with column:
            show_figure(
                _sequence_figure(sequences.inputs[index], int(sequences.targets[index])),
                key=f"memory-{index}",
                alt=f"A sequence of signal {sequences.targets[index]} and {gap} steps of noise",
            )


def _sequence_figure(inputs: np.ndarray, target: int) -> go.Figure:
    figure = blank(f"Signal {target}", x="step", y="input", height=240)
    figure.add_heatmap(z=inputs.T, x=np.arange(1, len(inputs) + 1), colorscale=LIGHT_SIGNED, zmid=0, showscale=False)
    return figure
