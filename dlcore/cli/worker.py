"""`worker` and `health`: commands of a server that runs in containers or as services."""

import argparse
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from typing import Any

from dlcore.core import settings
from dlcore.core.errors import WorkbenchError

TIMEOUT = 10.0
"""Seconds in which a server must answer."""


def work(options: argparse.Namespace) -> None:
    """Start the workers that a web server with DLCORE_WORKERS=service asks for, until the service is ended."""
    from dlcore.runs.worker import service

    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    print("Waiting for runs.", file=sys.stderr, flush=True)
    service.serve(over)


def health(options: argparse.Namespace) -> dict[str, Any]:
    """Open pages of the app without a browser; exit code 1 if one fails, or if the server at --url does not answer."""
    if options.url:
        _check_server(options.url.rstrip("/"))
    path = os.pathsep.join(part for part in (str(settings.IMPORT_ROOT), os.environ.get("PYTHONPATH")) if part)
    command = [sys.executable, "-m", "dlcore.ui.shell.health", *options.pages]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    if done.returncode:
        failed = "; ".join(line for line in lines if ": " in line) or (done.stderr.splitlines() or ["no output"])[-1]
        raise WorkbenchError(f"pages failed: {failed}")
    return {"pages": lines, "state": "healthy"}


def _check_server(url: str) -> None:
    """Check that the server answers.

    Raises:
        WorkbenchError: it does not.
    """
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=TIMEOUT) as answer:
            answer.read()
    except (OSError, ValueError) as error:
        raise WorkbenchError(f"{url} does not answer ({error}): see the log of the server.") from error


def arguments(verbs: Any) -> None:
    """Add `worker` and `health`."""
    for name, command in (("worker", work), ("health", health)):
        summary = (command.__doc__ or "").splitlines()[0]
        parser = verbs.add_parser(name, help=summary, description=summary)
        parser.set_defaults(command=command, json=False, table_columns=())
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="pages by their name in the URL; all by default")
    parser.add_argument("--url", metavar="URL", help="a running server that must answer")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
