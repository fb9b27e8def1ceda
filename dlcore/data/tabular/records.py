"""Records as rows of text cells: Excel and Parquet."""

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
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
_MIDNIGHT = re.compile(r"(?<=^\d{4}-\d{2}-\d{2}) 00:00:00$")


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
        raise DataError(f"the Excel file cannot be read ({shorten_error(error)}): save it again, or as CSV.") from None
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
        raise DataError(
            f"the Parquet file cannot be read ({shorten_error(error)}): write it again, or as CSV."
        ) from None
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
        raise DataError(
            f"the Parquet file cannot be read ({shorten_error(error)}): write it again, or as CSV."
        ) from None

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


def shorten_error(error: BaseException) -> str:
    """Return the message of an error in one line of up to 60 characters."""
    return " ".join(str(error).split())[:60]
