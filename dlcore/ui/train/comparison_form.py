"""The form of a new comparison: models, values of settings, seeds and epochs, queued as one group of runs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import error_line
from dlcore.data.sources import locate as sources
from dlcore.projects.variants import VariantGrid, build_variants, epoch_budget
from dlcore.runs import comparisons
from dlcore.ui.shell.links import OPEN
from dlcore.ui.train import preset as presets
from dlcore.ui.train.new_run import choose_dataset, choose_executor, dataset_title
from dlcore.ui.widgets.forms import setting_label

if TYPE_CHECKING:
    from dlcore.core.config import Field
    from dlcore.projects.project import Project, RunConfig

MOST_SEEDS, MOST_SETTINGS = 10, 3
NUMBERS = {2: "two", 3: "three", 4: "four"}
ADDRESS = "comparison"
"""Query parameter with the id of the opened comparison."""


def show(project: "Project", *, is_primary: bool = False) -> None:
    """Render the form in an expander, open if `is_primary`; a new comparison is opened in Results."""
    with st.expander("Compare models or settings", icon=":material/compare_arrows:", expanded=is_primary):
        _form(project, is_primary=is_primary)


def _form(project: "Project", *, is_primary: bool) -> None:
    from dlcore import projects

    slug, key = project.slug, f"compare-{project.slug}"
    models = _choose_models(project, key=key)
    names = [name for name in projects.list_datasets(slug) if sources.is_available(name)]
    if not names:
        st.caption("No dataset of this page is on this machine: see Data.")
        return
    dataset = choose_dataset(names, projects.configure(slug).dataset, key=f"{key}-dataset")
    preset = presets.choose_preset(project, key=f"{key}-preset")
    st.caption("The full preset of each model" if preset == presets.FULL else presets.DESCRIPTIONS.get(preset, ""))
    seeds, epochs = _choose_effort(project, models, dataset=dataset, preset=preset)
    values = _choose_values(project, models, key=key)
    try:
        grid = VariantGrid(slug, models, dataset=dataset, preset=preset, values=values, epochs=epochs)
        variants = build_variants(grid, range(seeds))
    except WorkbenchError as error:
        st.error(error_line(error), icon=":material/error:")
        return
    if values:
        st.caption(f"{len(variants)} variants: {'; '.join(variants)}.")
    executor = choose_executor(key=f"{key}-where")
    runs = sum(len(configs) for configs in variants.values())
    are_all = is_primary and len(models) == len(project.models)
    if st.button(
        f"Compare all {NUMBERS.get(len(models), len(models))}" if are_all else "Start comparison",
        type="primary" if is_primary else "secondary",
        icon=":material/play_arrow:",
        width="stretch",
        key=f"{key}-start",
        disabled=not _show_size(runs, executor=executor),
    ):
        _start(variants, dataset=dataset, seeds=seeds, epochs=epochs, executor=executor)


def _choose_models(project: "Project", *, key: str) -> list[str]:
    """Choose among the models whose needs are on this machine."""
    chosen_preset = st.session_state.get(f"{key}-preset") or next(iter(project.presets))
    ready = [name for name in project.models if can_train(project, name, preset=chosen_preset)]
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
    if len(ready) < len(project.models):
        missing = ", ".join(entry.title for name, entry in project.models.items() if name not in ready)
        st.caption(
            f"Not available: {missing}. What they need is not on this machine: choose each under Model above to get it."
        )
    return [name for name in ready if name in picked]


def _choose_effort(project: "Project", models: Sequence[str], *, dataset: str, preset: str) -> tuple[int, int]:
    """Choose seeds per model and epochs per run."""
    from dlcore import projects

    slug, key = project.slug, f"compare-{project.slug}"
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
    until = {name: epoch_budget(slug, name, dataset=dataset, preset=preset, epochs=int(epochs)) for name in models}
    longer = [f"{project.models[name].title}: up to {until[name]}" for name in models if until[name] != epochs]
    if longer:
        st.caption(f"{'; '.join(longer)} epochs, with early stopping.")
    return int(seeds), int(epochs)


def _show_size(runs: int, *, executor: str) -> bool:
    """Show the number of runs; return whether it is within the limits of a comparison."""
    hint = "" if runs > 1 else " A comparison takes two or more: choose another model, more values, or more seeds."
    if runs > comparisons.MAX_RUNS:
        hint = f" At most {comparisons.MAX_RUNS}: choose fewer."
    where = "one after the other on one device" if executor == "local" else "each as a job of the cluster"
    st.caption(f"{runs} run{'s' if runs != 1 else ''}, {where}.{hint}")
    return 2 <= runs <= comparisons.MAX_RUNS


def _choose_values(project: "Project", models: Sequence[str], *, key: str) -> dict[str, list[str]]:
    """Choose settings whose values are compared, and their values as text."""
    fields = _settings(project, models)
    names = st.multiselect(
        "Compare values of",
        list(fields),
        key=f"{key}-settings",
        max_selections=MOST_SETTINGS,
        placeholder="No setting: compare models only",
        format_func=lambda name: setting_label(fields[name]),
        help="Every combination of models and values becomes a variant. A model without the setting stays one variant.",
    )
    values = {}
    for name in names:
        field = fields[name]
        label = f"Values of {setting_label(field).lower()}"
        if options := _options(field):
            selected = st.pills(label, options, selection_mode="multi", default=options, key=f"{key}-values-{name}")
            values[name] = [text for text in options if text in selected]
        else:
            start = "" if field.default is None else f"{field.default}"
            text = st.text_input(label, start, key=f"{key}-values-{name}", help=f"{field.help} Separate with commas.")
            values[name] = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    return {name: texts for name, texts in values.items() if texts}


def _settings(project: "Project", models: Sequence[str]) -> "dict[str, Field]":
    """Return the settings of the models by name, those of the model first."""
    from dlcore import projects

    fields: dict[str, Field] = {}
    for section in ("model", "data", "training"):
        for model in models:
            for field in projects.list_settings(project.slug, model)[section]:
                if field.name != "epochs":
                    fields.setdefault(field.name, field)
    return fields


def _options(field: "Field") -> list[str]:
    """Return the values of a switch or a choice; empty for a number."""
    return ["true", "false"] if field.kind == "bool" else list(field.choices)


def can_train(project: "Project", model: str, *, preset: str) -> bool:
    """Return whether all that the model needs with a preset is on this machine."""
    from dlcore import projects
    from dlcore.projects import registry

    return not registry.missing_downloads(projects.configure(project.slug, model=model, preset=preset))


def _start(
    variants: "Mapping[str, Sequence[RunConfig]]", *, dataset: str, seeds: int, epochs: int, executor: str
) -> None:
    counts = ((len(variants), "variant"), (seeds, "seed"), (epochs, "epoch"))
    size = ", ".join(f"{n} {noun}{'' if n == 1 else 's'}" for n, noun in counts)
    try:
        comparison = comparisons.create(f"{size} on {dataset_title(dataset)}", variants, executor=executor)
    except WorkbenchError as error:
        st.error(error_line(error), icon=":material/error:")
        return
    open_under_results(comparison.comparison_id)


def open_under_results(comparison_id: str) -> None:
    """Open a comparison in Results."""
    st.query_params[ADDRESS] = comparison_id
    st.query_params[OPEN] = "results"
    st.rerun()
