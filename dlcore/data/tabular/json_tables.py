"""JSON as rows of text cells: arrays, tables by columns, tables inside other objects, objects one after another."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dlcore.core.errors import DataError
from dlcore.data.repairs import Repairs
from dlcore.data.tabular.delimited import Rows, check_size
from dlcore.data.tabular.records import as_cell, shorten_error

REPLACEMENT = "\ufffd"
_BETWEEN = re.compile(r"[\s,]*")
_DATE = re.compile(r"\d{4}-\d{1,2}(?:-\d{1,2})?(?:[T ]\d{1,2}:|$)")
MAX_DEPTH = 4
"""Nested objects are flattened to `outer.inner` up to this depth."""


def read_json(text: str, repairs: Repairs, *, row_limit: int) -> Rows:
    """Read JSON: an array of objects or of rows, a table by columns, any of them inside other objects, or objects one
    after another.

    Only a line feed ends a line: U+2028 and similar characters may occur in a text (RFC 8259).

    Raises:
        DataError: A line or the file is not JSON, or not made of objects.
    """
    start = text.lstrip()[:1]
    records = _array(text, repairs) if start == "[" else _lines(text, repairs)
    if len(records) > row_limit:
        raise DataError(f"{len(records):,} rows are more than the limit of {row_limit:,}: shorten the file.")
    header: dict[str, None] = {}
    flat = [(number, flatten(record)) for number, record in records]
    for number, cells in flat:
        header.update(dict.fromkeys(cells))
        check_size(0, len(header), number)
    names = list(header)
    check_size(len(flat) * len(names), 0, len(flat))
    rows = [[cells.get(name, "") for name in names] for _, cells in flat]
    if REPLACEMENT not in text and (
        bad := [number for number, cells in flat if REPLACEMENT in "".join(cells.values())]
    ):
        message = f"{len(bad):,} rows hold half a surrogate pair, which is no character: read as {REPLACEMENT}"
        repairs.note("half_characters", message, count=len(bad), where=f"row {bad[0]}")
    return Rows(names, rows, [number for number, _ in flat], "")


def flatten(record: Mapping[str, Any], prefix: str = "", depth: int = 1) -> dict[str, str]:
    """Flatten a JSON object to text cells: `{"a": {"b": 1}}` is `a.b`; null is empty, lists are JSON."""
    cells: dict[str, str] = {}
    for key, value in record.items():
        name = f"{prefix}{as_cell(key)}"
        if isinstance(value, Mapping) and depth < MAX_DEPTH:
            cells |= flatten(value, f"{name}.", depth + 1)
        else:
            cells[name] = as_cell(value)
    return cells


def _array(text: str, repairs: Repairs) -> list[tuple[int, Mapping[str, Any]]]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"the file is not JSON ({shorten_error(error)}): write an array of objects.") from None
    return _from_value(value, repairs) or _objects(enumerate(value, start=1), "item")


def _from_value(value: Any, repairs: Repairs) -> list[tuple[int, Mapping[str, Any]]]:
    """Return the numbered records of the largest table in a JSON value; empty if it holds none."""
    tables = sorted(_find_tables(value), key=lambda table: -len(table.records))
    if not tables:
        return []
    table = tables[0]
    if table.left_out:
        names = ", ".join(f"'{name[:40]}'" for name in table.left_out[:12])
        message = f"rows read from '{table.path[:80]}', other fields left out: {names}"
        repairs.note("nested_rows", message, count=len(table.left_out))
    if table.is_unnamed:
        repairs.record("no header: columns are named column 1, column 2 and so on")
    return list(enumerate(table.records, start=1 + table.has_header_row))


@dataclass(frozen=True)
class _Table:
    """A table inside a JSON value: its records, its path, the fields beside it, and where its names come from."""

    records: list[Mapping[str, Any]]
    path: str = ""
    left_out: tuple[str, ...] = ()
    is_unnamed: bool = False
    has_header_row: bool = False


def _find_tables(value: Any, path: str = "", depth: int = 0) -> list[_Table]:
    """Find the tables in a JSON value, without those inside the records of another."""
    if isinstance(value, list) and len(value) > 1 and all(isinstance(item, Mapping) for item in value):
        return [_Table(value, path)]
    if isinstance(value, list) and len(value) > 1 and all(isinstance(row, list) and len(row) > 1 for row in value):
        width = max(map(len, value))
        if all(isinstance(cell, str) for cell in value[0]) and len(set(value[0])) == len(value[0]):
            return [_Table([dict(zip(value[0], row, strict=False)) for row in value[1:]], path, has_header_row=True)]
        names = [f"column {number}" for number in range(1, width + 1)]
        return [_Table([dict(zip(names, row, strict=False)) for row in value], path, is_unnamed=True)]
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], Mapping):
        inner = [table for table in _find_tables(value[0], path, depth) if len(table.records) > 1]
        return inner or [_Table(value, path)] * (depth > 0 or not path)
    if not isinstance(value, Mapping) or depth > MAX_DEPTH:
        return []
    records = _from_columns(value)
    if records:
        return [_Table(records, path)]
    tables = []
    for name, part in value.items():
        if isinstance(part, list | Mapping):
            for table in _find_tables(part, f"{path}.{name}".lstrip("."), depth + 1):
                beside = (f"{path}.{other}".lstrip(".") for other in value if other != name)
                tables.append(replace(table, left_out=(*beside, *table.left_out)))
    return tables


def _from_columns(value: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
    """Return the records of an object that holds a table by columns, as pandas writes them; None for other objects.

    `{"a": [1, 2], "b": [3, 4]}`, `{"a": {"0": 1, "1": 2}, ...}`, `{"columns": [...], "data": [[...], ...]}` or a value
    by time, `{"2021-03-01": 1, ...}`.
    """
    names, data = value.get("columns"), value.get("data", value.get("values"))
    if isinstance(names, list) and isinstance(data, list) and all(isinstance(row, list) for row in data):
        return [dict(zip(map(str, names), row, strict=False)) for row in data]
    columns = list(value.values())
    if len(columns) > 7 and all(_DATE.match(key) for key in value) and not any(isinstance(c, list) for c in columns):
        rows = [cell if isinstance(cell, Mapping) else {"value": cell} for cell in columns]
        return [{"time": key, **row} for key, row in zip(value, rows, strict=True)]
    if len(columns) < 2 or not (all(isinstance(c, list) for c in columns) or all(isinstance(c, dict) for c in columns)):
        return None
    keys = [range(len(c)) if isinstance(c, list) else list(c) for c in columns]
    if len(keys[0]) < 2 or any(list(each) != list(keys[0]) for each in keys):
        return None
    if any(isinstance(column[key], list | dict) for column in columns for key in keys[0]):
        return None
    return [{name: column[key] for name, column in value.items()} for key in keys[0]]


def _lines(text: str, repairs: Repairs) -> list[tuple[int, Mapping[str, Any]]]:
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    try:
        whole = _from_value(json.loads(text), repairs)
    except (ValueError, RecursionError):
        whole = []
    if whole:
        return whole
    records: list[tuple[int, Any]] = []
    for number, line in lines:
        try:
            records.append((number, json.loads(line)))
        except (ValueError, RecursionError) as error:
            several, broken = _over_lines(text)
            if several and not broken:
                return _objects(several, "the object at line")
            if several and not records:  # objects over several lines
                raise DataError(f"the object at line {broken} is not JSON: repair it, or leave it out.") from None
            raise DataError(
                f"line {number} is not JSON ({shorten_error(error)}); expected one object per line."
            ) from None
    return _objects(records, "line")


def _over_lines(text: str) -> tuple[list[tuple[int, Any]], int]:
    """Return the values that follow one another, each over any number of lines, by their first lines; and the line of
    the first one that is not JSON, 0 if all are."""
    decoder, at, line, counted = json.JSONDecoder(), 0, 1, 0
    records: list[tuple[int, Any]] = []
    while (start := _BETWEEN.match(text, at).end()) < len(text):  # type: ignore[union-attr]
        line, counted = line + text.count("\n", counted, start), start
        try:
            value, at = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            return records, line
        records.append((line, value))
    return records, 0


def _objects(values: Iterable[tuple[int, Any]], word: str) -> list[tuple[int, Mapping[str, Any]]]:
    records = []
    for number, value in values:
        if not isinstance(value, Mapping):
            raise DataError(f'{word} {number} is not an object such as {{"text": "...", "label": "..."}}.')
        records.append((number, value))
    if not records:
        raise DataError("the file has no row: expected objects with the same names.")
    return records
