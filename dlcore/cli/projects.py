"""`projects` and `models`: what there is to train."""

import argparse
from typing import Any

from dlcore.cli.data import described
from dlcore.cli.verbs import add


def projects(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Every project, what it can train and on what."""
    from dlcore.projects import datasets, every

    return [
        {
            "slug": project.slug,
            "section": project.section,
            "title": project.title,
            "models": list(project.models),
            "datasets": [described(name) for name in datasets(project.slug)],
            "presets": list(project.presets),
        }
        for project in every()
    ]


def models(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Every model with its parameters, built with its defaults."""
    from dlcore.projects import every, get
    from dlcore.training.state import count_parameters

    rows = []
    for project in [get(options.project)] if options.project else every():
        for name, entry in project.models.items():
            total, trainable = count_parameters(entry.build(entry.config(), project.facts))
            rows.append({"project": project.slug, "model": name, "parameters": total, "trainable": trainable})
    return rows


def arguments(verbs: Any) -> None:
    """Add the two commands."""
    add(verbs, "projects", projects)
    add(verbs, "models", models).add_argument("project", nargs="?", metavar="PROJECT")
