"""`report`: one or several runs as one HTML file."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlcore.cli.verbs import RUN_HELP, add_command

if TYPE_CHECKING:
    from dlcore.runs.browser_model.ort_web import OrtWeb


def report(options: argparse.Namespace) -> dict[str, Any]:
    """Write one or several runs as one HTML file that opens without a network."""
    from dlcore.projects.custom.networks import running_here
    from dlcore.runs.report.document import write_report

    runtime = _runtime(options) if options.model else None
    with running_here("cpu"):
        path = write_report(options.runs, Path(options.output), runtime=runtime, explain=options.explain)
    return {"runs": options.runs, "path": str(path), "bytes": path.stat().st_size}


def _runtime(options: argparse.Namespace) -> "OrtWeb":
    """Return ONNX Runtime Web; before a download its size, license and sha256 are said, and a yes is asked for."""
    from dlcore.core.errors import RequestError
    from dlcore.runs.browser_model import ort_web

    if (runtime := ort_web.find()) is not None:
        return runtime
    print(ort_web.describe(), file=sys.stderr)
    if not options.yes:
        if not sys.stdin.isatty():
            raise RequestError("the model needs this download: confirm with --yes.")
        print("Download? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise RequestError("nothing was downloaded: leave out --model.")
    return ort_web.fetch()


def arguments(verbs: Any) -> None:
    """Add `report`."""
    parser = add_command(verbs, "report", report)
    parser.add_argument("runs", nargs="+", metavar="RUN", help=RUN_HELP)
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="the HTML file to write")
    parser.add_argument("--model", action="store_true", help="the model itself answers in the file, if small enough")
    parser.add_argument("--explain", action="store_true", help="add the explanation of one test sample (slow)")
    parser.add_argument("--yes", action="store_true", help="download ONNX Runtime Web for --model without asking")
