"""Text cells: markers of missing values, and quotes of cells in messages."""

import pandas as pd

MISSING_MARKS = frozenset(
    (
        "",
        "-",
        "--",
        "---",
        "?",
        ".",
        "..",
        "na",
        "n/a",
        "#n/a",
        "nan",
        "null",
        "none",
        "nil",
        "<na>",
        "nat",
        "\\n",
        "k.a.",
    )
)
"""Cells that stand for a missing value, in lower case."""


def strip_cells(cells: pd.Series) -> pd.Series:
    """Strip white space; cells that mark a missing value become empty."""
    texts = cells.str.strip()
    return texts.mask(texts.str.lower().isin(MISSING_MARKS), "")


def replace_comma(texts: pd.Series) -> pd.Series:
    """Replace the decimal comma of plain numbers with a point."""
    return texts.str.replace(r"^([+-]?\d+),(\d+)$", r"\1.\2", regex=True)


def quote_cell(cell: str) -> str:
    """Quote a cell in a message."""
    return f"'{shorten(cell)}'" if cell.strip() else "an empty cell"


def shorten(text: object) -> str:
    """Shorten a text to 40 printable characters for a message."""
    clean = "".join(c if c.isprintable() else "?" for c in str(text))
    return clean if len(clean) <= 40 else clean[:37] + "..."


def list_names(names: list[str] | tuple[str, ...], limit: int = 6) -> str:
    """Quote up to `limit` column names for a message."""
    quoted = ", ".join(f"'{shorten(name)}'" for name in names[:limit])
    return f"{quoted} and {len(names) - limit} more" if len(names) > limit else quoted


def plural(count: int, noun: str) -> str:
    """Return a count with its noun: `1 row`, `2,000 rows`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
