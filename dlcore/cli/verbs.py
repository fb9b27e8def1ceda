"""What every command shares: how it is added, settings given with --set, and a file that is read."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dlcore.core.errors import DataError, RequestError

RUN_HELP = "a run's id, the beginning of one, or reference:<project>/<model>"


def add(verbs: Any, name: str, command: Callable[[argparse.Namespace], Any]) -> argparse.ArgumentParser:
    """Add a command, told about by its docstring; gives its parser."""
    summary = (command.__doc__ or "").splitlines()[0]
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=summary, description=summary)
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.set_defaults(command=command)
    return parser


def settings(pairs: Sequence[str]) -> dict[str, str]:
    """What was given with --set, as names and values.

    Raises:
        RequestError: one is not written name=value.
    """
    for pair in pairs:
        if "=" not in pair:
            raise RequestError(f"--set {pair}: write it as name=value, for example --set epochs=5.")
    return dict(pair.split("=", 1) for pair in pairs)


def read(path: Path, limit: int) -> bytes:
    """A file's bytes, a little more than `limit` at the most: whoever checks it then sees that it is too long.

    Raises:
        DataError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}: name a file that can be read.") from None
