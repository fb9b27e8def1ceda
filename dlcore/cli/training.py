"""`train`: one model, in a worker process or in the foreground."""

import argparse
import sys
from pathlib import Path
from typing import Any

from dlcore.cli.verbs import (
    add_cluster,
    add_command,
    add_config,
    add_devices,
    config_from_args,
    devices_from_args,
    parse_settings,
)
from dlcore.core.errors import RequestError

WAIT_SECONDS = 3600.0
COLUMNS = ("run_id", "project", "model", "dataset", "variant", "seed", "state", "epoch", "duration_s")


def train(options: argparse.Namespace) -> dict[str, Any] | list[dict[str, Any]]:
    """Train one model in a worker process, in the foreground into a bundle, or several variants as a comparison."""
    from dlcore import runs
    from dlcore.projects import dataset_file, registry

    compares = bool(options.variants) or options.seeds > 1
    if compares and options.bundle:
        raise RequestError("--bundle trains one run: leave it out, or leave out --variants and --seeds.")
    if options.bundle and options.detach:
        raise RequestError("--bundle trains in the foreground and --detach in the background: choose one.")
    if options.weights != "float32" and not options.bundle:
        raise RequestError("--weights applies to bundles: add --bundle DIR, or leave it out.")
    options.project = registry.network_project(options.project, options.dataset)
    if options.dataset and dataset_file.is_file_name(options.dataset):
        options.dataset = dataset_file.import_file(options.project, options.dataset)
        print(f"dataset {options.dataset}", file=sys.stderr)
    if options.code:
        options.model = _add_network(options)
    if compares:
        return _train_variants(options)
    config = config_from_args(options)
    if options.bundle:
        return runs.train_here(config, Path(options.bundle), _print_event, weights=options.weights).as_json()
    record = runs.start(runs.create(config, executor=options.executor).run_id)
    print(f"run {record.run_id}", file=sys.stderr)
    return record.as_json() if options.detach else follow_run(record.run_id)


def _add_network(options: argparse.Namespace) -> str:
    """Check the network of `--code` and return its id, the name of a model."""
    from dlcore import projects
    from dlcore.projects.custom import networks

    if not isinstance(projects.get(options.project).models, networks.Networks):
        raise RequestError(f"'{options.project}' takes no code: train 'custom' with --code.")
    if options.model:
        raise RequestError("--code is the model: leave out --model.")

    def report(result: Any) -> None:
        print(f"{result.status:8}{result.name}: {result.sentence}", file=sys.stderr)

    return networks.add_file(
        Path(options.code),
        options.project,
        options.dataset,
        target=options.network_class,
        settings=parse_settings(options.set),
        on_result=report,
    )


def _train_variants(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Train every variant with every seed as a comparison, which the app shows under Results."""
    from dlcore.projects.variants import MODEL, VariantGrid, build_variants, parse_values
    from dlcore.runs import comparisons

    values = parse_values(options.variants)
    config = config_from_args(options)
    grid = VariantGrid(
        options.project,
        values.pop(MODEL, [config.model]),
        dataset=config.dataset,
        preset=options.preset,
        values=values,
        settings={**devices_from_args(options), **parse_settings(options.set)},
        device=options.device,
    )
    variants = build_variants(grid, range(options.seed, options.seed + options.seeds))
    title = f"{'; '.join(variants)} on {config.dataset}"
    comparison = comparisons.create(title, variants, executor=options.executor)
    print(f"comparison {comparison.comparison_id}", file=sys.stderr)
    try:
        while not options.detach and comparison.active:
            comparison = comparisons.wait(comparison, timeout=WAIT_SECONDS)
    except KeyboardInterrupt:
        print("\nThe runs continue in the background: dlcore runs list", file=sys.stderr)
        raise
    return [
        {"comparison": comparison.comparison_id, "variant": variant, **record.as_json()}
        for variant, records in comparison.variants.items()
        for record in records
    ]


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
    parser = add_command(verbs, "train", train, columns=COLUMNS)
    add_config(
        parser,
        dataset="a dataset of the project, a custom dataset, or a CSV file",
        preset=("full", "quick (within a minute) or full (the reference run's hyperparameters; default)"),
    )
    add_devices(parser, "1 by default")
    parser.add_argument("--code", metavar="FILE", help="a Python file or notebook with an nn.Module, for 'custom'")
    parser.add_argument(
        "--class", dest="network_class", default="", metavar="NAME", help="the class in FILE, if it has several"
    )
    add_cluster(parser)
    parser.add_argument("--detach", action="store_true", help="do not wait for the end of the run")
    parser.add_argument(
        "--variants",
        action="append",
        default=[],
        metavar="KEY=V1,V2",
        help="train every value of a setting, or of 'model', as a comparison; repeatable: all combinations",
    )
    parser.add_argument(
        "--seeds", type=int, default=1, help="runs per variant, with seeds from --seed on; 1 by default"
    )
    parser.add_argument("--bundle", metavar="DIR", help="train in the foreground and write the bundle to DIR")
    parser.add_argument(
        "--weights",
        choices=["float32", "float16", "int8"],
        default="float32",
        help="storage type of a bundle's weights; int8 takes a quarter of the space",
    )
