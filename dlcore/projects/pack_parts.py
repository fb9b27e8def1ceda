"""What packs add to a project: models and datasets."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from dlcore.core import packs
from dlcore.core.packs import PackEntry
from dlcore.data.sources.dataset import PackDataset
from dlcore.data.sources.registry import DATASETS
from dlcore.projects.project import ModelEntry, Project

MODELS: packs.Registry[ModelEntry] = packs.Registry("dlcore.models", {}, ModelEntry)
"""Models of packs, as `<project>.<model>`."""
FUNCTIONS = ("prepare", "baselines", "answer", "answer_many", "explain", "scorer")
"""Functions of a pack's project whose errors name the pack."""
_extended: dict[str, tuple[tuple[Any, ...], Project]] = {}


def check_project(name: str, project: Project) -> str:
    """Return what keeps a pack's project out of the registry, or an empty text."""
    return "" if project.slug == name else f"the slug of the project is '{project.slug}'"


def extend(project: Project, entry: PackEntry | None = None) -> Project:
    """Return the project with the models and datasets of packs; `entry` is that of a project of a pack."""
    models = MODELS.packs(f"{project.slug}.")
    datasets = [(part, each) for part, each in DATASETS.packs().values() if _suits(each, project)]
    if not models and not datasets and entry is None:
        return project
    key = (project.models, project.datasets, *(part for part, _ in (*models.values(), *datasets)))
    before, extended = _extended.get(project.slug, ((), project))
    if len(before) == len(key) and all(a is b for a, b in zip(before, key, strict=True)):
        return extended
    added = {}
    for name, (part, model) in models.items():
        short = name.partition(".")[2]
        if short in project.models:
            packs.add_fault(part, f"the name '{name}' belongs to {'the workbench' if entry is None else 'the project'}")
        else:
            added[short] = replace(model, build=packs.guard(part, model.build))
    names = [each.name for _, each in datasets if each.name not in project.datasets]
    extended = replace(project, models={**project.models, **added}, datasets=(*project.datasets, *names))
    if entry is not None:
        functions: Any = {name: _guard(entry, getattr(project, name)) for name in FUNCTIONS}
        extended = replace(extended, **functions)
    _extended[project.slug] = key, extended
    return extended


def _suits(dataset: Any, project: Project) -> bool:
    return isinstance(dataset, PackDataset) and project.slug in dataset.projects


def _guard(entry: PackEntry, call: Callable[..., Any] | None) -> Callable[..., Any] | None:
    return None if call is None else packs.guard(entry, call)
