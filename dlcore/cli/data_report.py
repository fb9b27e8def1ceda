"""A checked file or saved dataset as tables for reading: what was understood, its problems, its receipt."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dlcore.cli.output import print_result

if TYPE_CHECKING:
    from dlcore.data.custom.importer import RejectedItem

MAX_LINES = 20
"""Lines of a receipt and files left out that are printed."""


def print_description(description: Mapping[str, Any], rejected: "Sequence[RejectedItem]" = ()) -> None:
    """Print a description as `Preview.describe` returns it: facts, columns, classes, problems, receipt."""
    facts = {name: description[name] for name in ("name", "kind", "rows") if name in description}
    time = description["time"]
    if time:
        facts["time"] = f"{time['first']} to {time['last']}" + (f", {time['zone']}" if time.get("zone") else "")
        facts["step"] = f"{time['step_seconds']:g} s"
        facts["period"] = f"{time['period']:,} steps" if time["period"] else "none"
    if description["windows"]:
        facts["labeled windows"] = len(description["windows"])
    print_result({**facts, **_checksum(description)}, as_json=False)
    _print_list("columns", _columns(description))
    _print_list("classes", [{"class": name, **counts} for name, counts in description["classes"].items()])
    _print_list("problems", [_problem(row) for row in description["problems"] if row["choices"]])
    _print_lines("receipt", description["receipt"])
    _print_lines("files", [f"{item.name[:60]}: {item.reason.rstrip('.')}, {item.outcome}" for item in rejected])


def _checksum(description: Mapping[str, Any]) -> dict[str, str]:
    return {"sha256": description["checksum"]} if "checksum" in description else {}


def _columns(description: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Join the columns with their statistics."""
    values = description["values"]
    rows = [{**column, **values.get(column["name"], {})} for column in description["columns"]]
    known = {column["name"] for column in description["columns"]}
    return [*rows, *({"name": name, **row} for name, row in values.items() if name not in known)]


def _problem(problem: Mapping[str, Any]) -> dict[str, Any]:
    choices = [f"{choice} (default)" if choice == problem["default"] else choice for choice in problem["choices"]]
    return {
        "problem": problem["kind"],
        "message": problem["message"],
        "count": problem["count"],
        "first": problem["where"],
        "repair": problem["selected"] or problem["default"],
        "choices": ", ".join(choices),
    }


def _print_list(title: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        print(f"\n{title}")
        print_result(rows, as_json=False)


def _print_lines(title: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    print(f"\n{title}")
    for number, line in enumerate(lines[:MAX_LINES], start=1):
        print(f"{number}. {line}")
    if len(lines) > MAX_LINES:
        print(f"... and {len(lines) - MAX_LINES:,} more")
