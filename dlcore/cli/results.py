"""`results`: the reference runs' results, as in docs/results.md."""

import argparse
from typing import Any

from dlcore.cli.verbs import add_command


def results(options: argparse.Namespace) -> Any:
    """Print the results of all reference runs as Markdown, read from their bundles."""
    from dlcore.runs import results as tables

    return tables.result_rows() if options.json else tables.render_markdown()


def arguments(verbs: Any) -> None:
    """Add `results`."""
    add_command(verbs, "results", results)
