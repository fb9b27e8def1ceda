"""Reference runs: bundles that come with the workbench.

Those in `assets/runs/<project>/<model>/` are listed; the runs of a lesson, in
`assets/lessons/<project>/<lesson>/<variant>-<seed>/`, belong to its comparison only. Runs on further datasets, in
`assets/lessons/<project>/datasets/<dataset>-<seed>/`, have no weights and appear in results and tables.
"""

from pathlib import Path

from dlcore.core import settings

PREFIX = "reference:"
DATASETS = "datasets"
"""Folder of the runs on further datasets, in place of a lesson."""


def find(ref: str) -> Path | None:
    """The folder of `reference:<project>/<model>` or `reference:<project>/<lesson>/<variant>-<seed>`; None if it does
    not exist.
    """
    parts = ref.removeprefix(PREFIX).split("/")
    known = every(parts[0]) if len(parts) == 2 else lesson_runs(*parts[:2]) if len(parts) == 3 else []
    return next((path for name, path in known if name == PREFIX + "/".join(parts)), None)


def every(project: str | None = None) -> list[tuple[str, Path]]:
    """Name and folder of every reference run, sorted by name."""
    files = sorted((settings.ASSETS / "runs").glob("*/*/run.json"))
    pairs = [(f"{PREFIX}{path.parent.parent.name}/{path.parent.name}", path.parent) for path in files]
    return [(name, path) for name, path in pairs if project is None or path.parent.name == project]


def on_further_datasets() -> list[tuple[str, Path]]:
    """Name and folder of every run on a further dataset, sorted by name."""
    projects = sorted(path.parent.name for path in (settings.ASSETS / "lessons").glob(f"*/{DATASETS}"))
    return [pair for project in projects for pair in lesson_runs(project, DATASETS)]


def lesson_runs(project: str, lesson: str) -> list[tuple[str, Path]]:
    """Name and folder of every run of a lesson, sorted by name."""
    files = sorted((settings.ASSETS / "lessons").glob("*/*/*/run.json"))
    return [
        (f"{PREFIX}{project}/{lesson}/{path.parent.name}", path.parent)
        for path in files
        if path.parts[-4:-2] == (project, lesson)
    ]
