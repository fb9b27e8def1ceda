"""`data`: the datasets, what one brings oneself, and what is kept of them."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlcore.cli.verbs import add_command, read_input
from dlcore.core.errors import RequestError

if TYPE_CHECKING:
    from dlcore.data.custom.registry import CustomDataset


def data_list(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Every dataset, whether it is here, the pretrained BERTs that are known, and one's own below."""
    from dlcore.data.custom import registry as own
    from dlcore.data.sources import bert_weights
    from dlcore.data.sources.locate import DATASETS

    berts = [f"{bert_weights.PREFIX}{name}" for name in bert_weights.list_names()]
    return [describe_dataset(name) for name in (*DATASETS, *berts, *(entry.dataset for entry in own.list_datasets()))]


def data_get(options: argparse.Namespace) -> dict[str, Any]:
    """Fetch one dataset, saying size and licence first."""
    from dlcore.data.sources import locate as sources

    wanted = sources.get_dataset(options.name)
    size = f"{wanted.size / 2**20:,.1f} MB, " if wanted.size else ""
    print(f"{wanted.title}: {size}licence {wanted.licence}, {wanted.homepage}", file=sys.stderr)
    path = sources.fetch(options.name, _bytes_done)
    print(file=sys.stderr)
    return {**describe_dataset(options.name), "path": str(path)}


def data_add(options: argparse.Namespace) -> dict[str, Any]:
    """Check a CSV with a time and a value column, a folder or zip of class folders with pictures, a CSV (--text) or
    JSON lines of texts and labels, or pairs of texts (--pairs), and keep it."""
    from dlcore.data.custom import images as own_images
    from dlcore.data.custom import pairs as own_pairs
    from dlcore.data.custom import registry as own
    from dlcore.data.custom import series as series_intake
    from dlcore.data.custom import texts as own_texts
    from dlcore.data.series import csv_file as series_csv
    from dlcore.data.series import window_file as series_windows
    from dlcore.data.sources import locate as sources

    own.check_name(options.name, reserved=sources.DATASETS)
    if Path(options.file).is_dir() or Path(options.file).suffix.lower() == ".zip":
        return _kept(own_images.import_folder(Path(options.file), options.name))
    if options.pairs:
        pairs = own_pairs.validate(read_input(Path(options.file), own_pairs.BYTES_LIMIT))
        return _kept(own_pairs.save(options.name, pairs, source=options.file))
    if options.text or Path(options.file).suffix.lower() in (".jsonl", ".ndjson"):
        payload = read_input(Path(options.file), own_texts.BYTES_LIMIT)
        taken = own_texts.validate(payload, text=options.text or "", label=options.label or "")
        return _kept(own_texts.save(options.name, taken, source=options.file))
    if options.columns:
        return _kept(_table(options))
    if options.missing is not None:
        raise RequestError("--missing goes with --columns: a single series may have no holes.")
    asked = series_csv.Columns(options.time, options.value, options.label)
    payload = read_input(Path(options.file), series_csv.BYTES_LIMIT)
    windows = read_input(Path(options.windows), series_windows.BYTES_LIMIT) if options.windows else None
    intake = series_intake.validate(payload, windows=windows, period=options.period, asked=asked)
    return _kept(series_intake.save(options.name, intake, source=options.file))


def _table(options: argparse.Namespace) -> "CustomDataset":
    """Keep a CSV with several columns as one table."""
    from dlcore.data.custom import table as table_intake
    from dlcore.data.series import csv_file as series_csv

    if options.value or options.label or options.windows or options.period is not None:
        raise RequestError("--columns makes a table for forecasts: leave out --value, --label, --windows, --period.")
    columns = [] if options.columns == "all" else [name.strip() for name in options.columns.split(",")]
    payload = read_input(Path(options.file), series_csv.BYTES_LIMIT)
    intake = table_intake.validate(payload, time=options.time, columns=columns, missing=options.missing)
    for name, why in intake.left_out.items():
        print(f"column '{name[:40]}' {why}: left out", file=sys.stderr)
    return table_intake.save(options.name, intake, source=options.file)


def data_clear(options: argparse.Namespace) -> dict[str, Any]:
    """Remove what pretrained BERTs said of texts; a later run computes it anew."""
    from dlcore.data.text import token_states

    _, chunks = token_states.usage()
    return {"chunks": chunks, "freed_bytes": token_states.clear()}


def data_remove(options: argparse.Namespace) -> dict[str, Any]:
    """Delete a dataset of one's own; runs made from it keep their scores."""
    from dlcore.data.custom import registry as own

    return {"name": own.remove(options.name).dataset, "removed": True}


def _kept(entry: "CustomDataset") -> dict[str, Any]:
    """A dataset of one's own with what was found in it."""
    windows = {"windows": len(entry.facts["windows"])} if "windows" in entry.facts else {}
    facts = {**entry.facts, **windows}
    return {**describe_dataset(entry.dataset), "checksum": entry.checksum, **facts}


def describe_dataset(name: str) -> dict[str, Any]:
    """One dataset: its kind, whether it is here, how large it is, and its licence."""
    from dlcore.data.sources import locate as sources

    found = sources.get_dataset(name)
    return {
        "name": name,
        "kind": found.kind,
        "available": sources.is_available(name),
        "rows": found.rows,
        "licence": found.licence,
    }


def _bytes_done(done: int, total: int) -> None:
    print(f"\r{done / 2**20:,.1f} of {total / 2**20:,.1f} MB", end="", file=sys.stderr, flush=True)


def arguments(commands: Any) -> None:
    """Add `data` with its verbs."""
    parser = commands.add_parser("data", help="datasets: list, get, add, remove, clear-states")
    verbs = parser.add_subparsers(required=True, metavar="list|get|add|remove")
    add_command(verbs, "list", data_list)
    add_command(verbs, "get", data_get).add_argument("name", metavar="NAME")
    new = add_command(verbs, "add", data_add)
    new.add_argument("name", metavar="NAME", help="what it shall be called here: letters, digits, - and _")
    new.add_argument("file", metavar="FILE", help="a CSV with a time and a value column, evenly spaced")
    new.add_argument("--time", default="", metavar="COL", help="the time column; guessed by default")
    new.add_argument("--value", default="", metavar="COL", help="the value column; guessed by default")
    new.add_argument(
        "--label", default="", metavar="COL", help="a column of 1 where something is out of the ordinary, else 0"
    )
    new.add_argument("--text", default="", metavar="COL", help="texts: the column that holds them; --label their class")
    new.add_argument("--pairs", action="store_true", help="two columns of texts: what is read, what is to be written")
    new.add_argument(
        "--columns", default="", metavar="a,b,c|all", help="several variables, forecast together; cells may be empty"
    )
    new.add_argument("--missing", type=float, metavar="N", help="with --columns: the number that stands for a hole")
    new.add_argument("--windows", metavar="FILE", help="labelled windows instead: CSV or JSON of start, end, name")
    new.add_argument("--period", type=int, metavar="N", help="points after which it repeats, 0 for none; guessed")
    add_command(verbs, "remove", data_remove).add_argument("name", metavar="NAME")
    add_command(verbs, "clear-states", data_clear)
