"""Data panel of the reviews page with BERT features: texts, BERT and cached hidden states."""

import streamlit as st

from dlcore import projects
from dlcore.core import settings
from dlcore.core.errors import DataMissingError, WorkbenchError
from dlcore.core.markdown import error_line
from dlcore.data.sources import bert_weights
from dlcore.data.text import token_states
from dlcore.projects.project import Project
from dlcore.runs import Run
from dlcore.ui.modalities import overview
from dlcore.ui.shell import download_offer
from dlcore.ui.shell.error_boundary import fragment


def data(project: Project, run: Run | None) -> None:
    """Draw the dataset of the run, its BERT, and the disk space of the cached states."""
    config = run.config if run is not None else projects.configure(project.slug)
    with st.expander("Pretrained BERT and cached states", icon=":material/neurology:"):
        _bert(str(config.flat["bert"]), int(config.flat["after_layer"]))
        _cached_states()
    overview.data(project, run)


def _bert(name: str, after: int) -> None:
    try:
        weights = bert_weights.require(name)
    except DataMissingError as error:
        download_offer.offer_download(error.dataset)
        return
    except WorkbenchError as error:
        st.error(error_line(error), icon=":material/error:")
        return
    layers, words = int(weights.config["num_hidden_layers"]), len(weights.vocabulary)
    size = "six layers, distilled from a larger model" if name == bert_weights.OFFLINE else f"{layers} layers"
    st.markdown(
        f"**{name}** is a BERT with {size}, pretrained on millions of sentences. Its vocabulary has "
        f"{words:,} word pieces; it computes a vector of {weights.width} numbers for each, in the context of all "
        f"others in the text. It is frozen here. Its states after layer {after} of {layers} are the input of "
        "a recurrent network that classifies the review."
    )
    st.caption(f"License: {bert_weights.get_known(name).license}. Checksum of its files: {weights.checksum[:16]} …")


@fragment
def _cached_states() -> None:
    """Draw the disk space of the cached states, and a button to free it."""
    size, chunks = token_states.usage()
    st.markdown(
        f"**Disk space:** {size / 1e9:.2f} GB of states in {chunks:,} files, at most "
        f"{settings.feature_cache_bytes() / 1e9:.0f} GB. They are computed once; later epochs, and "
        "later runs with "
        "the same texts, read them from disk. The least recently used are evicted."
    )
    if chunks:
        st.button(
            "Clear cache",
            icon=":material/delete:",
            key="clear-states",
            help="Runs are not affected.",
            on_click=_remove,
        )
    st.caption("`DLCORE_STATES_GB` sets the limit; `dlcore data clear-states` clears the cache too.")


def _remove() -> None:
    st.toast(f"Freed {token_states.clear() / 1e9:.2f} GB.", icon=":material/delete:")
