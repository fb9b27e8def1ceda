"""One reader for all tabular files: CSV, TSV, JSON, JSON lines, Excel and Parquet become text cells by column."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dlcore.core.errors import DataError
from dlcore.core.memory import require_memory
from dlcore.data.repairs import Repairs
from dlcore.data.tabular.cells import plural
from dlcore.data.tabular.delimited import SEPARATOR_NAMES, Rows, is_value, read_delimited
from dlcore.data.tabular.encoding import decode_text
from dlcore.data.tabular.json_tables import read_json
from dlcore.data.tabular.records import measure_parquet, measure_zip, read_excel, read_parquet

BYTES_LIMIT = 64 * 2**20
ROWS_LIMIT = 1_000_000
MEMORY_PER_ROW, MEMORY_PER_CELL, MEMORY_PER_BYTE = 700, 70, 10
"""Bytes of memory that an import needs at most, measured on series, tables, texts and pairs in CSV, JSON and Parquet:
dates cost most in narrow files, characters in long texts."""
_FREE = "close other programs, stop a run, or take a sample of its rows"
CELL_LIMIT = 2**20
NAME_LENGTH = 200
"""Longest name of a column."""
SUFFIXES = ("csv", "tsv", "txt", "json", "jsonl", "ndjson", "xlsx", "parquet")


@dataclass(frozen=True)
class TableFile:
    """A table as text cells, not yet interpreted.

    `table` has one string column per column of the file, empty cells are ""; `rows` (N,) are the row numbers in the
    file, counted as in a spreadsheet: the header is row 1. `format` describes how the file was read.
    """

    table: pd.DataFrame
    rows: np.ndarray
    format: str
    separator: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The column names in order."""
        return tuple(str(name) for name in self.table.columns)

    def head(self, rows: int) -> list[dict[str, str]]:
        """Return the first rows as text cells by column."""
        return [dict(zip(self.columns, cells, strict=True)) for cells in self.table.head(rows).to_numpy()]

    def known(self, column: str) -> str:
        """Return the name if there is such a column.

        Raises:
            DataError: There is no such column; lists the columns.
        """
        if column not in self.columns:
            names = ", ".join(f"'{name[:40]}'" for name in self.columns[:20])
            raise DataError(f"row 1: there is no column '{column[:40]}': the columns are {names}.")
        return column


def read_table(payload: bytes, repairs: Repairs, *, limit: int = BYTES_LIMIT, rows: int = ROWS_LIMIT) -> TableFile:
    """Read a tabular file; its format is detected by its content.

    Raises:
        DataError: The file is not a table, too large, or damaged; names the row and the next step.
    """
    if len(payload) > limit:
        raise DataError(f"the file is larger than the {limit // 2**20} MB that are read: shorten it or split it up.")
    require_memory(estimate_memory(payload), what="reading this file", advice=_FREE)
    if payload.startswith(b"PAR1"):
        return _build(read_parquet(payload, row_limit=rows), "Parquet", repairs)
    if payload.startswith(b"PK\x03\x04") and b"xl/" in payload:
        return _build(read_excel(payload, repairs, row_limit=rows), "Excel", repairs)
    text, encoding = decode_text(payload, repairs, limit=limit)
    if text.lstrip()[:1] in ("{", "["):
        form = "JSON arrays" if re.match(r"\s*\[\s*\[", text) else "JSON"
        return _build(read_json(text, repairs, row_limit=rows), f"{form}, {encoding}", repairs)
    read = read_delimited(text, repairs, cell_limit=CELL_LIMIT, row_limit=rows)
    name = SEPARATOR_NAMES.get(read.separator, f"'{read.separator}'")
    return _build(read, f"CSV, separator {name}, {encoding}", repairs)


def estimate_memory(payload: bytes) -> int:
    """Estimate the bytes of memory that the import of a tabular file needs; packed formats by what they unpack to."""
    if payload.startswith(b"PAR1"):
        rows, columns, size = measure_parquet(payload)
        cells = rows * columns
    elif payload.startswith(b"PK\x03\x04"):
        rows, cells, size = 0, 0, measure_zip(payload)
    else:
        size, is_json = len(payload), payload[:100].lstrip()[:1] in (b"{", b"[")
        rows = payload.count(b"{") if is_json else payload.count(b"\n")
        cells = rows + max(payload.count(mark) for mark in (b",", b";", b"\t", b"|"))
    return MEMORY_PER_ROW * rows + MEMORY_PER_CELL * cells + MEMORY_PER_BYTE * size


def _build(read: Rows, form: str, repairs: Repairs) -> TableFile:
    read = _name_columns(read, repairs)
    header, width = read.header, len(read.header)
    longest = max(enumerate(header, 1), key=lambda pair: len(pair[1]), default=(0, ""))
    if len(longest[1]) > NAME_LENGTH:
        raise DataError(
            f"row 1, column {longest[0]}: a name of {len(longest[1]):,} characters, the limit is {NAME_LENGTH}."
        )
    read = _drop_repeated_headers(read, repairs)
    if not read.rows:
        raise DataError("row 2: the file ends after its header: expected rows of data.")
    read = _drop_trailing_cells(read, repairs)
    lengths = np.fromiter((len(cells) for cells in read.rows), np.int64, len(read.rows))
    if (lengths > width).all() and len(set(lengths.tolist())) == 1:
        read, lengths = _join_split_numbers(read, repairs), np.full(len(read.rows), width)
    numbers = np.array(read.numbers, np.int64)
    if (lengths > width).any():
        row = int(np.argmax(lengths > width))
        raise DataError(
            f"row {numbers[row]}: {lengths[row]} cells and {width} in the header: put a cell that contains "
            f"'{read.separator}' in double quotes."
        )
    rows = _fill_short_rows(read.rows, lengths, numbers, width, repairs)
    table = pd.DataFrame(dict(enumerate(map(list, zip(*rows, strict=True)))), dtype=object)
    table.columns = pd.Index(header)
    table = _drop_empty_columns(table, repairs)
    names = [str(name) for name in table.columns]
    duplicate = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if duplicate is not None:
        raise DataError(f"row 1: two columns are named '{duplicate[:40]}': rename one.")
    return TableFile(table, numbers, form, read.separator)


def _name_columns(read: Rows, repairs: Repairs) -> Rows:
    """Name the columns of a file whose first row holds data: only dates and numbers."""
    if not read.rows or not all(is_value(cell) for cell in read.header):
        return read
    how = repairs.choose(
        "header",
        "The first row holds dates and numbers, not names: read as data, and the columns numbered.",
        ("none", "first_row"),
        default="none",
        where="row 1",
        example=", ".join(read.header[:6]),
    )
    if how == "first_row":
        return read
    repairs.record("no header: the first row is data, columns are named column 1, column 2 and so on")
    names = [f"column {number}" for number in range(1, len(read.header) + 1)]
    return Rows(names, [read.header, *read.rows], [read.numbers[0] - 1, *read.numbers], read.separator)


def _drop_repeated_headers(read: Rows, repairs: Repairs) -> Rows:
    """Drop rows that repeat the header, as files joined end to end have them."""
    repeated = [
        i
        for i, cells in enumerate(read.rows)
        if cells[:1] == read.header[:1] and [" ".join(cell.split()) for cell in cells] == read.header
    ]
    if not repeated:
        return read
    message = f"{plural(len(repeated), 'row')} repeating the header left out"
    repairs.note("repeated_header", message, count=len(repeated), where=f"row {read.numbers[repeated[0]]}")
    at = sorted(set(range(len(read.rows))) - set(repeated))
    return Rows(read.header, [read.rows[i] for i in at], [read.numbers[i] for i in at], read.separator)


def _drop_trailing_cells(read: Rows, repairs: Repairs) -> Rows:
    """Drop empty cells beyond the header, as a separator at the end of a line makes them."""
    width = len(read.header)
    long = [i for i, cells in enumerate(read.rows) if len(cells) > width and not any(map(str.strip, cells[width:]))]
    if not long:
        return read
    repairs.note(
        "trailing_cells",
        f"{len(long):,} rows end with empty cells beyond the header: ignored",
        count=len(long),
        where=f"row {read.numbers[long[0]]}",
    )
    rows = [*read.rows]
    for i in long:
        rows[i] = rows[i][:width]
    return Rows(read.header, rows, read.numbers, read.separator)


def _join_split_numbers(read: Rows, repairs: Repairs) -> Rows:
    """Join numbers that a comma divided in two in every row: decimal or thousands commas without quotes.

    Raises:
        DataError: The additional cells are not parts of numbers.
    """
    width, length = len(read.header), len(read.rows[0])
    extra = length - width
    columns = list(zip(*read.rows, strict=True))
    pairs = [i for i in range(length - 1) if _are_number_parts(columns[i], columns[i + 1])]
    joined_at = _disjoint(pairs, extra)
    if joined_at is None or read.separator != ",":
        raise DataError(
            f"row {read.numbers[0]}: {length} cells and {width} in the header: put a cell that contains "
            f"'{read.separator}' in double quotes, or save the file with ; as the separator."
        )
    groups = all(len(cell.strip()) == 3 and cell.strip().isdigit() for i in joined_at for cell in columns[i + 1])
    example = ",".join(read.rows[0][joined_at[0] : joined_at[0] + 2])
    how = repairs.choose(
        "split_numbers",
        f"Every row has {extra} cells more than the header: numbers with commas and no quotes.",
        ("decimal", "thousands"),
        default="thousands" if groups else "decimal",
        count=len(read.rows),
        where=f"row {read.numbers[0]}",
        example=example,
    )
    mark = "." if how == "decimal" else ""
    joined = example.replace(",", mark)
    repairs.record(f"{len(read.rows):,} rows: cells divided by a comma joined, '{example}' read as {joined}")
    rows = []
    for cells in read.rows:
        row: list[str] = []
        at = 0
        while at < length:
            if at in joined_at:
                row.append(cells[at].strip() + mark + cells[at + 1].strip())
                at += 1
            else:
                row.append(cells[at])
            at += 1
        rows.append(row)
    return Rows(read.header, rows, read.numbers, read.separator)


def _are_number_parts(left: tuple[str, ...], right: tuple[str, ...]) -> bool:
    """Return whether two columns are the parts of numbers before and after a comma."""
    return all(a.strip().lstrip("+-").isdigit() for a in left) and all(b.strip().isdigit() for b in right)


def _disjoint(pairs: list[int], needed: int) -> list[int] | None:
    """Return the only way to take `needed` neighbor pairs that do not overlap, from the left; None if there is none."""
    joined_at: list[int] = []
    for at in pairs:
        if not joined_at or at > joined_at[-1] + 1:
            joined_at.append(at)
    covered = {at + side for at in joined_at for side in (0, 1)}
    is_only_way = all({at, at + 1} <= covered for at in pairs)
    return joined_at if len(joined_at) == needed and is_only_way else None


def _fill_short_rows(
    rows: list[list[str]], lengths: np.ndarray, numbers: np.ndarray, width: int, repairs: Repairs
) -> list[list[str]]:
    short = np.flatnonzero(lengths < width)
    if not len(short):
        return rows
    repairs.note(
        "short_rows",
        f"{len(short):,} rows have fewer cells than the header: the missing ones are read as empty",
        count=len(short),
        where=f"row {numbers[short[0]]}",
    )
    return [cells + [""] * (width - len(cells)) for cells in rows]


def _drop_empty_columns(table: pd.DataFrame, repairs: Repairs) -> pd.DataFrame:
    """Drop columns without a name and without content, as a separator at the end of each line makes them."""
    keep, unnamed = [], 0
    names = []
    for position, name in enumerate(table.columns):
        cells = table.iloc[:, position]
        if not name and not cells.str.strip().any():
            unnamed += 1
            continue
        keep.append(position)
        names.append(str(name) or ("index" if position == 0 else f"column {position + 1}"))
    if unnamed:
        repairs.note("empty_columns", f"{unnamed} columns without a name or content left out", count=unnamed)
    table = table.iloc[:, keep]
    table.columns = pd.Index(names)
    return table
