"""Output of a command: one JSON document, or a table for reading."""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPE_WIDTH = 200
"""Columns of a table when standard output is not a terminal."""
LIST_ITEMS = 12
"""Items of a list that are shown without `--json`."""


def print_result(result: Any, *, as_json: bool, columns: Sequence[str] = ()) -> None:
    """Print a command's result on standard output; `columns` selects and orders those of a table, all by default."""
    if as_json:
        print(json.dumps(_finite(result), allow_nan=False))
    elif isinstance(result, str):
        print(result, end="")
    elif isinstance(result, list):
        print(format_table(result, columns), end="")
    elif result is not None:
        _print_fields(result)
    sys.stdout.flush()


def _finite(value: Any) -> Any:
    """Replace infinity and not-a-number, which JSON lacks, by null."""
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def format_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> str:
    """Return a table of rows as text, each line with its end."""
    names = list(columns or dict.fromkeys(name for row in rows for name in row))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        is_number = any(isinstance(row.get(name), int | float) and not isinstance(row[name], bool) for row in rows)
        table.add_column(name.replace("_", " "), justify="right" if is_number else "left", no_wrap=name == names[0])
    for row in rows:
        table.add_row(*(Text(_format(row.get(name))) for name in names))
    return _render(table if rows else Text("none"))


def _print_fields(fields: Mapping[str, Any]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in fields.items():
        if isinstance(value, Mapping):
            table.add_row(Text(name), "")
            for key, item in value.items():
                if not str(key).endswith(("_low", "_high")):
                    table.add_row(Text(f"  {key}"), Text(_format(item) + _interval(value, str(key))))
        else:
            table.add_row(Text(name), Text(_format(value)))
    print(_render(table), end="")


def _render(content: Table | Text) -> str:
    """Return the lines without the spaces that pad every row to the width of the terminal."""
    console = Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH)
    with console.capture() as capture:
        console.print(content)
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def _interval(values: Mapping[str, Any], name: str) -> str:
    """Return the 95 % interval that `<name>_low` and `<name>_high` give, in brackets."""
    low, high = values.get(f"{name}_low"), values.get(f"{name}_high")
    return "" if low is None or high is None else f" [{_format(low)}, {_format(high)}]"


def _format(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        estimates = {name: item for name, item in value.items() if not str(name).endswith(("_low", "_high"))}
        return ", ".join(f"{name} {_format(item)}" for name, item in estimates.items())
    if isinstance(value, list | tuple):
        text = ", ".join(_format(item) for item in value[:LIST_ITEMS])
        return text + (f", ... ({len(value)} in all)" if len(value) > LIST_ITEMS else "")
    if isinstance(value, float):
        return f"{value:.5g}"
    return "".join(sign if sign.isprintable() or sign == "\n" else " " for sign in str(value))
