"""The head of a Data panel: the form that adds a dataset, the saved ones, and the dataset to look at."""

import streamlit as st

from dlcore import projects
from dlcore.data.custom import registry
from dlcore.data.custom.registry import Kind
from dlcore.data.sources import locate as sources
from dlcore.projects import registry as project_registry
from dlcore.projects.project import Project
from dlcore.projects.run_config import RunConfig
from dlcore.runs import Run
from dlcore.ui.custom_data import form, saved
from dlcore.ui.shell import download_offer
from dlcore.ui.train.new_run import dataset_title
from dlcore.ui.widgets import samples

NEWEST = "custom-newest"
"""Session key of the dataset that was saved last."""


def choose_dataset(project: Project, run: Run | None, *kinds: Kind) -> RunConfig:
    """Draw the form for those kinds that the project accepts, and the selection of a dataset; return its config.

    It is the run's, or that of a new run on another dataset on this machine.
    """
    config = run.config if run is not None else projects.configure(project.slug)
    kinds = tuple(kind for kind in kinds if kind in project.custom_data)
    if not kinds:
        return config if samples.is_available(config) else _replace_missing(project, config)
    added = saved.pop_added(*kinds)
    form.show_form(*kinds)
    saved.show_saved(*kinds)
    is_missing = registry.is_custom(config.dataset) and not samples.is_available(config)
    if is_missing:
        st.info(
            f"The data of this run, “{registry.plain_name(config.dataset)}”, are no longer on this machine; its scores "
            "are.",
            icon=":material/folder_off:",
        )
    names = [name for name in projects.list_datasets(project.slug) if sources.is_available(name)]
    if not is_missing and not samples.is_available(config):
        is_missing = _replace_missing(project, config) is not config
    names = list(dict.fromkeys(names if is_missing and names else [config.dataset, *names]))
    key = f"data-of-{run.run_id if run else project.slug}"
    if added:
        st.session_state[key] = st.session_state[f"dataset-{project.slug}"] = st.session_state[NEWEST] = added
    elif st.session_state.get(key) not in names or st.session_state.get(f"{key}-default") != names[0]:
        st.session_state[key] = names[0]
    st.session_state[f"{key}-default"] = names[0]
    dataset = names[0] if len(names) == 1 else st.selectbox("Dataset", names, key=key, format_func=dataset_title)
    if dataset == st.session_state.get(NEWEST):
        name = registry.plain_name(dataset)
        st.success(f"“{name}” is saved and selected under **Train**.", icon=":material/check_circle:")
        st.button(
            f"Train on “{name}”",
            icon=":material/model_training:",
            key=f"train-on-{dataset}",
            on_click=saved.open_training,
            args=(project.slug, dataset),
        )
    entry = registry.find(dataset) if registry.is_custom(dataset) else None
    if entry is not None:
        saved.show_receipt(entry.receipt)
    if dataset == config.dataset and (entry is None or not is_missing):
        return config
    return projects.configure(project.slug, dataset=dataset)


def _replace_missing(project: Project, config: RunConfig) -> RunConfig:
    """Offer the download of a public dataset or its alternative; return the config of one that is on this machine."""
    offered = project_registry.offered_dataset(project.slug, config.dataset)
    if offered:
        download_offer.offer_download(offered)
    replacement = projects.configure(project.slug)
    if not sources.is_available(replacement.dataset):
        return config
    st.caption(
        f"The dataset of this run, {dataset_title(config.dataset)}, is not on this machine. Below is one that is: "
        f"{dataset_title(replacement.dataset)}."
    )
    return replacement
