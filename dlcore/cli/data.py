"""`data`: list, download, check, add and remove datasets."""

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlcore.cli.data_report import print_description
from dlcore.cli.verbs import add_command
from dlcore.core import progress

if TYPE_CHECKING:
    from dlcore.data.custom.importer import Importer, Preview

LIST_COLUMNS = ("name", "kind", "available", "rows", "license")
"""Columns of `data list` without `--json`."""
_METAVARS = {"column": "COL", "columns": "a,b,c|all", "file": "FILE", "value": "N"}


def data_list(options: argparse.Namespace) -> list[dict[str, Any]]:
    """List all datasets and whether they are on this machine: public, pretrained BERTs, custom."""
    from dlcore.data.custom import registry
    from dlcore.data.sources import bert_weights
    from dlcore.data.sources.registry import DATASETS

    berts = [f"{bert_weights.PREFIX}{name}" for name in bert_weights.list_names()]
    public = [describe_dataset(name) for name in (*DATASETS, *berts)]
    custom = registry.list_datasets()
    return [*public, *({**describe_dataset(entry.dataset), **entry.describe()} for entry in custom)]


def data_get(options: argparse.Namespace) -> dict[str, Any]:
    """Download a dataset; its size and license are printed first."""
    from dlcore.data.sources import locate

    dataset = locate.get_dataset(options.name)
    size = f"{dataset.describe_size}, " if dataset.size else ""
    print(f"{dataset.title}: {size}license {dataset.license}, {dataset.homepage}", file=sys.stderr)
    path = locate.fetch(options.name, _print_progress)
    print(file=sys.stderr)
    return {**describe_dataset(options.name), "path": str(path)}


def data_check(options: argparse.Namespace) -> dict[str, Any] | None:
    """Read and validate a file as `data add` does, and store nothing.

    Exit code 0 if its default or chosen repairs make it usable, else 2.
    """
    from dlcore.core.errors import RequestError
    from dlcore.data.custom.importer import ask_for_repairs

    _, preview = _check_file(options)
    if preview.undecided:
        raise RequestError(ask_for_repairs(preview.undecided))
    return _report(preview, preview.describe(), options)


def data_add(options: argparse.Namespace) -> dict[str, Any] | None:
    """Validate a file and save it as a custom dataset: series, table, images, texts or pairs."""
    from dlcore.data.custom import registry
    from dlcore.data.sources.registry import DATASETS

    registry.check_name(options.name, reserved=DATASETS)
    importer, preview = _check_file(options)
    with progress.listening(_ImportProgress()):
        entry = importer.save(options.name, preview, source=options.file)
    return _report(preview, {**describe_dataset(entry.dataset), **entry.describe()}, options)


def _check_file(options: argparse.Namespace) -> "tuple[Importer[Any], Preview[Any]]":
    from dlcore.data.custom.importers import check_file

    with progress.listening(_ImportProgress()):
        return check_file(Path(options.file), repair=options.repair, **_import_options(options))


def _report(preview: "Preview[Any]", description: dict[str, Any], options: argparse.Namespace) -> dict[str, Any] | None:
    """Return the description for `--json`; else print it, its problems and its receipt."""
    if options.json:
        return description
    print_description(description, preview.rejected)
    return None


class _ImportProgress:
    """Prints the progress of an import to a terminal, at most four times a second."""

    def __init__(self) -> None:
        self.next_time = time.monotonic() + 1

    def __call__(self, what: str, done: int, total: int) -> None:
        if sys.stderr.isatty() and time.monotonic() >= self.next_time:
            print(f"\r{what}: {done:,} of {total:,} ", end="", file=sys.stderr, flush=True)
            self.next_time = time.monotonic() + 0.25


def _import_options(options: argparse.Namespace) -> dict[str, Any]:
    from dlcore.data.custom.importer import list_options
    from dlcore.data.custom.importers import IMPORTERS

    names = {option.setting.name for importer in IMPORTERS.values() for option in list_options(importer)}
    values = {name: value for name in names if (value := getattr(options, name)) is not None}
    return {**values, "kind": options.kind}


def data_clear(options: argparse.Namespace) -> dict[str, Any]:
    """Delete cached BERT features; a later run computes them again."""
    from dlcore.data.text import token_states

    _, chunks = token_states.usage()
    return {"chunks": chunks, "freed_bytes": token_states.clear()}


def data_remove(options: argparse.Namespace) -> dict[str, Any]:
    """Delete a custom dataset; runs trained on it keep their scores."""
    from dlcore.data.custom import registry

    return {"name": registry.remove(options.name).dataset, "removed": True}


def data_share(options: argparse.Namespace) -> dict[str, Any]:
    """Let everybody on a shared server use a custom dataset, or no longer (--off)."""
    from dlcore.data.custom import registry

    entry = registry.share(options.name, is_shared=not options.off)
    return {"name": entry.dataset, "shared": not options.off}


def describe_dataset(name: str) -> dict[str, Any]:
    """Describe a dataset: kind, availability, size and license."""
    from dlcore.data.sources import locate

    dataset = locate.get_dataset(name)
    return {
        "name": name,
        "kind": dataset.kind,
        "available": locate.is_available(name),
        "rows": dataset.rows,
        "license": dataset.license,
    }


def _print_progress(done: int, total: int) -> None:
    print(f"\r{done / 2**20:,.1f} of {total / 2**20:,.1f} MB", end="", file=sys.stderr, flush=True)


def _add_option_flags(parser: argparse.ArgumentParser) -> None:
    """Add a flag for every option of every importer."""
    from dlcore.data.custom.importer import list_options
    from dlcore.data.custom.importers import IMPORTERS, KIND_NAMES

    parser.add_argument("--kind", choices=list(KIND_NAMES), help="kind of data; guessed from the file and the flags")
    helps: dict[str, list[str]] = {}
    roles: dict[str, str] = {}
    for kind, importer in IMPORTERS.items():
        for option in list_options(importer):
            helps.setdefault(option.setting.name, []).append(f"{kind}: {option.setting.help}")
            roles.setdefault(option.setting.name, option.role)
    for name, lines in helps.items():
        parser.add_argument(f"--{name}", metavar=_METAVARS[roles[name]], help=" ".join(lines).replace("%", "%%"))


def arguments(commands: Any) -> None:
    """Add `data` with its verbs."""
    verb_list = "list|get|check|add|remove|clear-states"
    parser = commands.add_parser("data", help=f"datasets: {verb_list.replace('|', ', ')}")
    verbs = parser.add_subparsers(required=True, metavar=verb_list)
    add_command(verbs, "list", data_list, columns=LIST_COLUMNS)
    add_command(verbs, "get", data_get).add_argument("name", metavar="NAME")
    _import_arguments(add_command(verbs, "check", data_check))
    add = add_command(verbs, "add", data_add)
    add.add_argument("name", metavar="NAME", help="name of the new dataset: letters, digits, - and _")
    _import_arguments(add)
    add_command(verbs, "remove", data_remove).add_argument("name", metavar="NAME")
    share = add_command(verbs, "share", data_share)
    share.add_argument("name", metavar="NAME")
    share.add_argument("--off", action="store_true", help="stop sharing it")
    add_command(verbs, "clear-states", data_clear)


def _import_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of an import: the file, repairs, and the options of all importers."""
    parser.add_argument(
        "file", metavar="FILE", help="CSV, TSV, JSON, Excel, Parquet, or a zip or folder with one folder per class"
    )
    parser.add_argument(
        "--repair", action="append", metavar="KIND=HOW|default", help="repair a problem; default accepts all defaults"
    )
    parse = parser.parse_known_args

    def parse_with_options(args: Any = None, namespace: Any = None) -> Any:
        _add_option_flags(parser)  # late: the importers take a second to import
        return parse(args, namespace)

    parser.parse_known_args = parse_with_options  # type: ignore[method-assign]
