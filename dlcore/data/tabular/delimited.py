"""Delimited text: the separator, judged by all rows, the header, and the rows with their numbers in the file."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from dlcore.core.errors import DataError
from dlcore.data.repairs import Repairs

SEPARATORS = "\t;|,"
"""In order of preference: a comma is also a decimal or thousands mark, and common in texts."""
SAMPLE = 5_000
"""Rows that the separator is judged by; longer files are sampled at the start, the middle and the end."""
MAX_COLUMNS, MAX_CELLS = 2_000, 10_000_000
"""Limits of a table, checked while it is read."""
MAX_SEPARATORS = 200_000
"""Most separators in a line, those in quotes included."""
SEP_LINE = re.compile(r'^"?sep=(.)"?\r?\n?', re.IGNORECASE)
_VALUE = re.compile(
    r"[-+]?[\d.,' \u00a0]*\d[\d.,]*(e[-+]?\d+)?\s*%?$|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}[^;|\t]*$", re.IGNORECASE
)

SEPARATOR_NAMES = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar", " ": "space"}
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?")


@dataclass(frozen=True)
class Rows:
    """The header and the rows of a delimited text: cells, and the row number in the file (the first row is 1)."""

    header: list[str]
    rows: list[list[str]]
    numbers: list[int]
    separator: str


def read_delimited(text: str, repairs: Repairs, *, cell_limit: int, row_limit: int) -> Rows:
    """Read a delimited text with a header; blank rows, a `sep=` line and comments above the header are skipped.

    Raises:
        DataError: A quote is misplaced, a cell or the file is too long, or there is no table.
    """
    csv.field_size_limit(max(csv.field_size_limit(), cell_limit))
    declared = SEP_LINE.match(text)
    separator = declared[1] if declared else detect_separator(text)
    body = text[declared.end() :] if declared else text
    spaced = None if declared else separate_by_spaces(body)
    if spaced is not None:
        repairs.record("cells are separated by spaces")
        separator, body = "\t", spaced
    offset = 1 if declared else 0
    body = align_header(body, separator, repairs, row=1 + offset)
    if any(line.count(separator) > MAX_SEPARATORS for line in io.StringIO(body, newline="")):
        raise DataError(f"a line has more than {MAX_SEPARATORS:,} cells: a table has at most {MAX_COLUMNS:,} columns.")
    numbered = list(_parse(body, separator, offset, row_limit))
    blank = [number for number, cells in numbered if not any(cell.strip() for cell in cells)]
    if blank and any(number > blank[0] for number, cells in numbered if any(cell.strip() for cell in cells)):
        repairs.note("blank_rows", f"{len(blank):,} blank rows ignored", count=len(blank), where=f"row {blank[0]}")
    numbered = [(number, cells) for number, cells in numbered if any(cell.strip() for cell in cells)]
    numbered = skip_preamble(numbered, repairs)
    if not numbered:
        raise DataError("the file has no table: expected a header and rows.")
    (_, header), rows = numbered[0], numbered[1:]
    return Rows(
        [" ".join(cell.split()) for cell in header],
        [cells for _, cells in rows],
        [number for number, _ in rows],
        separator,
    )


def detect_separator(text: str) -> str:
    """Return the separator that divides all rows, header included, into the same number of two or more cells.

    Marks inside quotes do not count. If no separator fits all rows, the one that fits most of them.
    """
    lines = _sample(text)
    scores = {}
    for separator in SEPARATORS:
        lengths = _lengths(lines, separator)
        if not lengths:
            continue
        usual = Counter(lengths).most_common(1)[0][0]
        has_other_header = lengths[0] == 1 < usual and bool(split_header(lines[0], usual, separator))
        lengths = lengths[has_other_header:]
        share = lengths.count(usual) / len(lengths)
        fits_header = has_other_header or usual == lengths[0]
        scores[separator] = (
            usual > 1,
            share > 0.98 and fits_header,
            share > 0.9,
            fits_header,
            _value_share(lines, separator),
            not has_other_header,
        )
    if not scores:
        return ","
    return max(scores, key=lambda separator: (scores[separator], -SEPARATORS.index(separator)))


def split_header(line: str, width: int, separator: str) -> tuple[str, ...]:
    """Return another separator that divides a header into `width` names, then the names; empty if there is none."""
    for other in (*SEPARATORS, " "):
        names = next(csv.reader([line], delimiter=other, skipinitialspace=other == " "), [])
        if other != separator and len(names) == width and all(name.strip() for name in names):
            return (other, *names)
    return ()


def align_header(text: str, separator: str, repairs: Repairs, *, row: int) -> str:
    """Return the text with the header separated as the rows are, where it has another separator."""
    match = re.match(r"\s*([^\r\n]+)", text)
    line = match[1] if match else ""
    if not match or separator in line or line.startswith("#"):
        return text
    try:
        rows = list(csv.reader(_sample(text)[1:201], delimiter=separator))
    except csv.Error:
        return text
    width, count = Counter(map(len, rows)).most_common(1)[0] if rows else (0, 0)
    names = split_header(line, width, separator) if width > 1 and count > 0.9 * len(rows) else ()
    if not names or len(rows[0]) != width or not _is_data(rows):
        return text
    words = [SEPARATOR_NAMES.get(mark, mark) for mark in (names[0], separator)]
    message = f"the header is separated by {words[0]}, the rows by {words[1]}: both read"
    repairs.note("header_separator", message, where=f"row {row}", example=line)
    header = io.StringIO()
    csv.writer(header, delimiter=separator, lineterminator="").writerow(names[1:])
    return text[: match.start(1)] + header.getvalue() + text[match.end(1) :]


def _is_data(rows: list[list[str]]) -> bool:
    """Whether the first of some rows is data: a number, a date, a phrase, or a cell that another row repeats."""
    cells = [cell.strip() for cell in rows[0]]
    repeats = any(cell and any(row[k : k + 1] == [cell] for row in rows[1:]) for k, cell in enumerate(cells))
    return repeats or any(is_value(cell) or " " in cell for cell in cells)


def separate_by_spaces(text: str) -> str | None:
    """Return a table of numbers and times whose cells are separated by spaces with tabs; None for other texts."""
    lines = re.split(r"\r\n|\n|\r", text)
    cells = [line.split() for line in lines if line.strip()]
    width = len(cells[-1]) if cells else 0
    has_other_header = width > 1 == len(cells[0]) and bool(split_header(cells[0][0], width, " "))
    rows = cells[has_other_header:]
    if width < 2 or len(cells) < 3 or any(len(row) != width for row in rows) or any(map(is_value, cells[0])):
        return None
    values = [is_value(cell) or bool(_CLOCK.fullmatch(cell)) for row in cells[1:201] for cell in row]
    has_separators = any(len(row) > 1 for row in csv.reader(lines[:1], delimiter=detect_separator(text)))
    is_table = (has_other_header or not has_separators) and sum(values) >= 0.9 * len(values)
    return "\n".join("\t".join(line.split()) for line in lines) if is_table else None


def is_value(cell: str) -> bool:
    """Return whether a cell looks like a number or a date."""
    return bool(_VALUE.match(cell.strip()))


def _value_share(lines: list[str], separator: str) -> float:
    """Return the share of cells below the header that are a number or a date, rounded down to fifths."""
    try:
        cells = [cell.strip() for row in csv.reader(lines[1:201], delimiter=separator) for cell in row]
    except csv.Error:
        return 0.0
    return int(5 * sum(is_value(cell) for cell in cells) / max(1, len(cells))) / 5


def _sample(text: str) -> list[str]:
    lines = [line for line in re.split(r"\r\n|\n|\r", text) if line.strip()]
    if len(lines) <= SAMPLE:
        return lines
    third = SAMPLE // 3
    middle = len(lines) // 2
    return [*lines[:third], *lines[middle : middle + third], *lines[-third:]]


def _lengths(lines: list[str], separator: str) -> list[int]:
    """Return the number of cells of each row; quoted line breaks and separators do not count."""
    if any(line.count(separator) > MAX_SEPARATORS for line in lines):
        return []
    try:
        return [len(row) for row in csv.reader((line + "\n" for line in lines), delimiter=separator) if row]
    except csv.Error:
        return []


def _parse(text: str, separator: str, offset: int, row_limit: int) -> Iterator[tuple[int, list[str]]]:
    """Yield rows with their numbers; a row that spans several lines has the number of its first one."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number, count, size = 1 + offset, 0, 0
    try:
        for cells in reader:
            size = check_size(size, len(cells), number)
            yield number, cells
            number, count = reader.line_num + 1 + offset, count + 1
            if count > row_limit + 1:
                raise DataError(f"row {row_limit + 2:,}: more rows than the limit of {row_limit:,}: shorten the file.")
    except csv.Error as error:
        problem = "an open quote" if "unexpected end" in str(error) else str(error)
        raise DataError(
            f"row {number}: {problem}: a cell that contains '{separator}', a quote or a line break needs double quotes "
            "around it, and a quote inside them is written twice."
        ) from None


def check_size(size: int, columns: int, row: int) -> int:
    """Return the number of cells up to this row.

    Raises:
        DataError: There are too many columns or cells.
    """
    if columns > MAX_COLUMNS:
        raise DataError(f"row {row}: {columns:,} columns: the limit is {MAX_COLUMNS:,}. Leave some out.")
    if size + columns > MAX_CELLS:
        raise DataError(f"row {row}: more than {MAX_CELLS:,} cells up to here: leave out rows or columns.")
    return size + columns


def skip_preamble(rows: list[tuple[int, list[str]]], repairs: Repairs) -> list[tuple[int, list[str]]]:
    """Skip the preamble above the header: rows of one cell, comments (`#`), fields (`Station:`), and other tables that
    a blank line divides from it."""
    width = Counter(len(cells) for _, cells in rows).most_common(1)[0][0] if rows else 0
    start = _end_of_first_table(rows, width)
    while start < min(len(rows) - 1, 50):
        cells = rows[start][1]
        is_comment = cells[0].lstrip().startswith("#") and len(rows) > start + 2 and len(rows[start + 1][1]) == width
        alone = sum(bool(cell.strip()) for cell in cells) <= 1 < width and start < 50
        is_field = cells[0].rstrip().endswith(":") and len(rows) > start + 2
        if not (is_comment and len(cells) != width) and not alone and not is_field:
            break
        start += 1
    if start:
        repairs.note(
            "preamble",
            f"{start} line{'s' if start > 1 else ''} above the header ignored",
            count=start,
            where=f"row {rows[0][0]}",
            example=rows[0][1][0],
        )
    return rows[start:]


def _end_of_first_table(rows: list[tuple[int, list[str]]], width: int) -> int:
    """Return how many rows stand above a blank line at the start, if they are of other widths than the rows below."""
    for at in range(1, min(len(rows) - 1, 50)):
        if len(rows[at - 1][1]) == width:
            return 0
        if rows[at][0] > rows[at - 1][0] + 1 and len(rows[at][1]) == width:
            return at
    return 0
