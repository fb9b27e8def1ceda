"""Data of the reviews that a pretrained BERT reads: the texts, the BERT, and what it said of them so far."""

import streamlit as st

from dlcore import projects
from dlcore.core import settings
from dlcore.core.errors import DataMissingError, WorkbenchError, one_line
from dlcore.data.sources import bert_weights
from dlcore.data.text import token_states
from dlcore.projects.project import Project
from dlcore.runs import Run
from dlcore.ui.modalities import overview
from dlcore.ui.shell import download_offer
from dlcore.ui.shell.error_boundary import fragment


def data(project: Project, run: Run | None) -> None:
    """The dataset of the run, the BERT that reads it, and the room that its states take on the disk."""
    config = run.config if run is not None else projects.configure(project.slug)
    with st.expander("The pretrained BERT, and what it has read so far", icon=":material/neurology:"):
        _bert(str(config.data_options["bert"]), int(config.data_options["after_layer"]))
        _kept()
    overview.data(project, run)


def _bert(name: str, after: int) -> None:
    try:
        found = bert_weights.require(name)
    except DataMissingError as error:
        download_offer.offer_download(error.dataset)
        return
    except WorkbenchError as error:
        st.error(one_line(error), icon=":material/error:")
        return
    layers, words = int(found.config["num_hidden_layers"]), len(found.vocabulary)
    told = "six layers, taught by a larger one (“distilled”)" if name == bert_weights.OFFLINE else f"{layers} layers"
    st.markdown(
        f"**{name}** is a BERT with {told}: a network that read millions of sentences before it saw a review. It knows "
        f"{words:,} words and pieces of words, and makes {found.width} numbers of each, which depend on all "
        f"the others in the text. Here nothing of it learns. Its states are taken after layer {after} of {layers}, "
        "and a recurrent network learns to judge a review from them."
    )
    st.caption(f"License: {bert_weights.get_known(name).license}. Checksum of its files: {found.checksum[:16]} …")


@fragment
def _kept() -> None:
    """How much of the disk the states take, and a button that frees it."""
    size, chunks = token_states.usage()
    st.markdown(
        f"**On the disk:** {size / 1e9:.2f} GB of states in {chunks:,} files, of at most "
        f"{settings.feature_cache_bytes() / 1e9:.0f} GB. They are computed once; every later epoch, and "
        "every later run with "
        "the same texts, reads them back. The longest unused make way for new ones."
    )
    if chunks:
        st.button(
            "Remove them",
            icon=":material/delete:",
            key="clear-states",
            help="Runs keep all they have.",
            on_click=_remove,
        )
    st.caption("`DLCORE_STATES_GB` sets the bound; `python -m dlcore data clear-states` removes them too.")


def _remove() -> None:
    st.toast(f"{token_states.clear() / 1e9:.2f} GB are free again.", icon=":material/delete:")
