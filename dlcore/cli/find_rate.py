"""`find-rate`: the learning-rate range test."""

import argparse
from typing import Any

from dlcore.cli.verbs import add_command, add_config, config_from_args


def find_rate(options: argparse.Namespace) -> dict[str, Any]:
    """Suggest a learning rate: the loss of at most 100 steps while the rate rises."""
    from dlcore.runs import rate_tests

    result = rate_tests.find_rate(config_from_args(options), steps=options.steps)
    if options.json:
        return result
    return {name: value for name, value in result.items() if not isinstance(value, list)}


def arguments(verbs: Any) -> None:
    """Add `find-rate`."""
    parser = add_command(verbs, "find-rate", find_rate)
    add_config(
        parser,
        dataset="a dataset of the project, or a custom dataset",
        preset=("full", "quick or full (default): batch size, optimizer and network are those of the preset"),
    )
    parser.add_argument("--steps", type=int, default=100, help="steps of the test; 100 by default")
