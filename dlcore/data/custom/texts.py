"""Texts of one's own: a CSV or JSON lines with a text and a label column, checked row by row before it is kept."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlcore.core.errors import DataError
from dlcore.data.custom import registry as own
from dlcore.data.custom.registry import CustomDataset
from dlcore.data.sources import locate as sources
from dlcore.data.text import delimited
from dlcore.data.text.corpora import TextDataset, clean_text, deduplicate

BYTES_LIMIT = 64 * 2**20
ROWS_LIMIT = 200_000
LETTERS_LIMIT = 100_000
"""Of one text."""
FEWEST = 5
"""Texts that a class must have, so that each part gets some."""
MOST_CLASSES = 200
KEPT = "texts.json"
TEXT_NAMES = ("text", "review", "sentence", "question", "content", "body", "message", "description", "title")
LABEL_NAMES = ("label", "class", "category", "sentiment", "target", "topic", "type")
"""Columns that are taken where nobody names one, the first that is there."""


@dataclass(frozen=True)
class ValidatedTexts:
    """What a file holds: cleaned texts, class numbers (N,), the classes' names, and the columns it was read from."""

    texts: list[str]
    labels: np.ndarray
    names: tuple[str, ...]
    columns: tuple[str, str]


def validate(payload: bytes, *, text: str = "", label: str = "") -> ValidatedTexts:
    """Read and check a file; `text` and `label` name its columns, else they are guessed.

    Raises:
        DataError: it cannot be read or used: says the row, the column and the reason.
    """
    content = delimited.decode_file(payload, limit=BYTES_LIMIT, wanted="CSV and no JSON lines")
    rows = _json_lines(content) if content.lstrip()[:1] == "{" else _table(content)
    texts, labels, columns = _checked(rows, text, label)
    counts = Counter(labels)
    if not 2 <= len(counts) <= MOST_CLASSES:
        raise DataError(
            f"column '{columns[1][:40]}' has {len(counts):,} different labels; wanted are 2 to {MOST_CLASSES}."
        )
    first: dict[str, str] = {}
    for said, named in zip(texts, labels, strict=True):
        first.setdefault(said.lower(), named)
    alone = Counter(first.values())  # a text that comes twice is used once
    rare, count = min(((name, alone[name]) for name in counts), key=lambda pair: (pair[1], pair[0]))
    if count < FEWEST:
        doubled = " (a text that comes again is not counted)" if counts[rare] > count else ""
        raise DataError(
            f"label '{rare[:40]}' comes {count} times{doubled}; each must come {FEWEST} times or more: add texts, or "
            "merge labels."
        )
    names = tuple(sorted(counts))
    number = {name: place for place, name in enumerate(names)}
    return ValidatedTexts(texts, np.array([number[name] for name in labels], dtype=np.int64), names, columns)


def save(name: str, taken: ValidatedTexts, *, source: str = "") -> CustomDataset:
    """Keep them under that name.

    Raises:
        RequestError: the name will not do, or is taken.
        StoreError: the folder of datasets cannot be written.
    """
    payload = json.dumps(
        {"texts": taken.texts, "labels": taken.labels.tolist(), "names": taken.names}, ensure_ascii=False
    ).encode()
    facts = {"classes": list(taken.names), "text": taken.columns[0], "label": taken.columns[1]}
    entry = CustomDataset(name, "text", len(taken.texts), hashlib.sha256(payload).hexdigest(), Path(source).name, facts)
    return own.save(entry, lambda draft: _write(draft / KEPT, payload), reserved=sources.DATASETS)


def load(name: str, *, checksum: str = "") -> TextDataset:
    """The texts of that name, each once; with a `checksum` the very ones that a run was made from.

    Raises:
        DataError: they are not here, or not what they were.
    """
    entry = own.require(name, "text", checksum=checksum)
    kept = json.loads((entry.folder / KEPT).read_text(encoding="utf-8"))
    return deduplicate(
        kept["texts"], np.array(kept["labels"], dtype=np.int64), tuple(kept["names"]), checksum=entry.checksum
    )


def _write(file: Path, payload: bytes) -> None:
    file.write_bytes(payload)


def _json_lines(content: str) -> Iterator[tuple[int, dict[str, str]]]:
    for number, line in enumerate(content.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(f"line {number} is not JSON ({str(error)[:60]}); wanted is one object a line.") from None
        if not isinstance(row, dict):
            raise DataError(f'line {number} is not an object such as {{"text": "...", "label": "..."}}.')
        yield number, {str(key): _plain(value) for key, value in row.items()}


def _plain(value: object) -> str:
    """A JSON value as text; a list or an object, which is neither a text nor a label, as nothing."""
    return "" if value is None or isinstance(value, list | dict) else str(value)


def _table(content: str) -> Iterator[tuple[int, dict[str, str]]]:
    delimiter = delimited.detect_delimiter(content)
    rows = delimited.read_rows(content, delimiter=delimiter, cell_limit=2 * LETTERS_LIMIT)
    head = [cell.strip() for cell in next(rows, (1, []))[1]]
    if len(set(head)) != len(head):
        raise DataError("two columns have one name: rename one of them in line 1.")
    for line, row in rows:
        if len(row) != len(head):
            raise DataError(
                f"line {line} has {len(row)} cells and the head {len(head)}: put texts with a '{delimiter}' in double "
                "quotes."
            )
        yield line, dict(zip(head, row, strict=True))


def _checked(
    rows: Iterator[tuple[int, dict[str, str]]], text: str, label: str
) -> tuple[list[str], list[str], tuple[str, str]]:
    texts, labels, columns = [], [], ("", "")
    for number, row in rows:
        if not columns[0]:
            columns = _columns(row, text, label)
        for column in columns:
            if column not in row:
                raise DataError(f"line {number} has no '{column[:40]}'.")
        said, named = clean_text(row[columns[0]]), clean_text(row[columns[1]])
        for column, value in zip(columns, (said, named), strict=True):
            if not value:
                raise DataError(
                    f"line {number}, column '{column[:40]}': it is empty or no text. Fill it in or take the row out."
                )
        if len(said) > LETTERS_LIMIT:
            raise DataError(f"line {number}: the text has {len(said):,} letters; up to {LETTERS_LIMIT:,} are read.")
        texts.append(said)
        labels.append(named[:80])
        if len(texts) > ROWS_LIMIT:
            raise DataError(f"there are more than {ROWS_LIMIT:,} rows: cut the file down.")
    if not texts:
        raise DataError("the file has no row with a text: wanted is a head with a text and a label column, then rows.")
    return texts, labels, columns


def _columns(row: dict[str, str], text: str, label: str) -> tuple[str, str]:
    found = []
    for what, asked, usual in (("text", text, TEXT_NAMES), ("label", label, LABEL_NAMES)):
        if asked and asked not in row:
            raise DataError(f"there is no column '{asked[:40]}': there are {_listed(row)}.")
        lower = {name.lower(): name for name in row}
        chosen = asked or next((lower[name] for name in usual if name in lower), "")
        if not chosen:
            raise DataError(
                f"which column is the {what}? Line 1 names {_listed(row)}: name one of them '{what}' there, or say "
                "which it is. A file without names needs such a line first."
            )
        found.append(chosen)
    return found[0], found[1]


def _listed(row: dict[str, str]) -> str:
    return ", ".join(f"'{name[:30]}'" for name in list(row)[:12]) or "none"
