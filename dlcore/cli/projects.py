"""`projects` and `models`: what can be trained."""

import argparse
import sys
from typing import Any

from dlcore.cli.data import describe_dataset
from dlcore.cli.verbs import add_command
from dlcore.core.errors import TrainingError


def projects(options: argparse.Namespace) -> list[dict[str, Any]]:
    """List projects with their models, datasets and presets."""
    from dlcore.projects import list_datasets, list_projects, pack_check

    rows = [
        {
            "slug": project.slug,
            "section": project.section,
            "title": project.title,
            "models": list(project.models),
            "datasets": [describe_dataset(name) for name in list_datasets(project.slug)],
            "presets": list(project.presets),
        }
        for project in list_projects()
    ]
    for fault in pack_check.list_faults():
        print(f"dlcore: {fault}", file=sys.stderr)
    return rows


def models(options: argparse.Namespace) -> list[dict[str, Any]]:
    """List models with their parameter counts at default settings."""
    from dlcore.projects import get, list_projects
    from dlcore.training.state import count_parameters

    rows = []
    for project in [get(options.project)] if options.project else list_projects():
        for name, entry in project.models.items():
            try:
                total, trainable = count_parameters(entry.build(entry.config(), project.facts))
            except TrainingError as error:  # of a pack
                print(f"dlcore: {error}", file=sys.stderr)
                continue
            rows.append({"project": project.slug, "model": name, "parameters": total, "trainable": trainable})
    return rows


def arguments(verbs: Any) -> None:
    """Add `projects` and `models`."""
    add_command(verbs, "projects", projects, columns=("slug", "title", "models"))
    add_command(verbs, "models", models).add_argument("project", nargs="?", metavar="PROJECT", help="all by default")
