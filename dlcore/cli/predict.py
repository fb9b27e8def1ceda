"""`predict`: predict one input with a finished run, or a file of many into a table."""

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any

from dlcore.cli.explain import source_from_args
from dlcore.cli.verbs import RUN_HELP, add_command
from dlcore.core.errors import RequestError

if TYPE_CHECKING:
    from dlcore.runs.batch.output import BatchProgress

EVERY_S = 2.0
"""Seconds between two lines of progress where standard error is not a terminal."""


def predict(options: argparse.Namespace) -> dict[str, Any]:
    """Predict a CSV, an image or a text with a finished run; with -o, every row or photo of a file into a table."""
    from dlcore import runs

    run = runs.open_run(options.run)
    if options.output is None:
        if options.input is not None and options.text is not None:
            raise RequestError("--text names a column of --input FILE: write the table of predictions with -o OUT.csv.")
        source = source_from_args(options)
        return {"run_id": run.record.run_id, **run.predict(source, whole=options.whole, baseline=options.baseline)}
    if options.input is None or options.whole or options.baseline:
        raise RequestError("-o needs --input FILE, a table, a series, or photos, and excludes --whole and --baseline.")
    progress = ProgressLine()
    try:
        result = run.predict_file(options.input, options.output, text=options.text or "", listener=progress)
    finally:
        progress.end()
    for note in result.notes:
        print(note, file=sys.stderr)
    return {"run_id": run.record.run_id, **result.as_json()}


class ProgressLine:
    """Prints the rows done and the time left on standard error: on one line of a terminal, else a line now and then."""

    def __init__(self) -> None:
        self.start = self.last = time.monotonic()
        self.first: int | None = None
        self.is_terminal = sys.stderr.isatty()
        self.is_open = False

    def __call__(self, progress: "BatchProgress") -> None:
        """Show the progress, at most ten times a second on a terminal."""
        now = time.monotonic()
        if self.first is None:  # what an earlier process did, and the start of the first part, do not count
            self.first, self.start = progress.position, now
        if now - self.last < (0.1 if self.is_terminal else EVERY_S):
            return
        self.last = now
        text = progress.describe(now - self.start, since=self.first)
        print(f"\r{text:<78}" if self.is_terminal else text, end="" if self.is_terminal else "\n", file=sys.stderr)
        sys.stderr.flush()
        self.is_open = self.is_terminal

    def end(self) -> None:
        """End the line of a terminal."""
        if self.is_open:
            print(file=sys.stderr)


def arguments(verbs: Any) -> None:
    """Add `predict`."""
    parser = add_command(verbs, "predict", predict)
    parser.add_argument("run", metavar="RUN", help=RUN_HELP)
    parser.add_argument(
        "--input", metavar="FILE", help="a table, a series, a text file, an image, or a zip or folder of images"
    )
    parser.add_argument(
        "--text", metavar="TEXT", help="the text, for projects that read texts; with -o the column of the texts"
    )
    parser.add_argument("--baseline", default="", metavar="NAME", help="a stored baseline instead of the network")
    parser.add_argument("--whole", action="store_true", help="read a table of several rows as one text")
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="write the predictions for every row or photo to a .csv, .jsonl or .parquet file; resumable",
    )
