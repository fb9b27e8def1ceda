"""`train`: one model, in a worker that is waited for, detached, or right here."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlcore.cli.verbs import add_command, add_config, config_from_args, read_input
from dlcore.core.errors import RequestError


def train(options: argparse.Namespace) -> dict[str, Any]:
    """Train one model: in a worker that is waited for, detached, or right here into a bundle."""
    from dlcore import runs

    if options.bundle and options.detach:
        raise RequestError("--bundle trains in the foreground and --detach in the background: choose one.")
    if options.dataset and _is_file(options.dataset):
        options.dataset = _keep_file(options)
    if options.weights != "float32" and not options.bundle:
        raise RequestError("--weights is for bundles: name a folder with --bundle DIR, or leave it out.")
    config = config_from_args(options, devices=options.devices)
    if options.bundle:
        return runs.train_here(config, Path(options.bundle), _event_line, weights=options.weights).as_json()
    record = runs.start(runs.create(config).run_id)
    print(f"run {record.run_id}", file=sys.stderr)
    return record.as_json() if options.detach else follow_run(record.run_id)


def _is_file(dataset: str) -> bool:
    """Whether `--dataset` names a file: what has a folder or an ending in it does."""
    return Path(dataset).suffix != "" or len(Path(dataset).parts) > 1


def _keep_file(options: argparse.Namespace) -> str:
    """Keep the CSV that `--dataset` names, under its own name; what is kept already is found again."""
    from dlcore.data.custom.importers import IMPORTERS
    from dlcore.data.series import csv_file
    from dlcore.projects import get

    project = get(options.project)
    if project.own_data != "series":
        raise RequestError(f"--dataset {options.dataset}: '{options.project}' takes no file; name one of its datasets.")
    path = Path(options.dataset)
    payload = read_input(path, csv_file.BYTES_LIMIT)
    several = "table" in project.own_also and csv_file.open_sheet(payload).variables > 1
    kept = IMPORTERS["table" if several else "series"].find_or_save(path, payload)
    print(f"dataset {kept.dataset}", file=sys.stderr)
    return kept.dataset


def follow_run(run_id: str) -> dict[str, Any]:
    """Wait for a run to end, telling each epoch. Ctrl-C leaves it running."""
    from dlcore import runs

    epoch, state = 0, ""
    try:
        while True:
            try:
                record = runs.wait(run_id, timeout=1.0)
            except TimeoutError:
                record = runs.open_run(run_id).record
            if record.state != state or record.epoch != epoch:
                state, epoch = record.state, record.epoch
                print(_progress_line(record.as_json()), file=sys.stderr)
            if record.state not in runs.ACTIVE:
                return record.as_json()
    except KeyboardInterrupt:
        print(f"\nThe run goes on: 'python -m dlcore runs show {run_id}' finds it.", file=sys.stderr)
        raise


def _progress_line(record: Mapping[str, Any]) -> str:
    shown = {k: v for k, v in record["metrics"].items() if k.endswith(("loss", "accuracy"))}
    numbers = "  ".join(f"{name} {value:.5g}" for name, value in shown.items())
    return f"{record['state']} {record['reason']} epoch {record['epoch']} of {record['epochs']}  {numbers}".replace(
        "  ", " "
    )


def _event_line(event: object) -> None:
    from dlcore.training.events import Epoch

    if isinstance(event, Epoch):
        numbers = "  ".join(f"{name} {value:.5g}" for name, value in event.metrics.items())
        print(f"epoch {event.epoch}  {numbers}{'  best so far' if event.is_best else ''}", file=sys.stderr)


def arguments(verbs: Any) -> None:
    """Add `train`."""
    parser = add_command(verbs, "train", train)
    meaning = "quick (within a minute) or full (the reference run's recipe)"
    add_config(
        parser, dataset="a dataset of the project, your own by its name, or a CSV file", preset=("full", meaning)
    )
    parser.add_argument("--devices", type=int, default=1, help="processes that share every batch")
    parser.add_argument("--detach", action="store_true", help="return at once; the run goes on in the background")
    parser.add_argument("--bundle", metavar="DIR", help="train here and now into this folder, without the store")
    forms = ["float32", "float16", "int8"]
    parser.add_argument(
        "--weights", choices=forms, default="float32", help="how a bundle keeps them: int8 is a quarter as large"
    )
