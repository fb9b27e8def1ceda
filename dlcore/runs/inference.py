"""Predict and explain with a finished run: one path for pages, command line and Python."""

import functools
import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlcore.core.errors import DataError, RequestError
from dlcore.data.tabular.read import SUFFIXES
from dlcore.data.tabular.stream import open_stream
from dlcore.runs.bundle.reader import Bundle

if TYPE_CHECKING:
    from dlcore.projects.project import LoadedModel, Project

TABLES = tuple(ending for ending in SUFFIXES if ending != "txt")
"""Endings of files that hold a table; a .txt file is one text."""
COUNTED = 10_000
"""Rows that are counted before a table is refused as one text."""


def predict(bundle: Bundle, source: bytes | Path | str, *, whole: bool = False, baseline: str = "") -> dict[str, Any]:
    """Prediction of a finished run for one input, as a JSON-able dict.

    A classifier returns `label`, `probability`, `probabilities` (calibrated), `uncertain` and `temperature`; other
    projects return what their page shows.

    source: bytes or the path of a CSV, image or text file, as the project takes it. A str that names an existing file
        is read as a file; otherwise it is the text itself where the project takes texts.
    whole: read a table of several rows as one text.
    baseline: the stored baseline that predicts instead of the network; see `list_baselines`.

    Raises:
        RunError: the bundle cannot be read.
        DataError: the file cannot be read or does not suit the model.
        RequestError: a str names no file and the project takes no text, a table of several rows is not
            one text, or the run stores no such baseline.
    """
    project, loaded = open_bundle(bundle)
    payload = read_source(project, source)
    if project.modality == "text" and not whole and not isinstance(source, bytes) and _is_file(str(source)):
        _check_single(Path(source))
    return answer_with(baseline, bundle, project, loaded, payload) if baseline else project.answer(loaded, payload)


def _check_single(path: Path) -> None:
    """Check that a file is one text, not a table of texts.

    Raises:
        RequestError: it is a table of several rows.
    """
    if path.suffix.lower().removeprefix(".") not in TABLES:
        return
    try:
        stream = open_stream(path)
        rows = list(itertools.islice(stream.rows(stream.columns), COUNTED + 1))
    except DataError:
        return  # not a table: the text itself
    if len(rows) > 1:
        number = f"{len(rows):,}" if len(rows) <= COUNTED else f"more than {COUNTED:,}"
        raise RequestError(
            f"{path} has {number} rows: write a table of predictions with -o OUT.csv, or read it as one text with "
            "--whole."
        )


def list_baselines(bundle: Bundle) -> list[str]:
    """Names of the baselines of a run that can predict."""
    from dlcore import projects

    usable = projects.get(bundle.config.project).usable_baselines
    return [name for name in bundle.baselines() if name in usable]


def answer_with(
    baseline: str, bundle: Bundle, project: "Project", loaded: "LoadedModel", payload: bytes
) -> dict[str, Any]:
    """Prediction of a stored baseline for one input.

    Raises:
        RequestError: the run stores no such baseline.
        DataError: as for `predict`.
    """
    names = list_baselines(bundle)
    if baseline not in names:
        raise RequestError(
            f"this run stores no baseline '{baseline[:60]}' that can predict: it has {', '.join(names) or 'none'}."
        )
    return project.usable_baselines[baseline].answer(loaded, bundle.baselines()[baseline], payload)


def explain(bundle: Bundle, source: bytes | Path | str, *, method: str = "", target: str = "") -> dict[str, Any]:
    """Explain the prediction of a finished run for one input, as a JSON-able dict.

    `checks` lists the sanity checks of the explanation, each with `name`, `status` and `sentence`; the rest depends on
    the project's modality.

    source: as for `predict`.
    method: one of `methods` in the result; the project's default if empty.
    target: the class, or the variable of a forecast, to explain; the predicted one if empty.

    Raises:
        RequestError: the project offers no explanation, or it has no such method or target.
        RunError, DataError: as for `predict`.
    """
    project, loaded = open_bundle(bundle)
    if project.explain is None:
        raise RequestError(f"'{project.slug}' offers no explanation here: open its Explain panel in the app.")
    return project.explain(loaded, read_source(project, source), method, target)


def read_source(project: "Project", source: bytes | Path | str) -> bytes:
    """The bytes of one input, at most a little more than the project accepts: the project then says that it is too
    long."""
    if isinstance(source, bytes):
        return source
    if isinstance(source, str):
        if not _is_file(source):
            if project.modality == "text":
                return source.encode("utf-8", "replace")
            raise RequestError(f"{source[:80]!r} is not a file: name a file that '{project.slug}' can read.")
        source = Path(source)
    try:
        with source.open("rb") as file:
            return file.read(project.input_limit + 1)
    except OSError as error:
        raise DataError(f"{source}: {error.strerror or error}: name a file that can be read.") from None


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # longer than a path can be
        return False


def open_bundle(bundle: Bundle) -> "tuple[Project, LoadedModel]":
    """Return the project and the model of a bundle; the model of the run used last is cached."""
    from dlcore import projects

    return projects.get(bundle.config.project), _load(bundle.folder, (bundle.folder / "run.json").stat().st_mtime_ns)


@functools.lru_cache(maxsize=1)
def _load(folder: Path, modified_ns: int) -> "LoadedModel":
    """Return the model of the run used last; the time is part of the key because a resumed run replaces its bundle."""
    return Bundle(folder).load()
