"""Reference runs: bundles that come with the workbench, in `assets/runs/<project>/<model>/`."""

from pathlib import Path

from dlcore.core import settings

PREFIX = "reference:"


def find(ref: str) -> Path | None:
    """The folder of `reference:<project>/<model>`; None if it does not exist."""
    project, _, model = ref.removeprefix(PREFIX).partition("/")
    return next((path for name, path in every() if name == f"{PREFIX}{project}/{model}"), None)


def every(project: str | None = None) -> list[tuple[str, Path]]:
    """Name and folder of every reference run, sorted by name."""
    files = sorted((settings.ASSETS / "runs").glob("*/*/run.json"))
    pairs = [(f"{PREFIX}{path.parent.parent.name}/{path.parent.name}", path.parent) for path in files]
    return [(name, path) for name, path in pairs if project is None or path.parent.name == project]
