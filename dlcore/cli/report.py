"""`report`: one or several runs as one HTML file."""

import argparse
from pathlib import Path
from typing import Any

from dlcore.cli.verbs import RUN_HELP, add_command


def report(options: argparse.Namespace) -> dict[str, Any]:
    """Write one or several runs as one HTML file that opens without a network."""
    from dlcore.runs.report.document import write_report

    path = write_report(options.runs, Path(options.output))
    return {"runs": options.runs, "path": str(path), "bytes": path.stat().st_size}


def arguments(verbs: Any) -> None:
    """Add `report`."""
    parser = add_command(verbs, "report", report)
    parser.add_argument("runs", nargs="+", metavar="RUN", help=RUN_HELP)
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="the HTML file to write")
