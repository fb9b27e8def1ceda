"""Tabular files read row by row, in memory that does not depend on their length.

A row that cannot be read has an error in place of its cells: no row is left out. JSON arrays and Excel files are read
as a whole, within the limits of `read_table`.
"""

import csv
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from dlcore.core.errors import DataError
from dlcore.data.repairs import Repairs
from dlcore.data.tabular.delimited import (
    SEP_LINE,
    align_header,
    detect_separator,
    is_value,
    separate_by_spaces,
    skip_preamble,
)
from dlcore.data.tabular.encoding import decode_text, utf16_codec
from dlcore.data.tabular.json_tables import flatten
from dlcore.data.tabular.read import BYTES_LIMIT, CELL_LIMIT, read_table
from dlcore.data.tabular.records import read_batches

HEAD = 2**20
"""Bytes at the start that tell format and header; the middle and the end have as many for the separator."""
HEAD_ROWS = 60
JSON_ROWS = 1_000
"""Records whose names are the columns of JSON lines."""
BLOCK = 2**20


@dataclass(frozen=True)
class StreamedRow:
    """A row: its number in the file, its cells in the order of the columns asked for, or the reason why it is unusable.

    `position` is how far the file is read, in the unit of the stream.
    """

    number: int
    cells: tuple[str, ...]
    error: str = ""
    position: int = 0


@dataclass(frozen=True)
class TableStream:
    """A tabular file that is read row by row.

    `total` is its length in `unit` (bytes or rows); `notes` say how it was read. `read` yields the rows with the cells
    of the named columns.
    """

    columns: tuple[str, ...]
    format: str
    total: int
    unit: str
    read: Callable[[Sequence[str]], Iterator[StreamedRow]]
    notes: tuple[str, ...] = ()

    def rows(self, columns: Sequence[str]) -> Iterator[StreamedRow]:
        """Yield all rows from the start.

        Raises:
            DataError: There is no such column; lists the columns.
        """
        for column in columns:
            if column not in self.columns:
                names = ", ".join(f"'{name[:40]}'" for name in self.columns[:20])
                raise DataError(f"row 1: there is no column '{column[:40]}': the columns are {names}.")
        return self.read(columns)


def open_stream(path: Path, *, lines: bool = False) -> TableStream:
    """Open a tabular file; its format is detected by its content. With `lines`, each line is a row of one column.

    Raises:
        DataError: The file cannot be read or is not a table; names the row and the next step.
    """
    try:
        with path.open("rb") as file:
            head, size = file.read(HEAD), file.seek(0, 2)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}: name a file that can be read.") from None
    if head.startswith(b"PAR1"):
        return _parquet(path)
    if head.startswith(b"PK\x03\x04"):
        return _whole(path)
    encoding = detect_encoding(path, head)
    text = (
        head[: head.rfind(b"\n") + 1 or None].decode(encoding, "ignore") if size > len(head) else head.decode(encoding)
    )
    if not lines and text.lstrip()[:1] in ("{", "[") and not _is_json_lines(text):
        return _whole(path)
    if lines:
        stream = _text_lines(path, encoding, size)
    elif text.lstrip()[:1] in ("{", "["):
        stream = _json_lines(path, encoding, size)
    else:
        stream = _delimited(path, encoding, size, text)
    if encoding == "utf-8-sig":
        return stream
    return replace(stream, notes=(f"read as {encoding} (not UTF-8)", *stream.notes))


def detect_encoding(path: Path, head: bytes) -> str:
    """Return the codec of a text file, judged by all of its bytes.

    Raises:
        DataError: The file is empty or not text.
    """
    utf16 = utf16_codec(head)
    if utf16:
        return utf16
    repairs = Repairs(accept_defaults=True)
    bad = _first_invalid_byte(path)
    if bad < 0:
        decode_text(head[: head.rfind(b"\n") + 1 or None] or head, repairs, limit=HEAD)
        return "utf-8-sig"
    with path.open("rb") as file:
        file.seek(max(0, bad - BLOCK // 2))
        _, name = decode_text(file.read(BLOCK), repairs, limit=BLOCK)
    return name


def _first_invalid_byte(path: Path) -> int:
    """Return the position of the first byte that is not UTF-8; -1 if there is none."""
    at, left = 0, b""
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            block = left + block
            try:
                block.decode("utf-8")
                at, left = at + len(block), b""
            except UnicodeDecodeError as error:
                if error.end < len(block) or len(block) - error.start > 3:
                    return at + error.start
                at, left = at + error.start, block[error.start :]
    return at if left else -1


# --- delimited text ---------------------------------------------------------------------------------------------------


def _delimited(path: Path, encoding: str, size: int, head: str) -> TableStream:
    csv.field_size_limit(max(csv.field_size_limit(), CELL_LIMIT))
    declared = SEP_LINE.match(head)
    separator = declared[1] if declared else detect_separator(_sample(path, encoding, size, head))
    body_head = head[declared.end() :] if declared else head
    if not declared and separate_by_spaces(head) is not None:
        separator = " "
    aligned = align_header(body_head, separator, repairs := Repairs(), row=1)
    first = list(itertools.islice(_parse(path, encoding, separator, bool(declared)), HEAD_ROWS))
    whole = [(row.number, list(row.cells)) for row in first if not row.error]
    if aligned != body_head:
        whole = [(first[0].number, next(csv.reader([aligned.lstrip()], delimiter=separator))), *whole[-1:]]
    body = skip_preamble(whole, Repairs())
    if not body:
        raise DataError(f"{path.name} has no table: expected a header and rows.")
    header_row, cells = body[0]
    header = [" ".join(cell.split()) for cell in cells]
    if all(is_value(cell) for cell in header):
        header, header_row = [f"column {number}" for number in range(1, len(header) + 1)], header_row - 1
    names = [name or ("index" if i == 0 else f"column {i + 1}") for i, name in enumerate(header)]
    duplicate = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if duplicate is not None:
        raise DataError(f"row {header_row}: two columns are named '{duplicate[:40]}': rename one.")

    def read(columns: Sequence[str]) -> Iterator[StreamedRow]:
        at = [names.index(column) for column in columns]
        for row in _parse(path, encoding, separator, bool(declared)):
            if row.number > header_row:
                yield _select(row, at, len(names), separator)

    return TableStream(tuple(names), f"CSV, separator '{separator}'", size, "bytes", read, tuple(repairs.receipt))


def _select(row: StreamedRow, at: Sequence[int], width: int, separator: str) -> StreamedRow:
    if row.error:
        return row
    if len(row.cells) > width and any(map(str.strip, row.cells[width:])):
        advice = f"put a cell that contains '{separator}' in double quotes"
        return StreamedRow(row.number, (), f"{len(row.cells)} cells and {width} in the header: {advice}.", row.position)
    cells = tuple(row.cells[place] if place < len(row.cells) else "" for place in at)
    return StreamedRow(row.number, cells, "", row.position)


def _parse(path: Path, encoding: str, separator: str, declared: bool) -> Iterator[StreamedRow]:
    """Yield the rows that are not blank, with all their cells; a misplaced quote costs the rows that it spans."""
    with path.open("r", encoding=encoding, errors="replace", newline="") as file:
        if declared:
            file.readline()
        offset = 1 + declared
        reader = csv.reader(file, delimiter=separator, strict=True, skipinitialspace=separator == " ")
        number = offset
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                last = reader.line_num + offset - 1
                yield StreamedRow(number, (), _quote_problem(error, number, last), _tell(file))
            else:
                if any(cell.strip() for cell in cells):
                    yield StreamedRow(number, tuple(cells), "", _tell(file))
            number = reader.line_num + offset


def _quote_problem(error: csv.Error, first: int, last: int) -> str:
    problem = "an open quote" if "unexpected end" in str(error) or "field limit" in str(error) else str(error)
    reach = f" up to row {last}" if last > first else ""
    return f"{problem}{reach}: write a quote inside double quotes twice."


def _sample(path: Path, encoding: str, size: int, head: str) -> str:
    """Return whole lines from the start, the middle and the end of a file."""
    if size <= HEAD:
        return head
    parts = [head]
    with path.open("rb") as file:
        for start in (size // 2, max(0, size - HEAD // 4)):
            file.seek(start - start % 2)
            text = file.read(HEAD // 4).decode(encoding.removesuffix("-sig"), "ignore")
            parts.append("\n".join(text.split("\n")[1:-1]))
    return "\n".join(parts)


# --- JSON, lines of text, Parquet, whole files ------------------------------------------------------------------------


def _is_json_lines(text: str) -> bool:
    first = next((line for line in text.split("\n") if line.strip()), "")
    try:
        return isinstance(json.loads(first), dict) and text.strip() != first.strip()  # a table may be one object
    except (ValueError, RecursionError):
        return False


def _json_lines(path: Path, encoding: str, size: int) -> TableStream:
    names: dict[str, None] = {}
    for record in itertools.islice(_records(path, encoding), JSON_ROWS):
        names |= dict.fromkeys(record[1])

    def read(columns: Sequence[str]) -> Iterator[StreamedRow]:
        for number, record, error, position in _records(path, encoding):
            cells = () if error else tuple(record.get(name, "") for name in columns)
            yield StreamedRow(number, cells, error, position)

    return TableStream(tuple(names), "JSON lines", size, "bytes", read)


def _records(path: Path, encoding: str) -> Iterator[tuple[int, Mapping[str, str], str, int]]:
    for number, line, position in _lines(path, encoding):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
            error = "" if isinstance(value, Mapping) else "the line is not a JSON object."
        except (ValueError, RecursionError):
            value, error = {}, "the line is not JSON: write one object per line."
        yield number, {} if error else flatten(value), error, position


def _text_lines(path: Path, encoding: str, size: int) -> TableStream:
    def read(columns: Sequence[str]) -> Iterator[StreamedRow]:
        for number, line, position in _lines(path, encoding):
            if line.strip():
                yield StreamedRow(number, (line,) * len(columns), "", position)

    return TableStream(("text",), "text lines", size, "bytes", read)


def _lines(path: Path, encoding: str) -> Iterator[tuple[int, str, int]]:
    """Yield number, text and end of each line; only a line feed ends one (RFC 8259)."""
    with path.open("r", encoding=encoding, errors="replace", newline="\n") as file:
        for number, line in enumerate(file, start=1):
            yield number, line.rstrip("\r\n"), _tell(file)


def _tell(file: IO[str]) -> int:
    return int(file.buffer.tell())  # type: ignore[attr-defined]


def _parquet(path: Path) -> TableStream:
    columns, total, batches = read_batches(path)

    def read(names: Sequence[str]) -> Iterator[StreamedRow]:
        number = 1
        for cells in batches(names):
            number += 1
            yield StreamedRow(number, cells, "", number - 1)

    return TableStream(columns, "Parquet", total, "rows", read)


def _whole(path: Path) -> TableStream:
    with path.open("rb") as file:
        payload = file.read(BYTES_LIMIT + 1)
    repairs = Repairs(accept_defaults=True)
    table = read_table(payload, repairs)

    def read(columns: Sequence[str]) -> Iterator[StreamedRow]:
        cells = zip(*(table.table[name] for name in columns), strict=True)
        for place, (number, row) in enumerate(zip(table.rows.tolist(), cells, strict=True), start=1):
            yield StreamedRow(number, tuple(row), "", place)

    return TableStream(table.columns, table.format, len(table.rows), "rows", read, tuple(repairs.receipt))
