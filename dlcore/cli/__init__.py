"""The command line: the same jobs as the pages, through the same functions.

With `--json` standard output is one JSON document; progress goes to standard error. Exit 0 done, 2 a request that
cannot be met (one line: what, where, next step), 1 anything else.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from dlcore import __version__
from dlcore.cli import data, explain, output, projects, runs, search, training
from dlcore.core.errors import RequestError, WorkbenchError, one_line


class _Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        raise RequestError(f"{message}. See '{self.prog} --help'.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    try:
        options = _parser().parse_args(arguments)
        result = options.command(options)
        output.print_result(result, as_json=options.json)
        return 1 if isinstance(result, dict) and result.get("state") == "failed" else 0
    except RequestError as error:
        return _complain(error, 2)
    except WorkbenchError as error:
        return _complain(error, 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left: nothing more to say
        return 0
    except KeyboardInterrupt:
        print("dlcore: interrupted.", file=sys.stderr)
        return 130
    except Exception as error:  # a fault of ours or of the machine: still one line, the traceback on request
        if os.environ.get("DLCORE_TRACEBACK"):
            raise
        return _complain(f"{type(error).__name__}: {one_line(error)} (DLCORE_TRACEBACK=1 shows where)", 1)


def _complain(error: BaseException | str, code: int) -> int:
    print(f"dlcore: {error if isinstance(error, str) else one_line(error)}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m dlcore", description="The deep-learning workbench without a browser.")
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    for part in (projects, data, training, runs, explain, search):
        part.arguments(verbs)
    return parser
