"""The form that starts a run: from a preset, or from another run with some settings changed."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from dlcore import runs
from dlcore.core.config import Field, describe
from dlcore.core.errors import WorkbenchError, one_line
from dlcore.data.sources import locate as sources
from dlcore.runs import Run
from dlcore.ui.shell import download_offer
from dlcore.ui.shell.run_picker import remember_run
from dlcore.ui.shell.states import short_id
from dlcore.ui.train import preset as recipe
from dlcore.ui.widgets import export_import, forms, run_actions

if TYPE_CHECKING:
    from dlcore.projects.project import Project, RunConfig

OWN = {
    "series": "Series of your own (CSV)",
    "images": "Pictures of your own",
    "text": "Texts of your own",
    "table": "several series at once",
    "pairs": "Pairs of your own (CSV)",
}


def show(project: "Project", run: Run | None) -> None:
    """Draw the form; what it starts becomes the page's run."""
    parent = st.session_state.get(_fork_key(project.slug))
    with st.container(border=True, key="new-run"):
        if parent:
            _fork(project, parent)
        else:
            _new(project)
    with st.expander("Bring a run from a file", icon=":material/upload_file:"):
        export_import.import_run_panel(project.slug)


def begin_fork(slug: str, run_id: str) -> None:
    """Turn the page's form into one that forks that run."""
    st.session_state[_fork_key(slug)] = run_id


def _new(project: "Project") -> None:
    from dlcore import projects

    slug = project.slug
    st.subheader("New run", anchor=False)
    model = st.selectbox(
        "Model", list(project.models), key=f"model-{slug}", format_func=lambda name: project.models[name].title
    )
    st.caption(project.models[model].summary)
    dataset = _dataset(project)
    here = sources.is_available(dataset)
    if not here:
        download_offer.offer_download(dataset)
    presets = list(project.presets)
    chosen = st.segmented_control(
        "Preset",
        presets,
        default=presets[0],
        required=True,
        key=f"preset-{slug}",
        format_func=str.capitalize,
        width="stretch",
    )
    preset = chosen or presets[0]
    st.caption(recipe.describe_preset(project, model, preset))
    base = projects.configure(slug, model=model, dataset=dataset, preset=preset)
    key = f"{slug}-{model}-{dataset}-{preset}"
    where = _where(base, key)
    changed = _more(projects.list_settings(slug, model), base, key)
    absent = _absent(
        project, lambda: projects.configure(slug, model=model, dataset=dataset, preset=preset, settings=changed)
    )
    if absent:
        download_offer.offer_download(absent[0])
        if absent[0] == "glove":
            st.caption("Or choose “none” for **Vectors** under More settings: the words' vectors then begin by chance.")
    if st.button(
        "Train",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        key=f"train-{slug}",
        disabled=not here or bool(absent),
    ):
        run_id = run_actions.launch_run(
            lambda: runs.create(
                projects.configure(slug, model=model, dataset=dataset, preset=preset, settings={**changed, **where})
            )
        )
        _go(slug, run_id)


def _absent(project: "Project", config: "Callable[[], RunConfig]") -> list[str]:
    """What the run needs beside its dataset, as pretrained weights, and what is not on this machine."""
    try:
        return [name for name in project.needs(config()) if not sources.is_available(name)]
    except WorkbenchError:
        return []  # settings that do not go together: said when the run is asked for


def _dataset(project: "Project") -> str:
    """Choose among the project's datasets and one's own; opens on the first that is here."""
    from dlcore import projects

    key, known = f"dataset-{project.slug}", projects.list_datasets(project.slug)
    if st.session_state.get(key) not in known:  # at first, or once it was removed
        st.session_state[key] = projects.configure(project.slug).dataset
    chosen: str = st.selectbox("Dataset", known, key=key, format_func=dataset_title)
    if project.custom_data:
        kinds = [OWN[kind] for kind in project.custom_data]
        st.caption(f"{' or '.join(kinds)}: add them under **Data**, and choose them here.")
    return chosen


def _fork(project: "Project", parent: str) -> None:
    from dlcore import projects

    slug, run = project.slug, runs.open_run(parent)
    config = run.config
    st.subheader(f"Fork of {short_id(parent)}", anchor=False)
    st.caption("The same run from the start, with what you change here.")
    key = f"fork-{parent}"
    where = _where(config, key)
    changed = _more(projects.list_settings(slug, config.model), config, key, expanded=True)
    both = {**changed, **{name: value for name, value in where.items() if value != getattr(config, name)}}
    start, leave = st.columns(2)
    if leave.button("Cancel", width="stretch", key=f"cancel-{key}"):
        del st.session_state[_fork_key(slug)]
        st.rerun()
    if start.button("Train", type="primary", icon=":material/play_arrow:", width="stretch", key=f"train-{key}"):
        run_id = run_actions.launch_run(lambda: runs.fork(parent, both))
        if run_id:
            del st.session_state[_fork_key(slug)]
        _go(slug, run_id)


def _where(config: "RunConfig", key: str) -> dict[str, Any]:
    """Seed, device and number of devices."""
    fields = {field.name: field for field in describe(type(config))}
    seed, devices = st.columns(2)
    with seed:
        chosen_seed = forms.setting_widget(fields["seed"], config.seed, key=f"{key}-seed")
    with devices:
        count = forms.setting_widget(fields["devices"], config.devices, key=f"{key}-devices")
    names = _devices()
    if config.device not in names:
        names[config.device] = config.device
    order = list(names)
    device = st.selectbox(
        "Device",
        order,
        index=order.index(config.device),
        key=f"{key}-device",
        help=fields["device"].help,
        format_func=lambda name: names[name],
    )
    return {"seed": chosen_seed, "device": device, "devices": count}


def _more(
    sections: Mapping[str, list[Field]], config: "RunConfig", key: str, *, expanded: bool = False
) -> dict[str, Any]:
    """Every other setting, folded; gives what was changed."""
    values = config.flat
    changed: dict[str, Any] = {}
    with st.expander("More settings", expanded=expanded, icon=":material/tune:"):
        for section, fields in sections.items():
            if fields:
                st.markdown(f"**{section.capitalize()}**")
                changed |= forms.setting_widgets(fields, values, key=key)
    return changed


@st.cache_data(show_spinner=False, ttl=600, max_entries=1)
def _devices() -> dict[str, str]:
    from dlcore.core import devices

    found = devices.available()
    return {"auto": f"auto ({found[0].name})", **{device.name: f"{device.name}: {device.title}" for device in found}}


def dataset_title(name: str) -> str:
    """A dataset's title; its name where it has none."""
    try:
        return sources.get_dataset(name).title
    except WorkbenchError:
        return name.replace("_", " ")


def _go(slug: str, run_id: str | None) -> None:
    if run_id is None:
        return
    try:
        remember_run(slug, run_id)
        st.toast("Started. You may close this tab: the run goes on.", icon=":material/play_arrow:")
    except WorkbenchError as error:
        st.error(one_line(error))
    st.rerun()


def _fork_key(slug: str) -> str:
    return f"fork-in-{slug}"
