"""`train`: one model, in a worker process or in the foreground."""

import argparse
import sys
from pathlib import Path
from typing import Any

from dlcore.cli.verbs import add_command, add_config, config_from_args
from dlcore.core.errors import RequestError


def train(options: argparse.Namespace) -> dict[str, Any]:
    """Train one model in a worker process, or in the foreground into a bundle."""
    from dlcore import runs
    from dlcore.projects import dataset_file

    if options.bundle and options.detach:
        raise RequestError("--bundle trains in the foreground and --detach in the background: choose one.")
    if options.weights != "float32" and not options.bundle:
        raise RequestError("--weights applies to bundles: add --bundle DIR, or leave it out.")
    if options.dataset and dataset_file.is_file_name(options.dataset):
        options.dataset = dataset_file.import_file(options.project, options.dataset)
        print(f"dataset {options.dataset}", file=sys.stderr)
    config = config_from_args(options, devices=options.devices)
    if options.bundle:
        return runs.train_here(config, Path(options.bundle), _print_event, weights=options.weights).as_json()
    record = runs.start(runs.create(config).run_id)
    print(f"run {record.run_id}", file=sys.stderr)
    return record.as_json() if options.detach else follow_run(record.run_id)


def follow_run(run_id: str) -> dict[str, Any]:
    """Wait for the end of a run and print each epoch on standard error. Ctrl-C ends the wait, not the run."""
    from dlcore import runs

    try:
        return runs.follow(run_id, lambda record: print(record.progress, file=sys.stderr)).as_json()
    except KeyboardInterrupt:
        print(f"\nThe run continues in the background: dlcore runs show {run_id}", file=sys.stderr)
        raise


def _print_event(event: object) -> None:
    from dlcore.training.events import Epoch

    if isinstance(event, Epoch):
        numbers = "  ".join(f"{name} {value:.5g}" for name, value in event.metrics.items())
        print(f"epoch {event.epoch}  {numbers}{'  best so far' if event.is_best else ''}", file=sys.stderr)


def arguments(verbs: Any) -> None:
    """Add `train`."""
    parser = add_command(verbs, "train", train)
    add_config(
        parser,
        dataset="a dataset of the project, a custom dataset, or a CSV file",
        preset=("full", "quick (within a minute) or full (the reference run's hyperparameters; default)"),
    )
    parser.add_argument("--devices", type=int, default=1, help="data-parallel processes; 1 by default")
    parser.add_argument("--detach", action="store_true", help="do not wait for the end of the run")
    parser.add_argument("--bundle", metavar="DIR", help="train in the foreground and write the bundle to DIR")
    parser.add_argument(
        "--weights",
        choices=["float32", "float16", "int8"],
        default="float32",
        help="storage type of a bundle's weights; int8 takes a quarter of the space",
    )
