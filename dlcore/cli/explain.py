"""`explain`: explain one prediction of a finished run."""

import argparse
import sys
from pathlib import Path
from typing import Any

from dlcore.cli.verbs import RUN_HELP, add_command
from dlcore.core.errors import RequestError

MAX_ROWS = 15
"""Contributions in the table; `--json` has all of them."""


def explain(options: argparse.Namespace) -> dict[str, Any] | list[dict[str, Any]]:
    """Explain one prediction: the parts of the input that matter most, and sanity checks."""
    from dlcore import runs

    run = runs.open_run(options.run)
    result = run.explain(source_from_args(options), method=options.method, target=options.target)
    if options.json:
        return {"run_id": run.record.run_id, **result}
    print(f"{result['method']}: {result['summary']}", file=sys.stderr)
    return [*_contributions(result["contributions"]), *result["checks"]]


def _contributions(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows with the largest contributions, for or against."""
    return sorted(rows, key=lambda row: -abs(row["value"]))[:MAX_ROWS]


def source_from_args(options: argparse.Namespace) -> Path | bytes:
    """Return the input from --input or --text.

    Raises:
        RequestError: neither or both are set.
    """
    if (options.input is None) == (options.text is None):
        raise RequestError("set exactly one of --input FILE and --text TEXT.")
    return Path(options.input) if options.text is None else str(options.text).encode("utf-8", "replace")


def add_source(parser: argparse.ArgumentParser) -> None:
    """Add RUN, --input and --text."""
    parser.add_argument("run", metavar="RUN", help=RUN_HELP)
    parser.add_argument("--input", metavar="FILE", help="a CSV, an image or a text file, depending on the project")
    parser.add_argument("--text", metavar="TEXT", help="the text, for projects that read texts")


def arguments(verbs: Any) -> None:
    """Add `explain`."""
    parser = add_command(verbs, "explain", explain)
    add_source(parser)
    parser.add_argument("--method", default="", help="explanation method (default: the project's)")
    parser.add_argument(
        "--target", default="", metavar="LABEL", help="class or variable to explain (default: the predicted class)"
    )
