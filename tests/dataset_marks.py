"""The `realdata` marks of tests that run once for each project or model."""

import functools

import pytest

from dlcore import projects
from dlcore.data.sources import locate


@functools.cache
def ships(name: str) -> bool:
    """Whether a dataset comes with the app, with a package that it installs, or is generated."""
    dataset = locate.get_dataset(name)
    return dataset.asset or dataset.synthetic or bool(dataset.module)


def marks_of(slug: str, model: str = "") -> tuple[pytest.MarkDecorator, ...]:
    """`realdata` if none of a project's datasets ships, or a file that training the model needs does not.

    Of several datasets it names one that is available, or the first.
    """
    project = projects.get(slug)
    names = () if any(ships(name) for name in project.datasets) else (_available(project.datasets),)
    if model:
        needs = project.needs(projects.configure(slug, model=model, preset="quick"))
        names += tuple(name for name in needs if name in locate.DATASETS and not ships(name))
    return (pytest.mark.realdata(*names),) if names else ()


def _available(names: tuple[str, ...]) -> str:
    return next((name for name in names if locate.is_available(name)), names[0])
