"""The form that starts a comparison: models, seeds and budget, queued as one group of runs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from dlcore.core.errors import WorkbenchError, one_line
from dlcore.data.sources import locate as sources
from dlcore.runs import comparisons
from dlcore.ui.shell.links import OPEN
from dlcore.ui.train import preset as recipe
from dlcore.ui.train.new_run import dataset_title

if TYPE_CHECKING:
    from dlcore.projects.project import Project, RunConfig

MOST_SEEDS = 10
ADDRESS = "comparison"
"""The name in the page's address that leads to a comparison."""


def show(project: "Project") -> None:
    """Draw the form, folded; what it starts is opened under Results."""
    with st.expander("Compare several models", icon=":material/compare_arrows:"):
        _form(project)


def _form(project: "Project") -> None:
    from dlcore import projects

    slug, key = project.slug, f"compare-{project.slug}"
    ready = [name for name in project.models if can_train(project, name)]
    # no multiselect: it shrinks as it loses the focus, and the button moves away from under the pointer
    picked = st.pills(
        "Models",
        ready,
        selection_mode="multi",
        default=ready,
        key=f"{key}-models",
        wrap=True,
        format_func=lambda name: project.models[name].title,
    )
    models = [name for name in ready if name in picked]
    if len(ready) < len(project.models):
        away = ", ".join(entry.title for name, entry in project.models.items() if name not in ready)
        st.caption(f"Not here to choose: {away}. What they begin with is not here: see it under Model above.")
    names = [name for name in projects.list_datasets(slug) if _here(name)]
    if not names:
        st.caption("None of this page's datasets is on this machine: see Data.")
        return
    dataset = st.selectbox("On", names, key=f"{key}-dataset", format_func=dataset_title)
    preset = st.segmented_control(
        "Preset",
        list(project.presets),
        default=next(iter(project.presets)),
        required=True,
        key=f"{key}-preset",
        format_func=str.capitalize,
        width="stretch",
    ) or next(iter(project.presets))
    st.caption("Each model's full recipe" if preset == recipe.FULL else recipe.SAID.get(preset, ""))
    usual = projects.configure(slug, dataset=dataset, preset=preset).training.epochs
    left, right = st.columns(2)
    seeds = left.number_input(
        "Seeds each",
        1,
        MOST_SEEDS,
        3,
        key=f"{key}-seeds",
        help="How often each model is trained, from another start each time: one run says little.",
    )
    epochs = right.number_input("Epochs each", 1, 10_000, usual, key=f"{key}-epochs-{preset}-{dataset}")
    until = {name: budget(slug, name, dataset=dataset, preset=preset, epochs=int(epochs)) for name in models}
    longer = [f"{project.models[name].title}: up to {until[name]}" for name in models if until[name] != epochs]
    if longer:
        st.caption(f"{'; '.join(longer)}, but no longer than validation gets better: stopping early is its recipe.")
    runs = len(models) * seeds
    few = "" if runs > 1 else " A comparison takes two or more: choose another model, or more seeds."
    st.caption(f"{runs} run{'s' if runs != 1 else ''}, one after the other on one device.{few}")
    if st.button(
        "Start the comparison", icon=":material/play_arrow:", width="stretch", key=f"{key}-start", disabled=runs < 2
    ):
        _start(project, models, dataset=dataset, preset=preset, seeds=seeds, epochs=epochs)


def can_train(project: "Project", model: str) -> bool:
    """Whether what the model needs beside a dataset is on this machine."""
    from dlcore import projects

    return all(sources.is_available(name) for name in project.needs(projects.configure(project.slug, model=model)))


def build_variants(
    slug: str, models: Sequence[str], *, dataset: str, preset: str, seeds: Sequence[int], epochs: int
) -> "dict[str, list[RunConfig]]":
    """Configs by model's title, one a seed; all alike in data, preset and epochs (as `budget` has it).

    Raises:
        ConfigError: a setting is out of bounds.
    """
    from dlcore import projects

    titles = projects.get(slug).models
    own = {name: {"epochs": budget(slug, name, dataset=dataset, preset=preset, epochs=epochs)} for name in models}
    return {
        titles[model].title: [
            projects.configure(slug, model=model, dataset=dataset, preset=preset, seed=seed, settings=own[model])
            for seed in seeds
        ]
        for model in models
    }


def budget(slug: str, model: str, *, dataset: str, preset: str, epochs: int) -> int:
    """The epochs of one model where so many are asked for: as many, but where it alone stops early its recipe is to
    go on for longer, and it gets more by as much as in the preset."""
    from dlcore import projects

    usual = projects.configure(slug, dataset=dataset, preset=preset).training
    own = projects.configure(slug, model=model, dataset=dataset, preset=preset).training
    return round(epochs * own.epochs / usual.epochs) if own.patience and not usual.patience else epochs


def _start(project: "Project", models: Sequence[str], *, dataset: str, preset: str, seeds: int, epochs: int) -> None:
    counted = ((len(models), "model"), (seeds, "seed"), (epochs, "epoch"))
    budget = ", ".join(f"{n} {what}{'' if n == 1 else 's'}" for n, what in counted)
    title = f"{budget} on {dataset_title(dataset)}"
    try:
        wanted = build_variants(project.slug, models, dataset=dataset, preset=preset, seeds=range(seeds), epochs=epochs)
        made = comparisons.create(title, wanted)
    except WorkbenchError as error:
        st.error(one_line(error), icon=":material/error:")
        return
    open_under_results(made.comparison_id)


def open_under_results(comparison_id: str) -> None:
    """Turn the page to that comparison, under Results."""
    st.query_params[ADDRESS] = comparison_id
    st.query_params[OPEN] = "results"
    st.rerun()


def _here(name: str) -> bool:
    return name not in sources.DATASETS or sources.is_available(name)
