"""`explain`: why a finished run predicts what it predicts."""

import argparse
import sys
from pathlib import Path
from typing import Any

from dlcore.cli.verbs import RUN_HELP, add_command
from dlcore.core.errors import RequestError

MAX_ROWS = 15
"""Contributions in the table; `--json` has all of them."""


def explain(options: argparse.Namespace) -> dict[str, Any] | list[dict[str, Any]]:
    """Explanation of one prediction: the parts of the input that matter most, and its sanity checks."""
    from dlcore import runs

    run = runs.open_run(options.run)
    result = run.explain(source_from_args(options), method=options.method, target=options.target)
    if options.json:
        return {"run_id": run.record.run_id, **result}
    print(f"{result['method']}: {result['summary']}", file=sys.stderr)
    return [*_contributions(result["contributions"]), *result["checks"]]


def _contributions(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with the largest contributions, for or against."""
    return sorted(rows, key=lambda row: -abs(row["value"]))[:MAX_ROWS]


def source_from_args(options: argparse.Namespace) -> Path | bytes:
    """The input that --input or --text names.

    Raises:
        RequestError: neither or both are given.
    """
    if (options.input is None) == (options.text is None):
        raise RequestError("name the input with --input FILE, or give a text with --text TEXT.")
    return Path(options.input) if options.text is None else str(options.text).encode("utf-8", "replace")


def add_source(parser: argparse.ArgumentParser) -> None:
    """Add RUN, --input and --text."""
    parser.add_argument("run", metavar="RUN", help=RUN_HELP)
    parser.add_argument("--input", metavar="FILE", help="a CSV, an image or a text file, as the project takes it")
    parser.add_argument("--text", metavar="TEXT", help="the text itself, for projects that take texts")


def arguments(verbs: Any) -> None:
    """Add `explain`."""
    parser = add_command(verbs, "explain", explain)
    add_source(parser)
    parser.add_argument("--method", default="", help="how to explain; the project's default if left out")
    parser.add_argument("--target", default="", metavar="LABEL", help="class or variable to explain; the predicted one")
