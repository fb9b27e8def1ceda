"""Batches of series: the score and alarm of every row, and the forecast after the end of a file."""

import csv
import io
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlcore.core.errors import DataError
from dlcore.data.series.series import Series, read_csv
from dlcore.data.series.tables import read_columns
from dlcore.data.tabular.read import BYTES_LIMIT
from dlcore.data.tabular.stream import StreamedRow, TableStream, open_stream
from dlcore.projects.project import LoadedModel, Project
from dlcore.runs.batch.items import BatchJob, BatchPart, shorten
from dlcore.runs.batch.output import Cells, Column

ROWS = 16_384
"""Points of one part of the output."""
PROBE = 500
"""First rows, from which the columns are found."""
FORECAST = (
    Column("time"),
    Column("variable"),
    Column("forecast", "float"),
    Column("low", "float"),
    Column("high", "float"),
    Column("unit"),
)
Part = tuple[np.ndarray, np.ndarray, int]
"""Times (n,), values (n,) or (n, V), and how far the file is read."""


@dataclass(frozen=True)
class SeriesFile:
    """A series in parts of `ROWS` points: its first time and step in milliseconds, its length in points, and the
    receipt of its repairs."""

    start: int
    step_ms: int
    points: int
    total: int
    unit: str
    parts: Callable[[int], Iterator[Part]]
    receipt: tuple[str, ...] = ()


def score_job(project: Project, loaded: LoadedModel, path: Path) -> BatchJob:
    """The job of an anomaly run.

    Raises:
        DataError: The file is not a series; names the row, column and the next step.
    """
    names = tuple(loaded.preprocessing.get("columns", ()))
    series = _whole(path, lambda content: read_columns(content, names)) if names else open_series(path)
    needed = int(loaded.facts["window"])
    if series.points < needed:
        raise DataError(
            f"row {series.points + 1}: the file ends after {series.points} points; this model needs {needed}."
        )
    limit = float(loaded.threshold or 0.0)
    assert project.scorer is not None
    scorer = project.scorer

    def chunks(done: int, state: Mapping[str, Any] | None) -> Iterator[BatchPart]:
        scores = scorer(loaded, series.step_ms)
        if state is not None:
            scores.restore(state)
        for times, values, position in series.parts(done):
            errors = scores.score(times, values)
            yield BatchPart(score_rows(times, values, errors, limit), position, scores.state())

    return BatchJob(score_columns(names), series.total, series.unit, chunks, "alarm", series.receipt)


def score_columns(names: Sequence[str] = ()) -> tuple[Column, ...]:
    """The columns of `score_rows`; `names` are those of a table."""
    values = [Column(name, "float") for name in names or ("value",)]
    return (Column("time"), *values, Column("score", "float"), Column("alarm", "bool"))


def score_rows(times: np.ndarray, values: np.ndarray, scores: np.ndarray, threshold: float) -> list[Cells]:
    """Rows of `score_columns` from times (n,) in epoch milliseconds, values (n,) or (n, V) and scores (n,)."""
    short = [shorten(score) for score in scores.tolist()]
    columns = values.reshape(len(values), -1).T.tolist()
    return list(zip(_format_times(times), *columns, short, (scores > threshold).tolist(), strict=True))


def forecast_job(project: Project, loaded: LoadedModel, path: Path) -> BatchJob:
    """The job of a forecast run: each step after the end of the file, by variable, with its 90 % interval.

    Raises:
        DataError: The file has not the model's columns, or is too short.
    """
    answer = project.answer(loaded, _read(path))
    rows = forecast_rows(answer)

    def chunks(done: int, state: Mapping[str, Any] | None) -> Iterator[BatchPart]:
        if not done:
            yield BatchPart(list(rows), len(rows))

    notes = (*([answer["note"]] if answer["note"] else []), *answer["receipt"])
    return BatchJob(FORECAST, len(rows), "rows", chunks, notes=notes)


def forecast_rows(answer: Mapping[str, Any]) -> list[Cells]:
    """Rows of `FORECAST` from the answer of a forecast run."""
    rows: list[Cells] = []
    for step, moment in enumerate(_format_times(np.array(answer["times"], np.int64))):
        for name, values in answer["forecast"].items():
            ends = (answer["low"][name][step], answer["high"][name][step])
            numbers = [None if value is None else shorten(value) for value in (values[step], *ends)]
            rows.append((moment, name, *numbers, answer["units"][name]))
    return rows


def open_series(path: Path) -> SeriesFile:
    """Open a series: row by row if its rows are even and its times plain, else as a whole with its repairs.

    Raises:
        DataError: It is not a series; names the row, column and the next step.
    """
    stream = open_stream(path)
    columns = _find_columns(stream)
    even = None if columns is None else _measure(stream, columns)
    if columns is None or even is None:
        return _whole(path)
    start, step, points = even

    def parts(done: int) -> Iterator[Part]:
        rows = itertools.islice(stream.rows(columns), done, None)
        while batch := list(itertools.islice(rows, ROWS)):
            parsed = _parse(batch)
            assert parsed is not None  # checked by `_measure`
            yield *parsed, batch[-1].position

    return SeriesFile(start, step, points, stream.total, stream.unit, parts)


def _whole(path: Path, read: Callable[[bytes], Series] = read_csv) -> SeriesFile:
    """Read a series into memory, as the pages do.

    Raises:
        DataError: It is not a series, or longer than the limit of the reader.
    """
    series = read(_read(path))
    values = series.values if series.columns is None else series.columns

    def parts(done: int) -> Iterator[Part]:
        for start in range(done, len(series.times), ROWS):
            stop = min(start + ROWS, len(series.times))
            yield series.times[start:stop], values[start:stop], stop

    points = len(series.times)
    return SeriesFile(int(series.times[0]), series.step_ms, points, points, "rows", parts, series.receipt)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(BYTES_LIMIT + 1)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}: name a file that can be read.") from None


def _find_columns(stream: TableStream) -> tuple[str, str] | None:
    """Return the columns of time and value that the reader of series finds in the first rows; None if not certain."""
    rows = list(itertools.islice(stream.rows(stream.columns), PROBE))
    if any(row.error for row in rows):
        return None
    text = io.StringIO(newline="")
    csv.writer(text).writerows([stream.columns, *(row.cells for row in rows)])
    try:
        series = read_csv(text.getvalue().encode("utf-8", "replace"))
    except DataError:
        return None
    cells = dict(zip(stream.columns, zip(*(row.cells for row in rows), strict=True), strict=True))
    times = [name for name in stream.columns if _equal(_parse_times(cells[name]), series.times)]
    values = [name for name in stream.columns if _equal(_parse_values(cells[name]), series.values)]
    return (times[0], values[0]) if len(times) == 1 and len(values) == 1 else None


def _measure(stream: TableStream, columns: tuple[str, str]) -> tuple[int, int, int] | None:
    """Return first time, step and number of points; None if a row is unusable or the step changes."""
    rows, points = stream.rows(columns), 0
    start = step = last = 0
    while batch := list(itertools.islice(rows, ROWS)):
        parsed = _parse(batch)
        if parsed is None:
            return None
        times = parsed[0]
        if not points:
            start, step = int(times[0]), int(times[1] - times[0]) if len(times) > 1 else 0
            last = start - step
        if step <= 0 or (np.diff(times, prepend=last) != step).any():
            return None
        last, points = int(times[-1]), points + len(times)
    return (start, step, points) if points else None


def _parse(rows: list[StreamedRow]) -> tuple[np.ndarray, np.ndarray] | None:
    if any(row.error for row in rows):
        return None
    moments, numbers = zip(*(row.cells for row in rows), strict=True)
    times, values = _parse_times(moments), _parse_values(numbers)
    return None if times is None or values is None else (times, values)


def _parse_times(cells: tuple[str, ...]) -> np.ndarray | None:
    """Parse local times in ISO 8601 to epoch milliseconds (n,); None if a cell is anything else."""
    if any(
        len(cell) < 10 or cell[4] != "-" or cell[-1] in "zZ" or cell[10:].count("-") or "+" in cell for cell in cells
    ):
        return None
    try:
        return np.array(cells, "datetime64[ms]").astype(np.int64)
    except ValueError:
        return None


def _parse_values(cells: tuple[str, ...]) -> np.ndarray | None:
    """Parse finite numbers (n,); None if a cell is anything else."""
    try:
        values = np.array([float(cell) for cell in cells])
    except ValueError:
        return None
    return values if (np.abs(values) <= 1e15).all() else None


def _equal(parsed: np.ndarray | None, expected: np.ndarray) -> bool:
    return parsed is not None and np.array_equal(parsed, expected)


def _format_times(times: np.ndarray) -> list[str]:
    """Format epoch milliseconds as `2014-07-01 00:30:00`, with milliseconds where there are any."""
    texts = np.datetime_as_string(times.astype("datetime64[ms]"), unit="ms")
    return [str(text).replace("T", " ").removesuffix(".000") for text in texts]
