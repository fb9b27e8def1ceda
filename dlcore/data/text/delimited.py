"""Files of texts that a person hands in: bytes to text, and text to the rows of a CSV, each fault named by its line."""

import csv
import io
from collections.abc import Iterator

from dlcore.core.errors import DataError


def decode_file(payload: bytes, *, limit: int, wanted: str) -> str:
    """The text of a UTF-8 file of at most `limit` bytes; `wanted` says what it should be.

    Raises:
        DataError: it is too long, not UTF-8, or holds zero bytes.
    """
    if len(payload) > limit:
        raise DataError(f"the file has {len(payload):,} bytes; up to {limit:,} are read. Cut it down.")
    try:
        content = payload.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"this is not UTF-8 text: byte {error.start + 1} does not fit. Save it as UTF-8.") from None
    if "\0" in content:
        raise DataError(f"there is a zero byte in the file: this is no {wanted}. Save it as text.")
    return content


def detect_delimiter(content: str) -> str:
    """What parts the cells: comma, semicolon or tab, whichever the first line has most of."""
    return max(",;\t", key=content.partition("\n")[0].count)


def read_rows(content: str, *, delimiter: str, cell_limit: int) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not empty, after the number of the line it ends in; the head first. Cells up to `cell_limit`
    characters are let through.

    Raises:
        DataError: the quotes of a row do not close or stand askew.
    """
    csv.field_size_limit(max(csv.field_size_limit(), cell_limit))
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise DataError(f"line {reader.line_num}: {error}. A quote inside a quoted text is written twice.") from None
