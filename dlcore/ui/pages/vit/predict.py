"""Predict panel of the Vision Transformer: a prediction with its attention."""

import streamlit as st

from dlcore.projects.project import Project
from dlcore.runs import Run
from dlcore.ui.modalities import gallery
from dlcore.ui.pages.vit.attention import show_uploaded_attention
from dlcore.ui.widgets import run_cache


def predict(project: Project, run: Run | None) -> None:
    """Draw the shared panel; for an uploaded image also the attention."""
    prediction = gallery.predict(project, run)
    bundle = run.bundle if run is not None else None
    if prediction is None or bundle is None or not hasattr(run_cache.load_model(bundle).module, "attentions"):
        return
    st.subheader("Attention", anchor=False)
    st.caption("One map for each head of each block. Hover over a patch to see its attention.")
    show_uploaded_attention(bundle, prediction)
