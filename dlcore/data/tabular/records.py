"""Records as rows of text cells: JSON (an array or one object per line), Excel and Parquet."""

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlcore.core.errors import DataError
from dlcore.data.repairs import Repairs
from dlcore.data.tabular.delimited import Rows, check_size, skip_preamble

if TYPE_CHECKING:
    import pandas as pd

PARQUET_ROWS = 4096
MAX_CHARACTERS = 100_000_000
EXCEL_BYTES = 256 * 2**20
"""Largest unpacked part of an Excel file."""
REPLACEMENT = "\ufffd"
_BETWEEN = re.compile(r"[\s,]*")
_MIDNIGHT = re.compile(r"(?<=^\d{4}-\d{2}-\d{2}) 00:00:00$")
_DATE = re.compile(r"\d{4}-\d{1,2}(?:-\d{1,2})?(?:[T ]\d{1,2}:|$)")
MAX_DEPTH = 4
"""Nested objects are flattened to `outer.inner` up to this depth."""


def read_json(text: str, repairs: Repairs, *, row_limit: int) -> Rows:
    """Read JSON: an array of objects or of rows, a table by columns, any of them inside other objects, or objects one
    after another.

    Only a line feed ends a line: U+2028 and its relatives may stand inside a text (RFC 8259).

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


def as_cell(value: object) -> str:
    """Convert a value to a text cell: null is empty, numbers keep every digit, a list of one is its item, other
    lists and objects are JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):  # half a surrogate pair, as JSON may hold, is no character
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, float):
        return "" if value != value else repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], list | dict):
        return as_cell(value[0])
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)


def read_excel(payload: bytes, repairs: Repairs, *, row_limit: int) -> Rows:
    """Read the first sheet of an .xlsx file that holds a table, or the chosen one.

    Raises:
        DataError: The file cannot be read, or has no table.
    """
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(io.BytesIO(payload)) as archive:
            if any(entry.file_size > EXCEL_BYTES for entry in archive.infolist()):
                raise DataError(f"a part of the Excel file unpacks to more than {EXCEL_BYTES >> 20} MiB: shorten it.")
        book = load_workbook(io.BytesIO(payload), read_only=True, data_only=True)
        sheets = [sheet.title for sheet in book.worksheets]
        filled = [name for name in sheets if (book[name].max_column or 2) >= 2]
        longest = max(filled or sheets, key=lambda name: book[name].max_row or 0)
        name = longest
        if len(filled) > 1:
            name = repairs.choose(
                "sheet",
                f"The file has {len(filled)} sheets with a table.",
                tuple(filled),
                default=longest,
                count=len(filled),
                example=", ".join(filled),
            )
            repairs.record(f"sheet '{name}' read, {len(filled) - 1} others not")
        rows, size = [], 0
        clocks: set[int] = set()  # columns with a time of day
        for number, values in enumerate(book[name].iter_rows(values_only=True, max_row=row_limit + 60), start=1):
            cells = [_excel_cell(value) for value in values]
            clocks |= {k for k, cell in enumerate(values) if isinstance(cell, datetime) and cell.time() != time()}
            size = check_size(size, max((i for i, cell in enumerate(cells, 1) if cell), default=0), number)
            rows.append((number, cells))
        rows = [(n, [c if k in clocks else _MIDNIGHT.sub("", c) for k, c in enumerate(cells)]) for n, cells in rows]
        book.close()
    except (KeyError, ValueError, OSError, TypeError, AttributeError, SyntaxError, zipfile.BadZipFile) as error:
        raise DataError(f"the Excel file cannot be read ({_short(error)}): save it again, or as CSV.") from None
    _check_characters(cells for _, cells in rows)
    return _from_rows(rows, "Excel", repairs)


def read_parquet(payload: bytes, *, row_limit: int) -> Rows:
    """Read a Parquet file.

    Raises:
        DataError: The file cannot be read, or is too long.
    """
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    try:
        file = parquet.ParquetFile(io.BytesIO(payload))
        if file.metadata.num_rows > row_limit:
            raise DataError(f"{file.metadata.num_rows:,} rows are more than the limit of {row_limit:,}: shorten it.")
        check_size(0, file.metadata.num_columns, 1)
        check_size(file.metadata.num_rows * file.metadata.num_columns, 0, file.metadata.num_rows)
        texts = [field.name for field in file.schema_arrow if "string" in str(field.type)]
        file = parquet.ParquetFile(io.BytesIO(payload), read_dictionary=texts)  # equal texts stay one text in memory
        frame = file.read().to_pandas().reset_index()
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise DataError(f"the Parquet file cannot be read ({_short(error)}): write it again, or as CSV.") from None
    if list(frame.columns)[:1] == ["index"] and (frame["index"].to_numpy() == np.arange(len(frame))).all():
        frame = frame.drop(columns="index")  # the index that pandas adds on reading
    columns = [_column_cells(frame[name]) for name in frame.columns]
    _check_characters(columns)
    rows = [list(cells) for cells in zip(*columns, strict=True)]
    return Rows([str(name) for name in frame.columns], rows, list(range(2, len(rows) + 2)), "")


def measure_parquet(payload: bytes) -> tuple[int, int, int]:
    """Return the rows, columns and unpacked bytes of a Parquet file; zeros if it cannot be read."""
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    try:
        data = parquet.ParquetFile(io.BytesIO(payload)).metadata
    except (arrow.ArrowException, OSError, ValueError):
        return 0, 0, 0
    size = sum(data.row_group(k).total_byte_size for k in range(data.num_row_groups))
    return data.num_rows, data.num_columns, size


def measure_zip(payload: bytes) -> int:
    """Return the unpacked bytes of a zip, as of an Excel file; 0 if it cannot be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(payload)) as archive:
            return sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return 0


def read_batches(path: Path) -> tuple[tuple[str, ...], int, Callable[[Sequence[str]], Iterator[tuple[str, ...]]]]:
    """Return the columns and the number of rows of a Parquet file, and a function that yields the rows of columns.

    Raises:
        DataError: The file cannot be read.
    """
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    try:
        with parquet.ParquetFile(path) as file:
            names, rows = tuple(file.schema_arrow.names), int(file.metadata.num_rows)
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise DataError(f"the Parquet file cannot be read ({_short(error)}): write it again, or as CSV.") from None

    def read(columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(PARQUET_ROWS, columns=list(columns)):
                frame = batch.to_pandas()
                yield from zip(*([_scalar_cell(value) for value in frame[name]] for name in columns), strict=True)

    return names, rows, read


def _check_characters(parts: Iterable[Sequence[str]]) -> None:
    """Check the size of all cells as text: a format may store a text once and repeat it in every row.

    Raises:
        DataError: The texts are too large together.
    """
    characters = sum(len(cell) for cells in parts for cell in cells)
    if characters > MAX_CHARACTERS:
        raise DataError(f"its cells hold {characters:,} characters: the limit is {MAX_CHARACTERS:,}. Take a sample.")


def _array(text: str, repairs: Repairs) -> list[tuple[int, Mapping[str, Any]]]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"the file is not JSON ({_short(error)}): write an array of objects.") from None
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
    found = []
    for name, part in value.items():
        if isinstance(part, list | Mapping):
            for table in _find_tables(part, f"{path}.{name}".lstrip("."), depth + 1):
                others = (f"{path}.{other}".lstrip(".") for other in value if other != name)
                found.append(replace(table, left_out=(*others, *table.left_out)))
    return found


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
            raise DataError(f"line {number} is not JSON ({_short(error)}); expected one object per line.") from None
    return _objects(records, "line")


def _over_lines(text: str) -> tuple[list[tuple[int, Any]], int]:
    """Return the values that follow one another, each over any number of lines, by their first lines; and the line of
    the first one that is not JSON, 0 if all are."""
    decoder, records, at, line, counted = json.JSONDecoder(), [], 0, 1, 0
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


def _from_rows(rows: list[tuple[int, list[str]]], source: str, repairs: Repairs) -> Rows:
    width = max((max((i for i, cell in enumerate(cells) if cell), default=-1) + 1 for _, cells in rows), default=0)
    filled = [(number, cells[:width]) for number, cells in rows if any(cells)]
    filled = skip_preamble(filled, repairs)
    if len(filled) < 2:
        raise DataError(f"the {source} file has no table: expected a header and rows.")
    (_, header), body = filled[0], filled[1:]
    return Rows([" ".join(cell.split()) for cell in header], [cells for _, cells in body], [n for n, _ in body], "")


def _excel_cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    return as_cell(value)


def _column_cells(column: "pd.Series[Any]") -> list[str]:
    """Return the cells of a column; equal texts of a dictionary stay one text in memory."""
    if not hasattr(column, "cat"):
        return [_scalar_cell(value) for value in column]
    texts = [*(_scalar_cell(value) for value in column.cat.categories), ""]
    return [texts[code] for code in column.cat.codes]  # a missing value has code -1


def _scalar_cell(value: object) -> str:
    import pandas as pd

    if isinstance(value, pd.Timestamp):
        zone = getattr(value.tzinfo, "key", "")
        return value.isoformat(sep=" ") + (f" [{zone}]" if "/" in zone else "")
    if value is None or value is pd.NaT or value is pd.NA:
        return ""
    tolist = getattr(value, "tolist", None)
    return as_cell(tolist() if callable(tolist) else value)


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:60]
