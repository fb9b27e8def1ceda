"""Data of the page on recurrent networks: pictures read row by row, or the synthetic memory task."""

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from dlcore import projects
from dlcore.data import memory_task
from dlcore.plots.style import blank
from dlcore.projects.foundations import rnn
from dlcore.runs import Run
from dlcore.ui.modalities import overview
from dlcore.ui.widgets.figure import show_figure

if TYPE_CHECKING:
    from dlcore.projects.project import Project

SHOWN = 3


def data(project: "Project", run: Run | None) -> None:
    """The data of the run, and the memory task beside them."""
    config = run.config if run is not None else projects.configure(project.slug)
    if config.dataset != rnn.MEMORY:
        st.markdown(
            "Read **row by row**: each row of the picture is one time step, its pixels are that step's inputs. The "
            "network never sees a whole picture; what it knows of the rows above is in its state."
        )
        overview.data(project, run)
        st.divider()
        _memory(20)
    else:
        _memory(int(config.flat["gap"]))


def _memory(gap: int) -> None:
    st.subheader("The memory task (synthetic)", anchor=False)
    st.caption(
        f"Made here, not measured anywhere: one of {memory_task.SIGNALS} signals at the first step, then {gap} steps "
        "of noise, then the question which it was. Guessing is right one time in ten. The gap is a run's setting."
    )
    sequences = memory_task.make_sequences(rnn.TEST_ROWS, gap=gap, seed=rnn.TEST_SEED)
    for place, column in enumerate(st.columns(SHOWN)):
        with column:
            show_figure(
                _sequence(sequences.inputs[place], int(sequences.targets[place])),
                key=f"memory-{place}",
                alt=f"A sequence of signal {sequences.targets[place]} and {gap} steps of noise",
            )


def _sequence(inputs: np.ndarray, target: int) -> go.Figure:
    figure = blank(f"Signal {target}", x="step", y="input", height=240)
    figure.add_heatmap(z=inputs.T, x=np.arange(1, len(inputs) + 1), colorscale="RdBu_r", zmid=0, showscale=False)
    return figure
