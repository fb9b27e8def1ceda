"""Step-by-step panel of the attention page: self-attention on a typed sentence, computed in the browser."""

from typing import TYPE_CHECKING

import streamlit as st

from dlcore.runs import Run
from dlcore.ui.components.mount import drawing_component, mount
from dlcore.ui.shell.first_paint import main_picture

if TYPE_CHECKING:
    from dlcore.projects.project import Project

_ATTENTION = drawing_component("self_attention", styles=("graph/graph.css",))
SENTENCE = "the cat sat on the mat"


def step_by_step(project: "Project", run: Run | None) -> None:
    """Draw the interactive table and its formula."""
    st.markdown("Click a number for its formula; edit x, W, b.")
    with main_picture():
        mount(_ATTENTION, {"sentence": SENTENCE, "version": "1"}, key="self-attention")
    st.latex(r"o = \mathrm{softmax}\!\left(\frac{q\,k^\top}{\sqrt{d_k}} + \text{mask}\right) v\; W_o + b_o")
