"""Predict a file of many inputs with a finished run."""

import hashlib
import itertools
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlcore.core.errors import DataError, RequestError
from dlcore.data.images.uploads import safe_name
from dlcore.runs.batch.items import BatchJob, photo_job, text_job
from dlcore.runs.batch.output import BatchProgress, PartialTable, check_output
from dlcore.runs.batch.series import forecast_job, score_job
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.inference import open_bundle

if TYPE_CHECKING:
    from dlcore.projects.project import LoadedModel, Project

BatchListener = Callable[[BatchProgress], None]
"""Called after each part of the output."""
BLOCK = 2**20


@dataclass(frozen=True)
class BatchResult:
    """The finished table: its path, its number of rows, of rows with an error, and of flagged ones.

    `flag` is the column that is counted as flagged (`uncertain` or `alarm`); `notes` say how the input was read and
    whether an earlier process was continued.
    """

    path: str
    rows: int
    errors: int
    flag: str
    flagged: int
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the fields as a JSON-serializable dict."""
        return asdict(self)


def predict_file(
    bundle: Bundle, source: Path, output: Path, *, text: str = "", listener: BatchListener | None = None
) -> BatchResult:
    """Write the predictions for all inputs of a file or folder to a table; continue one that was interrupted.

    A classifier of texts reads a table (`text` names the column), one of images a photo, a zip or a folder; an anomaly
    run writes a score per row, a forecast the steps after the end of the file. The ending of `output` selects CSV, JSON
    lines or Parquet. A row that cannot be used has its reason in the column `error`.

    Raises:
        RequestError: The output cannot be written there, the column of the texts has to be named, or the project has no
            predictions of this kind.
        DataError: The input cannot be read.
        StoreError: The disk is full or not writable.
    """
    check_output(output)
    if not source.exists():
        raise DataError(f"{source}: no such file or folder: name one that can be read.")
    if output.exists() and output.samefile(source):
        raise RequestError(f"-o {output}: this is the input: name another file.")
    project, loaded = open_bundle(bundle)
    job = make_job(project, loaded, source, text=text)
    identity = {
        "input": checksum(source),
        "text": text,
        "run": bundle.record.run_id,
        "weights": checksum(bundle.folder / "model.safetensors"),
        "columns": [column.name for column in job.columns],
    }
    table = PartialTable(output, job.columns, identity)
    with table.lock():
        table.open()
        try:
            _run(job, table, listener)
        except DataError:
            table.discard()
            raise
        table.finish()
    done = table.progress
    notes = (*job.notes, *((table.note,) if table.note else ()))
    return BatchResult(str(output), done.rows, done.errors, job.flag, done.flagged, notes)


def predict_uploads(
    bundle: Bundle, files: Iterable[tuple[str, bytes]], *, text: str = "", listener: BatchListener | None = None
) -> tuple[BatchResult, bytes]:
    """Return the table of `predict_file` as CSV, for files in memory by name; several are a folder of photos.

    Raises:
        RequestError, DataError, StoreError: as for `predict_file`.
    """
    with tempfile.TemporaryDirectory(prefix="dlcore-") as place:
        folder, output = Path(place) / "files", Path(place) / "predictions.csv"
        folder.mkdir()
        names: set[str] = set()
        for name, payload in files:
            safe = safe_name(name).lstrip(".") or "file"
            unique = next(each for each in _candidates(safe) if each.lower() not in names)
            names.add(unique.lower())
            (folder / unique).write_bytes(payload)
        source = folder if len(names) != 1 else next(folder.iterdir())
        result = predict_file(bundle, source, output, text=text, listener=listener)
        return result, output.read_bytes()


def _candidates(name: str) -> Iterator[str]:
    """Yield a name, and the same with numbers: `a.png`, `a (2).png`, ..."""
    yield name
    stem, dot, ending = name.rpartition(".")
    for number in itertools.count(2):
        yield f"{stem} ({number}).{ending}" if dot else f"{name} ({number})"


def make_job(project: "Project", loaded: "LoadedModel", source: Path, *, text: str = "") -> BatchJob:
    """Open the input as the project's batches take it.

    Raises:
        RequestError, DataError: as for `predict_file`.
    """
    is_known = project.task.name in ("classification", "sequence to sequence") or project.modality == "series"
    if not is_known:
        raise RequestError(f"'{project.slug}' writes no table of predictions: predict one input at a time, without -o.")
    if text and project.modality != "text":
        raise RequestError(f"--text names a column of texts, and '{project.slug}' reads no texts: leave it out.")
    if source.is_dir() and project.modality != "image":
        raise RequestError(f"{source}: '{project.slug}' takes a file, not a folder: name a table.")
    if project.modality == "text":
        return text_job(project, loaded, source, text=text)
    if project.modality == "image":
        return photo_job(project, loaded, source)
    return forecast_job(project, loaded, source) if project.scorer is None else score_job(project, loaded, source)


def checksum(path: Path) -> str:
    """Return the sha256 of a file, or of the names, sizes and times of the files in a folder."""
    digest = hashlib.sha256()
    if path.is_dir():
        for folder, inner, files in os.walk(path):
            inner.sort()
            for name in sorted(files):
                about = (Path(folder) / name).lstat()
                digest.update(f"{folder}/{name} {about.st_size} {about.st_mtime_ns}\n".encode("utf-8", "replace"))
        return digest.hexdigest()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _run(job: BatchJob, table: PartialTable, listener: BatchListener | None) -> None:
    """Write what is missing of the table, part by part."""
    names = [column.name for column in job.columns]
    error, flag = (names.index(name) if name in names else -1 for name in ("error", job.flag))
    progress = table.progress
    progress.total, progress.unit = job.total, job.unit
    for chunk in job.chunks(progress.rows, table.state):
        progress.rows += len(chunk.rows)
        progress.position = chunk.position
        if error >= 0:
            progress.errors += sum(row[error] is not None for row in chunk.rows)
        if flag >= 0:
            progress.flagged += sum(row[flag] is True for row in chunk.rows)
        table.append(chunk.rows, chunk.state)
        if listener is not None:
            listener(progress)
