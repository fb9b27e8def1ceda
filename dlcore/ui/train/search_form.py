"""The form of a new hyperparameter search: model, dataset, search space, number of trials."""

from typing import TYPE_CHECKING

import streamlit as st

from dlcore.core.config import Field
from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import error_line
from dlcore.data.sources import locate as sources
from dlcore.projects import search_space
from dlcore.runs.search import searches
from dlcore.ui.train.new_run import choose_dataset, choose_executor, offer_dataset, offer_missing
from dlcore.ui.train.preset import choose_preset
from dlcore.ui.widgets import forms

if TYPE_CHECKING:
    from dlcore.projects.project import Project, RunConfig

ADDRESS = "search"
"""Query parameter with the id of the opened search."""
MAX_EPOCHS = 10_000
MAX_PARAMETERS = 8


def show(project: "Project") -> None:
    """Render the form; open the search that it starts."""
    key = f"search-{project.slug}"
    st.subheader("New search", anchor=False)
    base, is_available = _base(project, key)
    variant = f"{base.model}-{base.dataset}-{base.preset}"
    texts = _search_space(base, f"{key}-{variant}")
    left, right = st.columns(2)
    n_trials = left.number_input("Trials", 2, searches.MAX_TRIALS, 20, key=f"{key}-trials")
    epochs = right.number_input("Epochs per trial", 1, MAX_EPOCHS, base.training.epochs, key=f"{key}-epochs-{variant}")
    workers = st.number_input(
        "Workers",
        1,
        searches.MAX_WORKERS,
        1,
        key=f"{key}-workers",
        help="Trials that run at the same time. On one CPU, two small ones are seldom faster than one after the other. "
        "With several GPUs, each worker uses one.",
    )
    executor = choose_executor(key=f"{key}-where")
    prune = st.toggle(
        "Prune unpromising trials",
        value=True,
        key=f"{key}-prune",
        help="Stop a trial whose value is worse than the median of the other trials at the same epoch.",
    )
    if st.button(
        "Start search",
        type="primary",
        icon=":material/travel_explore:",
        width="stretch",
        key=f"{key}-start",
        disabled=not (texts and is_available),
    ):
        _start(
            base,
            texts,
            epochs=int(epochs),
            n_trials=int(n_trials),
            workers=int(workers),
            prune=prune,
            executor=executor,
        )


def _base(project: "Project", key: str) -> "tuple[RunConfig, bool]":
    """Choose model, dataset and preset; return their config, and whether all it needs is on this machine."""
    from dlcore import projects
    from dlcore.projects import registry

    slug = project.slug
    default_dataset = projects.configure(slug).dataset
    if f"{key}-model" not in st.session_state:
        st.session_state[f"{key}-model"] = registry.suggest_model(slug, default_dataset)
    model = st.selectbox(
        "Model", list(project.models), key=f"{key}-model", format_func=lambda name: project.models[name].title
    )
    dataset = choose_dataset(projects.list_datasets(slug), default_dataset, key=f"{key}-dataset")
    is_available = sources.is_available(dataset)
    offer_dataset(slug, dataset)
    preset = choose_preset(
        project,
        key=f"{key}-preset",
        label="Base preset",
        help="Settings of the first trial, and of everything outside the search space.",
    )
    base = projects.configure(slug, model=model, dataset=dataset, preset=preset)
    return base, is_available and not offer_missing(lambda: base)


def _start(
    base: "RunConfig", texts: list[str], *, epochs: int, n_trials: int, workers: int, prune: bool, executor: str
) -> None:
    from dlcore import projects

    try:
        config = projects.with_settings(base, {"epochs": epochs})
        space = search_space.parse_parameters(texts, config)
        search = searches.create(config, space, n_trials=n_trials, workers=workers, prune=prune, executor=executor)
        searches.start(search.search_id)
    except WorkbenchError as error:
        st.error(error_line(error), icon=":material/error:")
        return
    st.query_params[ADDRESS] = search.search_id
    st.rerun()


def _search_space(base: "RunConfig", key: str) -> list[str]:
    """Choose parameters and their ranges; return each as `search_space.parse_parameter` reads it."""
    fields, values = search_space.fields(base.project, base.model), base.flat
    names = st.multiselect(
        "Search space",
        list(fields),
        default=search_space.default_parameters(base),
        key=f"{key}-parameters",
        max_selections=MAX_PARAMETERS,
        format_func=lambda name: forms.setting_label(fields[name]),
        help="Settings to search over. More settings need more trials.",
    )
    return [
        _parameter(fields[name], search_space.default_range(fields[name], values[name]), key=f"{key}-{name}")
        for name in names
    ]


def _parameter(field: Field, default: str, *, key: str) -> str:
    """Choose the range or the choices of one setting."""
    name = forms.setting_label(field)
    if field.kind in ("choice", "bool"):
        options = default.split(",")
        choices = st.multiselect(f"{name}: choices", options, default=options, key=f"{key}-choices")
        return f"{field.name}={','.join(choices) or ','}"
    low, high = (float(bound) for bound in default.split(".."))
    columns = zip(st.columns(2), ("from", "to"), (low, high), strict=True)
    if field.kind == "int":
        bounds: list[float] = [
            column.number_input(f"{name}, {word}", value=int(bound), step=1, key=f"{key}-{word}")
            for column, word, bound in columns
        ]
    else:
        bounds = [
            column.number_input(
                f"{name}, {word}", value=bound, format="%g", key=f"{key}-{word}", step=bound / 2 or 0.05
            )
            for column, word, bound in columns
        ]
    return f"{field.name}={bounds[0]:.10g}..{bounds[1]:.10g}"
