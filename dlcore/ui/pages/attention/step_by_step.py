"""Step-by-step panel of the attention page: self-attention on a typed sentence, computed in the browser."""

from typing import TYPE_CHECKING

import streamlit as st

from dlcore.runs import Run
from dlcore.ui.components.mount import drawing_component, mount

if TYPE_CHECKING:
    from dlcore.projects.project import Project

_ATTENTION = drawing_component("self_attention", styles=("graph/graph.css",))
SENTENCE = "the cat sat on the mat"


def step_by_step(project: "Project", run: Run | None) -> None:
    """Draw the interactive table and its formula."""
    st.latex(r"o = \mathrm{softmax}\!\left(\frac{q\,k^\top}{\sqrt{d_k}} + \text{mask}\right) v\; W_o + b_o")
    st.caption(
        "Click any number to see its formula; entries of x, W and b can be changed, and all results are "
        "recomputed. Arrow keys move through a table."
    )
    mount(_ATTENTION, {"sentence": SENTENCE, "version": "1"}, key="self-attention")
