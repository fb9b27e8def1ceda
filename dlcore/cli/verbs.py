"""What every command shares: how it is added, settings given with --set, and a file that is read."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlcore.core.errors import DataError, RequestError

if TYPE_CHECKING:
    from dlcore.projects.project import RunConfig

RUN_HELP = "a run's id, the beginning of one, or reference:<project>/<model>"


def add_command(verbs: Any, name: str, command: Callable[[argparse.Namespace], Any]) -> argparse.ArgumentParser:
    """Add a command, told about by its docstring; gives its parser."""
    summary = (command.__doc__ or "").splitlines()[0]
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=summary, description=summary)
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.set_defaults(command=command)
    return parser


def parse_settings(pairs: Sequence[str]) -> dict[str, str]:
    """What was given with --set, as names and values.

    Raises:
        RequestError: one is not written name=value.
    """
    for pair in pairs:
        if "=" not in pair:
            raise RequestError(f"--set {pair}: write it as name=value, for example --set epochs=5.")
    return dict(pair.split("=", 1) for pair in pairs)


def read_input(path: Path, limit: int) -> bytes:
    """A file's bytes, a little more than `limit` at the most: whoever checks it then sees that it is too long.

    Raises:
        DataError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}: name a file that can be read.") from None


def add_config(parser: argparse.ArgumentParser, *, dataset: str, preset: tuple[str, str]) -> None:
    """Add the arguments that name a run's config; `dataset` says what may stand there, `preset` is the usual one, and
    what to say of it."""
    usual, meaning = preset
    parser.add_argument("project", metavar="PROJECT")
    parser.add_argument("--model", help="one of the project's models; the first by default")
    parser.add_argument("--dataset", help=dataset)
    parser.add_argument("--preset", default=usual, help=meaning)
    parser.add_argument("--seed", type=int, default=0, help="start of every random generator")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda:0, ... or mps")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting; may be repeated")


def config_from_args(options: argparse.Namespace, *, devices: int = 1) -> "RunConfig":
    """The config that these arguments name; `devices` processes share every batch.

    Raises:
        ConfigError: names the setting that is unknown or out of bounds.
    """
    from dlcore.projects import configure

    return configure(
        options.project,
        model=options.model,
        dataset=options.dataset,
        preset=options.preset,
        seed=options.seed,
        device=options.device,
        settings={"devices": devices, **parse_settings(options.set)},
    )
