"""How a run's settings differ from the full recipe of its model, in words: nobody shall take a small one for it."""

from typing import TYPE_CHECKING, Any

from dlcore import runs
from dlcore.core.errors import WorkbenchError

if TYPE_CHECKING:
    from dlcore.projects.project import Project, RunConfig

FULL, QUICK = "full", "quick"
SAID = {
    QUICK: "Under a minute on two cores, to see how it goes",
    FULL: "The recipe behind the reference run",
}
UNSAID = ("precision", "gradient_every", "patience")
"""Settings that make no network another one."""


def describe_preset(project: "Project", model: str, preset: str) -> str:
    """What a preset is, in a line; of the full one also what the reference run was made with instead."""
    if preset != FULL:
        return SAID.get(preset, "")
    shipped = next((run for run in runs.references(project.slug) if run.record.model == model), None)
    if shipped is None:
        return "The full recipe; no reference run of it came along"
    other = differences_from_full(shipped.config)
    return f"The full recipe; the reference run was made with {other}" if other else SAID[FULL]


def differences_from_full(config: "RunConfig") -> str:
    """The settings of model and training that are not those of the full preset, with both values; empty where none."""
    from dlcore import projects

    try:
        full = projects.configure(config.project, model=config.model, dataset=config.dataset, preset=FULL)
    except WorkbenchError:  # no such preset, or a dataset of one's own that was removed
        return ""
    changed = [
        f"{name.replace('_', ' ')} {_said(value)} instead of {_said(usual[name])}"
        for mine, usual in (
            (config.model_options.model_dump(), full.model_options.model_dump()),
            (config.training.model_dump(), full.training.model_dump()),
        )
        for name, value in mine.items()
        if name in usual and value != usual[name] and name not in UNSAID
    ]
    return ", ".join(changed)


def _said(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).replace("_", " ")
