"""Delimited text files (CSV, TSV) of texts: decoding, header and rows; every error names its line."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from dlcore.core.errors import DataError


@dataclass(frozen=True)
class TextTable:
    """The content of a delimited file, its column names and its delimiter; rows are parsed on demand."""

    content: str
    header: tuple[str, ...]
    delimiter: str
    cell_limit: int

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the line number and cells of each row that is not empty, without the header.

        Raises:
            DataError: A quote is misplaced, or a row has more or fewer cells than the header.
        """
        rows = read_rows(self.content, delimiter=self.delimiter, cell_limit=self.cell_limit)
        next(rows, None)
        for line, cells in rows:
            if len(cells) != len(self.header):
                raise DataError(
                    f"line {line} has {len(cells)} cells and the header {len(self.header)}: put texts with a "
                    f"'{self.delimiter}' in double quotes."
                )
            yield line, cells


def open_table(content: str, *, cell_limit: int) -> TextTable:
    """Read the header of a delimited text.

    Raises:
        DataError: A quote in the header is misplaced.
    """
    delimiter = detect_delimiter(content)
    _, cells = next(read_rows(content, delimiter=delimiter, cell_limit=cell_limit), (1, []))
    return TextTable(content, tuple(cell.strip() for cell in cells), delimiter, cell_limit)


def decode_file(payload: bytes, *, limit: int, expected: str) -> str:
    """Decode a UTF-8 file of at most `limit` bytes; `expected` names its format in errors.

    Raises:
        DataError: The file is too large, not UTF-8, or contains zero bytes.
    """
    if len(payload) > limit:
        raise DataError(f"the file has {len(payload):,} bytes; up to {limit:,} are read. Shorten it.")
    try:
        content = payload.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"this is not UTF-8 text: byte {error.start + 1} is invalid. Save it as UTF-8.") from None
    if "\0" in content:
        raise DataError(f"the file contains a zero byte, so it is not {expected}. Save it as text.")
    return content


def detect_delimiter(content: str) -> str:
    """Return the delimiter that the first line has most of: comma, semicolon or tab."""
    return max(",;\t", key=content.partition("\n")[0].count)


def read_rows(content: str, *, delimiter: str, cell_limit: int) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not empty with the number of its last line, the header first.

    Raises:
        DataError: A quote is misplaced or not closed, or a cell has more than `cell_limit` characters.
    """
    csv.field_size_limit(max(csv.field_size_limit(), cell_limit))
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise DataError(f"line {reader.line_num}: {error}. A quote inside a quoted text is written twice.") from None
