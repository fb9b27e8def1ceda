"""Import of custom texts: a CSV or JSON lines with a text and a label column, for classification."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from dlcore.core.config import Config
from dlcore.core.errors import DataError
from dlcore.data.custom import registry
from dlcore.data.custom.importer import Importer, Inspection, Payload, Preview, column
from dlcore.data.repairs import Repairs
from dlcore.data.text.corpora import TextDataset, clean_text, deduplicate
from dlcore.data.text.delimited import decode_file, open_table

BYTES_LIMIT = 64 * 2**20
MAX_ROWS = 200_000
MAX_CHARACTERS = 100_000
"""Maximum characters per text."""
MIN_TEXTS = 5
"""Texts per class, so that each split has some."""
MAX_CLASSES = 200
FILE = "texts.json"
SAMPLES, SAMPLE_LETTERS = 8, 200
TEXT_NAMES = ("text", "review", "sentence", "question", "content", "body", "message", "description", "title")
LABEL_NAMES = ("label", "class", "category", "sentiment", "target", "topic", "type")
"""Column names that are guessed, the first match wins."""

Row = dict[str, str]


class TextOptions(Config):
    """Columns of texts and labels."""

    text: str = column("The text column.")
    label: str = column("The label column: the class of each text.")


@dataclass(frozen=True)
class ValidatedTexts:
    """Cleaned texts, class numbers (N,) int64, and class names."""

    texts: list[str]
    labels: np.ndarray
    names: tuple[str, ...]


def open_file(payload: Payload, repairs: Repairs) -> str:
    """Decode a file.

    Raises:
        DataError: The file is too large or not UTF-8 text.
    """
    return decode_file(cast(bytes, payload), limit=BYTES_LIMIT, expected="CSV or JSON lines")


def inspect(content: str) -> Inspection:
    """List the columns of the first row and guess which hold texts and labels.

    Raises:
        DataError: The first row cannot be read.
    """
    first = next(_read_rows(content), (0, Row()))[1]
    guesses = {"text": _match(first, TEXT_NAMES), "label": _match(first, LABEL_NAMES)}
    return Inspection(tuple(first), {option: name for option, name in guesses.items() if name})


def validate(content: str, options: TextOptions, repairs: Repairs) -> Preview[ValidatedTexts]:
    """Check every row.

    Raises:
        DataError: Names the line, column and reason.
    """
    texts, labels, (text, label) = _read_texts(_read_rows(content), options)
    counts = Counter(labels)
    if not 2 <= len(counts) <= MAX_CLASSES:
        raise DataError(f"column '{label[:40]}' has {len(counts):,} different labels; expected 2 to {MAX_CLASSES}.")
    _check_class_sizes(texts, labels, counts)
    names = tuple(sorted(counts))
    number = {name: k for k, name in enumerate(names)}
    data = ValidatedTexts(texts, np.array([number[name] for name in labels], dtype=np.int64), names)
    return Preview(
        kind="text",
        data=data,
        rows=len(texts),
        checksum=hashlib.sha256(_encode(data)).hexdigest(),
        facts={"classes": list(names), "text": text, "label": label},
        columns=names,
        guesses={"text": text, "label": label},
        summary=(("Texts", f"{len(texts):,}", ""), ("Classes", str(len(names)), "")),
        samples=tuple(
            {"Text": text[:SAMPLE_LETTERS], "Label": label}
            for text, label in zip(texts[:SAMPLES], labels[:SAMPLES], strict=True)
        ),
    )


def load(name: str, *, checksum: str = "") -> TextDataset:
    """Load saved texts without duplicates.

    Raises:
        DataError: The dataset is missing, or has another checksum.
    """
    entry = registry.require(name, "text", checksum=checksum)
    saved = json.loads((entry.folder / FILE).read_text(encoding="utf-8"))
    labels = np.array(saved["labels"], dtype=np.int64)
    return deduplicate(saved["texts"], labels, tuple(saved["names"]), checksum=entry.checksum)


def _check_class_sizes(texts: list[str], labels: list[str], counts: Counter[str]) -> None:
    first: dict[str, str] = {}
    for text, label in zip(texts, labels, strict=True):
        first.setdefault(text.lower(), label)
    distinct = Counter(first.values())  # a duplicate text is used once
    rarest, count = min(((name, distinct[name]) for name in counts), key=lambda pair: (pair[1], pair[0]))
    if count < MIN_TEXTS:
        duplicates = " (duplicate texts are not counted)" if counts[rarest] > count else ""
        raise DataError(
            f"label '{rarest[:40]}' has {count} texts{duplicates}; each label needs at least {MIN_TEXTS}: add texts, "
            "or merge labels."
        )


def _read_rows(content: str) -> Iterator[tuple[int, Row]]:
    return _read_json_lines(content) if content.lstrip()[:1] == "{" else _read_table(content)


def _read_json_lines(content: str) -> Iterator[tuple[int, Row]]:
    for number, line in enumerate(content.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(f"line {number} is not JSON ({str(error)[:60]}); expected one object per line.") from None
        if not isinstance(row, dict):
            raise DataError(f'line {number} is not an object such as {{"text": "...", "label": "..."}}.')
        yield number, {str(key): _as_text(value) for key, value in row.items()}


def _as_text(value: object) -> str:
    """Convert a JSON scalar to text; null, lists and objects become an empty text."""
    return "" if value is None or isinstance(value, list | dict) else str(value)


def _read_table(content: str) -> Iterator[tuple[int, Row]]:
    table = open_table(content, cell_limit=2 * MAX_CHARACTERS)
    if len(set(table.header)) != len(table.header):
        raise DataError("two columns have the same name: rename one of them in line 1.")
    for line, cells in table.rows():
        yield line, dict(zip(table.header, cells, strict=True))


def _read_texts(rows: Iterator[tuple[int, Row]], options: TextOptions) -> tuple[list[str], list[str], tuple[str, str]]:
    texts, labels, columns = [], [], ("", "")
    for line, row in rows:
        if not columns[0]:
            columns = _choose_columns(row, options)
        text, label = (_read_cell(row, name, line) for name in columns)
        if len(text) > MAX_CHARACTERS:
            raise DataError(f"line {line}: the text has {len(text):,} characters; up to {MAX_CHARACTERS:,} are read.")
        texts.append(text)
        labels.append(label[:80])
        if len(texts) > MAX_ROWS:
            raise DataError(f"the file has more than {MAX_ROWS:,} rows: shorten it.")
    if not texts:
        raise DataError("the file has no row with a text: expected a header with a text and a label column, then rows.")
    return texts, labels, columns


def _read_cell(row: Row, name: str, line: int) -> str:
    if name not in row:
        raise DataError(f"line {line} has no '{name[:40]}'.")
    value = clean_text(row[name])
    if not value:
        raise DataError(f"line {line}, column '{name[:40]}': it is empty or not text. Fill it in or remove the row.")
    return value


def _choose_columns(row: Row, options: TextOptions) -> tuple[str, str]:
    known = ", ".join(f"'{name[:30]}'" for name in list(row)[:12]) or "none"
    columns = []
    for role, requested, candidates in (("text", options.text, TEXT_NAMES), ("label", options.label, LABEL_NAMES)):
        if requested and requested not in row:
            raise DataError(f"there is no column '{requested[:40]}': the columns are {known}.")
        name = requested or _match(row, candidates)
        if not name:
            raise DataError(
                f"which column is the {role}? The columns are {known}: rename one to '{role}', or choose it with "
                f"--{role}. A file without a header needs one in line 1."
            )
        columns.append(name)
    return columns[0], columns[1]


def _match(row: Row, candidates: tuple[str, ...]) -> str:
    lower = {name.lower(): name for name in row}
    return next((lower[name] for name in candidates if name in lower), "")


def _encode(data: ValidatedTexts) -> bytes:
    content = {"texts": data.texts, "labels": data.labels.tolist(), "names": data.names}
    return json.dumps(content, ensure_ascii=False).encode()


def _write(data: ValidatedTexts, folder: Path) -> None:
    (folder / FILE).write_bytes(_encode(data))


IMPORTER = Importer[ValidatedTexts](
    kind="text",
    title="texts",
    summary="A CSV or JSON lines (one object per line) with a text and a label column.",
    unit="texts",
    suffixes=("csv", "tsv", "jsonl", "ndjson", "txt"),
    byte_limit=BYTES_LIMIT,
    options=TextOptions,
    open=open_file,
    inspect=inspect,
    validate=validate,
    write=_write,
    load=load,
    limits=(f"{MAX_ROWS:,} texts", f"{MAX_CLASSES} classes"),
)
