"""Choice and description of presets, and how the settings of a run differ from the full preset of its model."""

from typing import TYPE_CHECKING, Any

from dlcore import runs
from dlcore.core.errors import WorkbenchError
from dlcore.ui.widgets.choice import choose

if TYPE_CHECKING:
    from dlcore.projects.project import Project, RunConfig

FULL, QUICK = "full", "quick"
DESCRIPTIONS = {
    QUICK: "Under a minute on two cores",
    FULL: "The settings of the reference run",
}
IGNORED = ("precision", "gradient_every", "patience")
"""Settings that do not change the model or its optimization."""


def choose_preset(project: "Project", *, key: str, label: str = "Preset", help: str | None = None) -> str:
    """Draw the presets of a project and return the selected one."""
    return choose(
        label,
        project.presets,
        key=key,
        format_func=str.capitalize,
        in_url=False,
        show_label=True,
        width="stretch",
        help=help,
    )


def describe_preset(project: "Project", model: str, preset: str, *, epochs: int = 0) -> str:
    """Return what a preset is, in one line; for the full one also how the reference run differs.

    `epochs` are those of the quick preset on a custom dataset, which depend on its size.
    """
    if preset == QUICK and epochs:
        return f"{DESCRIPTIONS[QUICK]}: up to {epochs} epochs, from the number of rows"
    if preset != FULL:
        return DESCRIPTIONS.get(preset, "")
    reference = next((run for run in runs.references(project.slug) if run.record.model == model), None)
    if reference is None:
        return "All settings at full size; there is no reference run"
    differences = differences_from_full(reference.config)
    return f"All settings at full size; the reference run has {differences}" if differences else DESCRIPTIONS[FULL]


def differences_from_full(config: "RunConfig") -> str:
    """Return the settings of model and training that differ from the full preset, with both values; empty if none."""
    from dlcore import projects

    try:
        full = projects.configure(config.project, model=config.model, dataset=config.dataset, preset=FULL)
    except WorkbenchError:  # no such preset, or a deleted custom dataset
        return ""
    changed = [
        f"{name.replace('_', ' ')} {_format(value)} instead of {_format(preset[name])}"
        for settings, preset in (
            (config.model_options.model_dump(), full.model_options.model_dump()),
            (config.training.model_dump(), full.training.model_dump()),
        )
        for name, value in settings.items()
        if name in preset and value != preset[name] and name not in IGNORED
    ]
    return ", ".join(changed)


def _format(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).replace("_", " ")
