"""The `realdata` marks of tests that run once for each project."""

import functools

import pytest

from dlcore import projects
from dlcore.data.sources import locate


@functools.cache
def ships(name: str) -> bool:
    """Whether a dataset comes with the app, with a package that it installs, or is generated."""
    dataset = locate.get_dataset(name)
    return dataset.asset or dataset.synthetic or bool(dataset.module)


def marks_of(slug: str) -> tuple[pytest.MarkDecorator, ...]:
    """`realdata` if none of a project's datasets ships; it names one that is available, or the first."""
    names = projects.get(slug).datasets
    if any(ships(name) for name in names):
        return ()
    return (pytest.mark.realdata(next((name for name in names if locate.is_available(name)), names[0])),)
