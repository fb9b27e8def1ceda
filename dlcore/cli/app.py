"""`dlcore app`: start the app."""

import argparse
import os
import subprocess
import sys
from typing import Any

from dlcore.core import settings


def app(options: argparse.Namespace) -> None:
    """Start the app on this machine and open it in the browser."""
    command = streamlit_command(options.port, headless=options.headless, extra=options.options)
    path = os.pathsep.join(part for part in (str(settings.IMPORT_ROOT), os.environ.get("PYTHONPATH")) if part)
    environment = {**os.environ, "PYTHONPATH": path}
    sys.stdout.flush()
    if os.name == "posix":
        os.execve(command[0], command, environment)  # the server takes over this process and its signals
    sys.exit(subprocess.call(command, env=environment))


def streamlit_command(port: int | None, *, headless: bool, extra: list[str]) -> list[str]:
    """Return the command that serves the app; `extra` holds options of `streamlit run`."""
    command = [sys.executable, "-m", "streamlit", "run", str(settings.ROOT / "app.py")]
    if port is not None:
        command.append(f"--server.port={port}")
    if headless:
        command.append("--server.headless=true")
    return [*command, *(option for option in extra if option != "--")]


def arguments(verbs: Any) -> None:
    """Add `app`."""
    summary = (app.__doc__ or "").splitlines()[0]
    parser = verbs.add_parser("app", help=summary, description=summary)
    parser.add_argument("--port", type=int, metavar="N", help="port; 8501 or the next free one by default")
    parser.add_argument("--headless", action="store_true", help="do not open a browser")
    parser.add_argument(
        "options",
        nargs=argparse.REMAINDER,
        metavar="-- OPTION ...",
        help="options of 'streamlit run', such as -- --server.address=0.0.0.0",
    )
    parser.set_defaults(command=app, json=False, table_columns=())
