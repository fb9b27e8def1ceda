"""`pack`: list, create and check packs."""

import argparse
import sys
from pathlib import Path
from typing import Any

from dlcore.cli.verbs import add_command
from dlcore.core.errors import TrainingError


def list_installed(options: argparse.Namespace) -> list[dict[str, Any]]:
    """List what the installed packs add, and what is wrong with it."""
    from dlcore.projects import pack_check

    return pack_check.list_packs()


def new(options: argparse.Namespace) -> dict[str, Any]:
    """Write a small working pack: a model, a project, a dataset, a metric, an explainer, and their test."""
    from dlcore.projects import pack_template

    folder = pack_template.write(options.name, Path(options.folder))
    return {"folder": str(folder), "next": f"dlcore pack check {folder}; pip install -e {folder}"}


def check(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Check the contract of every entry of a pack; the exit code is 1 if a check fails."""
    from dlcore.cli import output
    from dlcore.projects import pack_check

    rows = pack_check.check_pack(options.pack)
    failed = [row for row in rows if row["problem"]]
    if failed:
        output.print_result(rows, as_json=options.json, columns=options.table_columns)
        sys.stdout.flush()
        first = failed[0]
        raise TrainingError(
            f"{len(failed)} of {len(rows)} checks failed: {first['kind']} '{first['name']}', {first['check']}: "
            f"{first['problem']}."
        )
    return rows


def arguments(verbs: Any) -> None:
    """Add `pack list`, `pack new` and `pack check`."""
    summary = "Packs: projects, models, datasets, metrics and explainers as pip packages."
    parts = verbs.add_parser("pack", help=summary, description=summary).add_subparsers(required=True, metavar="ACTION")
    add_command(parts, "list", list_installed, columns=("pack", "version", "kind", "name", "problem"))
    parser = add_command(parts, "new", new)
    parser.add_argument("name", metavar="NAME", help="name of the package: lower-case letters, digits and _")
    parser.add_argument("--folder", default=".", help="where to create the folder NAME; here by default")
    parser = add_command(parts, "check", check, columns=("kind", "name", "check", "problem"))
    parser.add_argument("pack", metavar="PATH|NAME", nargs="?", default=".", help="a folder, or an installed pack")
