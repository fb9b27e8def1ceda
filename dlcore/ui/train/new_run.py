"""The form of a new run: from a preset, or a fork of another run with changed settings."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from dlcore import runs
from dlcore.core import cluster
from dlcore.core.config import Field, describe
from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import error_line
from dlcore.data.custom import registry as custom_registry
from dlcore.data.sources import locate as sources
from dlcore.runs import Run
from dlcore.ui.shell import download_offer
from dlcore.ui.shell.cache import cache_data
from dlcore.ui.shell.run_picker import remember_run
from dlcore.ui.shell.states import short_id
from dlcore.ui.train import find_rate
from dlcore.ui.train import preset as presets
from dlcore.ui.widgets import export_import, forms, run_actions
from dlcore.ui.widgets.choice import choose

if TYPE_CHECKING:
    from dlcore.projects.project import Project, RunConfig

CUSTOM_DATA = {
    "series": "time series (CSV)",
    "images": "images",
    "text": "texts",
    "table": "multivariate series",
    "pairs": "pairs (CSV)",
}


EXECUTORS: dict[cluster.Executor, str] = {"local": "This machine", "slurm": "Cluster"}


def show(project: "Project", run: Run | None) -> None:
    """Render the form; a new run becomes the open run of the page."""
    parent = st.session_state.get(_fork_key(project.slug))
    with st.container(border=True, key="new-run"):
        if parent:
            _fork(project, parent)
        else:
            _new(project)
    with st.expander("Import run", icon=":material/upload_file:"):
        export_import.import_run_panel(project.slug)


def begin_fork(slug: str, run_id: str) -> None:
    """Turn the form into one that forks a run."""
    st.session_state[_fork_key(slug)] = run_id


def _new(project: "Project") -> None:
    from dlcore import projects

    slug = project.slug
    st.subheader("New run", anchor=False)
    _preselect_model(project)
    model = st.selectbox(
        "Model", list(project.models), key=f"model-{slug}", format_func=lambda name: project.models[name].title
    )
    st.caption(project.models[model].summary)
    dataset = _dataset(project)
    is_available = sources.is_available(dataset)
    offer_dataset(slug, dataset)
    preset = presets.choose_preset(project, key=f"preset-{slug}")
    base = projects.configure(slug, model=model, dataset=dataset, preset=preset)
    epochs = base.training.epochs if custom_registry.is_custom(dataset) else 0
    st.caption(presets.describe_preset(project, model, preset, epochs=epochs))
    key = f"{slug}-{model}-{dataset}-{preset}"
    executor = choose_executor(key=f"where-{slug}")
    hardware = _hardware(base, key, on_cluster=executor == "slurm")
    changed = _more(projects.list_settings(slug, model), base, key, shares_cpu=_shares_cpu(hardware))
    missing = offer_missing(
        lambda: projects.configure(slug, model=model, dataset=dataset, preset=preset, settings=changed)
    )
    if is_available and not missing and project.models[model].training_loop is None:
        _find_rate(base, {**changed, **hardware}, key)
    if st.button(
        "Train",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        key=f"train-{slug}",
        disabled=not is_available or bool(missing),
    ):
        run_id = run_actions.launch_run(
            lambda: runs.create(
                projects.configure(slug, model=model, dataset=dataset, preset=preset, settings={**changed, **hardware}),
                executor=executor,
            )
        )
        _open(slug, run_id)


def _find_rate(base: "RunConfig", settings: Mapping[str, Any], key: str) -> None:
    """Offer the range test of the settings in the form."""
    from dlcore import projects

    try:
        config = projects.with_settings(base, settings)
    except WorkbenchError:
        return  # invalid settings: reported when the run is created
    find_rate.show(config, key=key, rate_key=f"{key}-learning_rate")


def _preselect_model(project: "Project") -> None:
    """Select the suggested model at first, and when a custom dataset is selected; a later choice of the user stays."""
    from dlcore import projects
    from dlcore.projects import registry

    key, dataset = f"model-{project.slug}", st.session_state.get(f"dataset-{project.slug}", "")
    marker = f"model-suggested-for-{project.slug}"
    if key not in st.session_state:
        first = dataset if dataset in projects.list_datasets(project.slug) else projects.configure(project.slug).dataset
        st.session_state[key] = registry.suggest_model(project.slug, first)
    elif dataset and dataset != st.session_state.get(marker) and custom_registry.is_custom(dataset):
        st.session_state[key] = registry.suggest_model(project.slug, dataset)
    st.session_state[marker] = dataset


def offer_dataset(slug: str, dataset: str) -> None:
    """Offer the download of a missing dataset; beside one that is here, fold that of a dataset the project prefers."""
    from dlcore.projects import registry

    if not sources.is_available(dataset):
        download_offer.offer_download(dataset)
    elif offered := registry.offered_dataset(slug):
        with st.expander(f"Download {dataset_title(offered)}", icon=":material/download:"):
            download_offer.offer_download(offered)


def offer_missing(configure: "Callable[[], RunConfig]") -> list[str]:
    """Return the further downloads that the run needs, and offer the first; say what its quick preset does without."""
    from dlcore.projects import registry

    try:
        config = configure()
    except WorkbenchError:
        return []  # invalid settings: reported when the run is created
    missing = registry.missing_downloads(config)
    if missing:
        download_offer.offer_download(missing[0])
        if missing[0] == "glove":
            st.caption("Or set **Vectors** to “none” under More settings: word vectors start random.")
    if "glove" in registry.list_fallbacks(config):
        st.caption("GloVe is not on this machine: word vectors start random (vectors: none).")
        with st.expander("Download GloVe", icon=":material/download:"):
            download_offer.offer_download("glove")
    return missing


def _dataset(project: "Project") -> str:
    """Choose a dataset of the project or a custom one; the default is the first on this machine."""
    from dlcore import projects

    key, names = f"dataset-{project.slug}", projects.list_datasets(project.slug)
    dataset = choose_dataset(names, projects.configure(project.slug).dataset, key=key)
    if project.custom_data:
        kinds = [CUSTOM_DATA[kind] for kind in project.custom_data]
        st.caption(f"Your {' or '.join(kinds)}: add them in **Data** and choose them here.")
    return dataset


def choose_dataset(names: list[str], default: str, *, key: str) -> str:
    """Choose one of the datasets; `default` the first time, when it changes, and after the chosen one was deleted."""
    if st.session_state.get(key) not in names or st.session_state.get(f"{key}-default", default) != default:
        st.session_state[key] = default
    st.session_state[f"{key}-default"] = default
    dataset: str = st.selectbox("Dataset", names, key=key, format_func=dataset_title)
    return dataset


def _fork(project: "Project", parent: str) -> None:
    from dlcore import projects

    slug, run = project.slug, runs.open_run(parent)
    config = run.config
    st.subheader(f"Fork of {short_id(parent)}", anchor=False)
    st.caption("A new run with the settings of this one, except those you change.")
    key = f"fork-{parent}"
    executor = choose_executor(key=f"where-{key}")
    hardware = _hardware(config, key, on_cluster=executor == "slurm")
    changed = _more(
        projects.list_settings(slug, config.model), config, key, shares_cpu=_shares_cpu(hardware), expanded=True
    )
    settings = {**changed, **{name: value for name, value in hardware.items() if value != getattr(config, name)}}
    start, cancel = st.columns(2)
    if cancel.button("Cancel", width="stretch", key=f"cancel-{key}"):
        del st.session_state[_fork_key(slug)]
        st.rerun()
    if start.button("Train", type="primary", icon=":material/play_arrow:", width="stretch", key=f"train-{key}"):
        run_id = run_actions.launch_run(lambda: runs.fork(parent, settings, executor=executor))
        if run_id:
            del st.session_state[_fork_key(slug)]
        _open(slug, run_id)


def _hardware(config: "RunConfig", key: str, *, on_cluster: bool = False) -> dict[str, Any]:
    """Choose seed and device; on a cluster, or with several GPUs, also how many devices and machines."""
    fields = {field.name: field for field in describe(type(config))}
    seed, where = st.columns(2)
    with seed:
        chosen_seed = forms.setting_widget(fields["seed"], config.seed, key=f"{key}-seed")
    titles = _devices()
    titles.setdefault(config.device, config.device)
    order = list(titles)
    device = where.selectbox(
        "Device",
        order,
        index=order.index(config.device),
        key=f"{key}-device",
        help=fields["device"].help,
        format_func=lambda name: titles[name],
    )
    counts = {}
    for name in ("devices", "nodes") if on_cluster else ("devices",) if _gpus(device) > 1 else ():
        counts[name] = forms.setting_widget(fields[name], getattr(config, name), key=f"{key}-{name}")
    return {"seed": chosen_seed, "device": device, **counts}


def _gpus(device: str) -> int:
    """Number of GPUs of this machine that a run on that device may share."""
    return sum(name.startswith("cuda") for name in _devices()) if device.partition(":")[0] in ("auto", "cuda") else 0


def _shares_cpu(hardware: Mapping[str, Any]) -> bool:
    """Whether the chosen device is the CPU of this machine."""
    return "nodes" not in hardware and (hardware["device"] == "cpu" or list(_devices())[1:] == ["cpu"])


def _processes(config: "RunConfig", key: str) -> dict[str, int]:
    """Choose the number of processes that share the CPU; empty if it stays."""
    st.markdown("**Hardware**")
    (field,) = (field for field in describe(type(config)) if field.name == "devices")
    low, high = int(field.low or 1), int(field.high or 1)
    count = st.number_input("Processes", low, high, config.devices, key=f"{key}-processes", help=field.help)
    if count > 1:
        st.caption(config.model_copy(update={"device": "cpu", "devices": count}).sharing)
    return {"devices": count} if count != config.devices else {}


def choose_executor(*, key: str) -> cluster.Executor:
    """Choose between this machine and the cluster, if settings name one."""
    default = cluster.default_executor()
    if not cluster.is_configured():
        return default
    return choose(
        "Run on",
        EXECUTORS,
        key=key,
        default=default,
        format_func=EXECUTORS.__getitem__,
        in_url=False,
        show_label=True,
        width="stretch",
        help="A run on the cluster is a Slurm job. It waits in the cluster's queue, and if Slurm preempts it or its "
        "time limit ends, it continues from its checkpoint by itself.",
    )


def _more(
    sections: Mapping[str, list[Field]], config: "RunConfig", key: str, *, shares_cpu: bool, expanded: bool = False
) -> dict[str, Any]:
    """Choose the other settings in an expander; return the changed ones."""
    values = config.flat
    changed: dict[str, Any] = {}
    with st.expander("More settings", expanded=expanded, icon=":material/tune:"):
        for section, fields in sections.items():
            if fields:
                st.markdown(f"**{section.capitalize()}**")
                changed |= forms.setting_widgets(fields, values, key=key)
        if shares_cpu:
            changed |= _processes(config, key)
    return changed


@cache_data(show_spinner=False, ttl=600, max_entries=1)
def _devices() -> dict[str, str]:
    from dlcore.core import devices

    available = devices.available()
    titles = {device.name: f"{device.name}: {device.title}" for device in available}
    return {"auto": f"auto ({available[0].name})", **titles}


def dataset_title(name: str) -> str:
    """Return the title of a dataset, or its name if it has none."""
    try:
        return sources.get_dataset(name).title
    except WorkbenchError:
        return name.replace("_", " ")


def _open(slug: str, run_id: str | None) -> None:
    if run_id is None:
        return
    try:
        remember_run(slug, run_id)
        st.toast("Started. You may close this tab.", icon=":material/play_arrow:")
    except WorkbenchError as error:
        st.error(error_line(error))
    st.rerun()


def _fork_key(slug: str) -> str:
    return f"fork-in-{slug}"
