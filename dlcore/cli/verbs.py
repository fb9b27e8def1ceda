"""Shared by all commands: adding a command, config arguments, `--set`, reading an input file."""

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from dlcore.core.errors import RequestError

if TYPE_CHECKING:
    from dlcore.projects.project import RunConfig

RUN_HELP = "a run id, a unique prefix of one, or reference:<project>/<model>"


def add_command(
    verbs: Any,
    name: str,
    command: Callable[[argparse.Namespace], Any],
    *,
    columns: Sequence[str] = (),
    summary: str = "",
) -> argparse.ArgumentParser:
    """Add a command and return its parser.

    `columns` selects those of the table that is printed without `--json`. The help text is `summary`, by default the
    first line of the command's docstring.
    """
    summary = summary or (command.__doc__ or "").splitlines()[0]
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=summary, description=summary)
    parser.add_argument("--json", action="store_true", help="print one JSON document on standard output")
    parser.set_defaults(command=command, table_columns=tuple(columns))
    return parser


def parse_settings(pairs: Sequence[str]) -> dict[str, str]:
    """Split the values of `--set` into names and values.

    Raises:
        RequestError: a value is not of the form name=value.
    """
    for pair in pairs:
        if "=" not in pair:
            raise RequestError(f"--set {pair}: write it as name=value, for example --set epochs=5.")
    return dict(pair.split("=", 1) for pair in pairs)


def add_config(parser: argparse.ArgumentParser, *, dataset: str, preset: tuple[str, str]) -> None:
    """Add the arguments of a run's config; `dataset` is the help of `--dataset`, `preset` a default and its help."""
    default, preset_help = preset
    parser.add_argument("project", metavar="PROJECT", help="a project's slug, see 'dlcore projects'")
    parser.add_argument("--model", help="a model of the project; the first by default")
    parser.add_argument("--dataset", help=dataset)
    parser.add_argument("--preset", default=default, help=preset_help)
    parser.add_argument("--seed", type=int, default=0, help="seed of all random generators; 0 by default")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda:0, ... or mps")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting; repeatable")


def add_cluster(parser: argparse.ArgumentParser) -> None:
    """Add `--cluster`; without it, workers run where `DLCORE_EXECUTOR` says."""
    help_text = "train as a Slurm job, with the options in DLCORE_SLURM_PARTITION, _ACCOUNT, _MINUTES, ..."
    parser.add_argument("--cluster", dest="executor", action="store_const", const="slurm", default="", help=help_text)


def add_devices(parser: argparse.ArgumentParser, default: str) -> None:
    """Add the arguments of a data-parallel run; `default` says what they are by default."""
    parser.add_argument("--devices", type=int, metavar="N", help=f"data-parallel processes per machine; {default}")
    parser.add_argument("--nodes", type=int, metavar="N", help=f"machines of the cluster; {default}")


def devices_from_args(options: argparse.Namespace) -> dict[str, int]:
    """Return those of `devices` and `nodes` that were given."""
    numbers = {name: getattr(options, name, None) for name in ("devices", "nodes")}
    return {name: number for name, number in numbers.items() if number is not None}


def config_from_args(options: argparse.Namespace) -> "RunConfig":
    """Return the config for the arguments of `add_config`, and of `add_devices` if the command has them.

    Raises:
        ConfigError: a setting is unknown or out of bounds.
    """
    from dlcore.projects import configure

    return configure(
        options.project,
        model=options.model,
        dataset=options.dataset,
        preset=options.preset,
        seed=options.seed,
        device=options.device,
        settings={**devices_from_args(options), **parse_settings(options.set)},
    )
