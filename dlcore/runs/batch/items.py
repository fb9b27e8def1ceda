"""Batches of texts and photos: one row of the output per row of the table or photo, in their order."""

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlcore.core.errors import DataError, RequestError, one_line
from dlcore.data.custom.text_columns import LABEL_NAMES, TEXT_NAMES
from dlcore.data.images import archives, uploads
from dlcore.data.images.files import MAX_BYTES, open_image
from dlcore.data.tabular.stream import TableStream, open_stream
from dlcore.projects.project import LoadedModel, Project
from dlcore.runs.batch.output import Cells, Column

TEXTS, PHOTOS = 1024, 16
"""Inputs of one part of the output."""
CLASSES = (
    Column("label"),
    Column("probability", "float"),
    Column("second_label"),
    Column("second_probability", "float"),
    Column("uncertain", "bool"),
)
SEQUENCES = (Column("input"), Column("output"), Column("probability", "float"))
SOURCE_NAMES = ("source", "input", "from", *TEXT_NAMES)
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True)
class BatchPart:
    """Rows of the output, how far the input is read, and what is needed to continue after them."""

    rows: list[Cells]
    position: int
    state: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class BatchJob:
    """A batch that is ready to run.

    `chunks` yields the output after the first rows, which are done, and the state that was stored with them; `flag` is
    the column that is counted (uncertain, alarm). `total` is the length of the input in `unit`.
    """

    columns: tuple[Column, ...]
    total: int
    unit: str
    chunks: Callable[[int, Mapping[str, Any] | None], Iterator[BatchPart]]
    flag: str = ""
    notes: tuple[str, ...] = ()


def text_job(project: Project, loaded: LoadedModel, path: Path, *, text: str = "") -> BatchJob:
    """The job of a table of texts; `text` names their column.

    Raises:
        RequestError: The column of the texts has to be named.
        DataError: The file is not a table.
    """
    stream = open_table(path)
    column = choose_text_column(stream.columns, text, names=SOURCE_NAMES if _is_pairs(project) else TEXT_NAMES)

    def chunks(done: int, state: Mapping[str, Any] | None) -> Iterator[BatchPart]:
        rows = itertools.islice(stream.rows([column]), done, None)
        while part := list(itertools.islice(rows, TEXTS)):
            payloads = [row.cells[0].encode("utf-8", "replace") for row in part if not row.error]
            answers = iter(_answer_many(project, loaded, payloads))
            cells = [_row(project, row.number, DataError(row.error) if row.error else next(answers)) for row in part]
            yield BatchPart(cells, part[-1].position)

    return BatchJob(
        (Column("row", "int"), *_columns(project)), stream.total, stream.unit, chunks, "uncertain", stream.notes
    )


def open_table(path: Path) -> TableStream:
    """Open a table of texts; each line of a .txt file is one.

    Raises:
        DataError: The file is not a table.
    """
    return open_stream(path, lines=path.suffix.lower() == ".txt")


def first_rows(path: Path, count: int) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the columns of a table of texts and its first usable rows.

    Raises:
        DataError: The file is not a table.
    """
    stream = open_table(path)
    rows = (row.cells for row in stream.rows(stream.columns) if not row.error)
    return stream.columns, list(itertools.islice(rows, count))


def choose_text_column(columns: Sequence[str], text: str = "", *, names: Sequence[str] = TEXT_NAMES) -> str:
    """Return the column of the texts: the named one, the only one without labels, or one with a usual name.

    Raises:
        RequestError: There is no such column, or no single candidate; lists the columns.
    """
    known = ", ".join(f"'{name[:40]}'" for name in columns[:20])
    if text:
        if text not in columns:
            raise RequestError(f"--text {text[:40]}: there is no such column; the columns are {known}.")
        return text
    lower = {name.lower(): name for name in reversed(columns)}
    usual = next((lower[name] for name in names if name in lower), "")
    unlabeled = [name for name in columns if name.lower() not in LABEL_NAMES]
    if not usual and len(unlabeled) != 1:
        raise RequestError(f"which column holds the texts? Name it with --text: the columns are {known}.")
    return usual or unlabeled[0]


def photo_job(project: Project, loaded: LoadedModel, path: Path) -> BatchJob:
    """The job of one photo, a zip or a folder of photos, subfolders included.

    Raises:
        DataError: The file or folder cannot be read, or has no file.
    """
    if path.is_dir() or _starts_with(path, _ZIP):
        with archives.open_source(path) as source:
            entries = list(source.files())
    else:
        with open_image(path.read_bytes()[: MAX_BYTES + 1]):  # a single file that is no photo is refused
            entries = [(path.name, path.stat().st_size, "")]
    if not entries:
        raise DataError(f"{path} has no file: name a photo, or a folder or zip of photos.")

    def chunks(done: int, state: Mapping[str, Any] | None) -> Iterator[BatchPart]:
        with _open(path) as read:
            for start in range(done, len(entries), PHOTOS):
                part = entries[start : start + PHOTOS]
                cells = [
                    _row(project, _printable(entry[0]), _answer_photo(project, loaded, read(*entry))) for entry in part
                ]
                yield BatchPart(cells, start + len(part))

    return BatchJob((Column("file"), *_columns(project)), len(entries), "photos", chunks, _flag(project))


Upload = uploads.Photo | uploads.RejectedUpload


@contextlib.contextmanager
def _open(path: Path) -> Iterator[Callable[[str, int, str], Upload]]:
    """Open the photos of a folder, zip or file for reading by name, size and reason of rejection."""
    if path.is_dir() or _starts_with(path, _ZIP):
        with archives.open_source(path) as source:
            yield lambda name, size, reason: uploads.read_entry(source, name, size, reason)
    else:
        yield lambda name, size, reason: next(iter(uploads.read_uploads([(name, path.read_bytes())])))


def _answer_photo(project: Project, loaded: LoadedModel, upload: Upload) -> dict[str, Any] | DataError:
    if isinstance(upload, uploads.RejectedUpload):
        return DataError(upload.reason)
    return _answer(project, loaded, upload.payload)


def _answer_many(
    project: Project, loaded: LoadedModel, payloads: Sequence[bytes]
) -> Sequence[dict[str, Any] | DataError]:
    if project.answer_many is not None:
        return project.answer_many(loaded, payloads)
    return [_answer(project, loaded, payload) for payload in payloads]


def _answer(project: Project, loaded: LoadedModel, payload: bytes) -> dict[str, Any] | DataError:
    try:
        return project.answer(loaded, payload)
    except DataError as error:
        return error


def _is_pairs(project: Project) -> bool:
    return "pairs" in project.custom_data


def _columns(project: Project) -> tuple[Column, ...]:
    return (*(SEQUENCES if _is_pairs(project) else CLASSES), Column("error"))


def _flag(project: Project) -> str:
    return "" if _is_pairs(project) else "uncertain"


def _row(project: Project, place: int | str, answer: dict[str, Any] | DataError) -> Cells:
    """Cells of one input: those of its answer, or empty ones and the error."""
    if isinstance(answer, DataError):
        return (place, *(None,) * (len(_columns(project)) - 1), one_line(answer))
    if _is_pairs(project):
        return (place, answer["source"], answer["answer"], shorten(answer["probability"]), None)
    label, probabilities = answer["label"], answer["probabilities"]
    second = next((name for name in probabilities if name != label), None)
    best = None if second is None else shorten(probabilities[second])
    return (place, label, shorten(answer["probability"]), second, best, answer["uncertain"], None)


def shorten(value: float) -> float:
    """Round to nine significant digits."""
    return float(f"{value:.9g}")


def _starts_with(path: Path, magic: bytes) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(magic)) == magic
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}: name a file that can be read.") from None


def _printable(name: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in name)
