"""The command line: the same functions as the pages.

With `--json`, standard output is one JSON document; progress goes to standard error. Exit codes: 0 done, 2 a request
that cannot be met (one line: what, where, next step), 1 any other error.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from dlcore import __version__
from dlcore.cli import (
    app,
    benchmark,
    check,
    compare,
    data,
    diagnose,
    explain,
    find_rate,
    inspect,
    monitor,
    output,
    pack,
    predict,
    projects,
    report,
    results,
    runs,
    search,
    training,
    worker,
)
from dlcore.core.errors import RequestError, WorkbenchError, one_line

INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """An argument parser that reports an error in one line."""

    def error(self, message: str) -> NoReturn:
        raise RequestError(f"{message}. See '{self.prog} --help'.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    try:
        options = build_parser().parse_args(_act_as_user(list(sys.argv[1:] if arguments is None else arguments)))
        result = options.command(options)
        output.print_result(result, as_json=options.json, columns=options.table_columns)
        return 1 if isinstance(result, dict) and result.get("state") == "failed" else 0
    except RequestError as error:
        return _report(error, 2)
    except WorkbenchError as error:
        return _report(error, 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader closed the pipe
        return 0
    except KeyboardInterrupt:
        print("dlcore: interrupted.", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:  # a bug or a fault of the machine: one line too, the traceback on request
        if os.environ.get("DLCORE_TRACEBACK"):
            raise
        return _report(f"{type(error).__name__}: {one_line(error)} (set DLCORE_TRACEBACK=1 for the traceback)", 1)


def _act_as_user(arguments: list[str]) -> list[str]:
    """Act for the person that `--user NAME` names, wherever it stands; return the other arguments."""
    from dlcore.core import access

    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("--user")
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options, remaining = parser.parse_known_args(arguments[:end])
    if options.user is not None:
        if not access.is_shared():
            raise RequestError(f"--user needs a shared server: set {access.SHARED} to its settings file.")
        if not access.clean_name(options.user):
            raise RequestError("--user needs a name.")
        access.act_as(options.user)
    return remaining + arguments[end:]


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = _Parser(prog="dlcore", description="Deep-learning workbench: the app's functions on the command line.")
    parser.add_argument("--user", metavar="NAME", help="act as this person of a shared server (DLCORE_SHARED)")
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in (
        *(app, projects, data, training, runs, compare, report, predict, explain, diagnose, monitor),
        *(inspect, benchmark, search, results, check, pack, find_rate, worker),
    ):
        module.arguments(verbs)
    return parser


def _report(error: BaseException | str, code: int) -> int:
    print(f"dlcore: {error if isinstance(error, str) else one_line(error)}", file=sys.stderr)
    return code
