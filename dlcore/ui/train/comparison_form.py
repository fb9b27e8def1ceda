"""The form of a new comparison: models, seeds and epochs, queued as one group of runs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import error_line
from dlcore.data.sources import locate as sources
from dlcore.runs import comparisons
from dlcore.ui.shell.links import OPEN
from dlcore.ui.train import preset as presets
from dlcore.ui.train.new_run import dataset_title

if TYPE_CHECKING:
    from dlcore.projects.project import Project, RunConfig

MOST_SEEDS = 10
ADDRESS = "comparison"
"""Query parameter with the id of the opened comparison."""


def show(project: "Project") -> None:
    """Render the form in an expander; a new comparison is opened in Results."""
    with st.expander("Compare several models", icon=":material/compare_arrows:"):
        _form(project)


def _form(project: "Project") -> None:
    from dlcore import projects

    slug, key = project.slug, f"compare-{project.slug}"
    ready = [name for name in project.models if can_train(project, name)]
    # no multiselect: it shrinks when it loses focus, which moves the button away from the pointer
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
        missing = ", ".join(entry.title for name, entry in project.models.items() if name not in ready)
        st.caption(f"Not available: {missing}. Their pretrained weights are not on this machine: see Model above.")
    names = [name for name in projects.list_datasets(slug) if _is_available(name)]
    if not names:
        st.caption("No dataset of this page is on this machine: see Data.")
        return
    dataset = st.selectbox("Dataset", names, key=f"{key}-dataset", format_func=dataset_title)
    preset = st.segmented_control(
        "Preset",
        list(project.presets),
        default=next(iter(project.presets)),
        required=True,
        key=f"{key}-preset",
        format_func=str.capitalize,
        width="stretch",
    ) or next(iter(project.presets))
    st.caption("The full preset of each model" if preset == presets.FULL else presets.DESCRIPTIONS.get(preset, ""))
    default_epochs = projects.configure(slug, dataset=dataset, preset=preset).training.epochs
    left, right = st.columns(2)
    seeds = left.number_input(
        "Seeds per model",
        1,
        MOST_SEEDS,
        3,
        key=f"{key}-seeds",
        help="Runs per model, each with another seed. One run cannot separate a difference from noise.",
    )
    epochs = right.number_input("Epochs per run", 1, 10_000, default_epochs, key=f"{key}-epochs-{preset}-{dataset}")
    until = {name: budget(slug, name, dataset=dataset, preset=preset, epochs=int(epochs)) for name in models}
    longer = [f"{project.models[name].title}: up to {until[name]}" for name in models if until[name] != epochs]
    if longer:
        st.caption(f"{'; '.join(longer)} epochs, with early stopping.")
    runs = len(models) * seeds
    hint = "" if runs > 1 else " A comparison takes two or more: choose another model, or more seeds."
    st.caption(f"{runs} run{'s' if runs != 1 else ''}, one after the other on one device.{hint}")
    if st.button(
        "Start comparison", icon=":material/play_arrow:", width="stretch", key=f"{key}-start", disabled=runs < 2
    ):
        _start(project, models, dataset=dataset, preset=preset, seeds=seeds, epochs=epochs)


def can_train(project: "Project", model: str) -> bool:
    """Return whether the pretrained weights that the model needs are on this machine."""
    from dlcore import projects

    return all(sources.is_available(name) for name in project.needs(projects.configure(project.slug, model=model)))


def build_variants(
    slug: str, models: Sequence[str], *, dataset: str, preset: str, seeds: Sequence[int], epochs: int
) -> "dict[str, list[RunConfig]]":
    """Return configs by the title of the model, one per seed, with equal data, preset and epochs (see `budget`).

    Raises:
        ConfigError: a setting is out of bounds.
    """
    from dlcore import projects

    titles = projects.get(slug).models
    epochs_of = {name: {"epochs": budget(slug, name, dataset=dataset, preset=preset, epochs=epochs)} for name in models}
    return {
        titles[model].title: [
            projects.configure(slug, model=model, dataset=dataset, preset=preset, seed=seed, settings=epochs_of[model])
            for seed in seeds
        ]
        for model in models
    }


def budget(slug: str, model: str, *, dataset: str, preset: str, epochs: int) -> int:
    """Return the epochs of one model in a comparison: `epochs`, but more for a model that alone stops early.

    Such a model gets more in the same proportion as in the preset.
    """
    from dlcore import projects

    base = projects.configure(slug, dataset=dataset, preset=preset).training
    variant = projects.configure(slug, model=model, dataset=dataset, preset=preset).training
    return round(epochs * variant.epochs / base.epochs) if variant.patience and not base.patience else epochs


def _start(project: "Project", models: Sequence[str], *, dataset: str, preset: str, seeds: int, epochs: int) -> None:
    counts = ((len(models), "model"), (seeds, "seed"), (epochs, "epoch"))
    size = ", ".join(f"{n} {noun}{'' if n == 1 else 's'}" for n, noun in counts)
    title = f"{size} on {dataset_title(dataset)}"
    try:
        variants = build_variants(
            project.slug, models, dataset=dataset, preset=preset, seeds=range(seeds), epochs=epochs
        )
        comparison = comparisons.create(title, variants)
    except WorkbenchError as error:
        st.error(error_line(error), icon=":material/error:")
        return
    open_under_results(comparison.comparison_id)


def open_under_results(comparison_id: str) -> None:
    """Open a comparison in Results."""
    st.query_params[ADDRESS] = comparison_id
    st.query_params[OPEN] = "results"
    st.rerun()


def _is_available(name: str) -> bool:
    return name not in sources.DATASETS or sources.is_available(name)
