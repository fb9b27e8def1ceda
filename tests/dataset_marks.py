"""`realdata` marks of tests that are parametrized by project or model."""

import functools

import pytest

from dlcore import projects
from dlcore.data.sources import locate


@functools.cache
def ships(name: str) -> bool:
    """Return whether a dataset is packaged, comes with a dependency, or is generated."""
    dataset = locate.get_dataset(name)
    return dataset.asset or dataset.synthetic or bool(dataset.module)


def marks_of(slug: str, model: str = "") -> tuple[pytest.MarkDecorator, ...]:
    """Return `realdata` if no dataset of a project ships, or a file that the model needs does not.

    Of several datasets, the mark names one that is available, or the first.
    """
    project = projects.get(slug)
    names = () if any(ships(name) for name in project.datasets) else (_available(project.datasets),)
    if model:
        needs = project.needs(projects.configure(slug, model=model, preset="quick"))
        names += tuple(name for name in needs if not ships(name))
    return (pytest.mark.realdata(*names),) if names else ()


def _available(names: tuple[str, ...]) -> str:
    return next((name for name in names if locate.is_available(name)), names[0])
