"""Command line of hyperparameter searches: start, list, show, pause, resume, delete."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from dlcore.cli.verbs import add_cluster, add_command, add_config, config_from_args

if TYPE_CHECKING:
    from dlcore.runs.search.searches import Search

SEARCH_HELP = "id of a search, or a unique prefix of it"


def start(options: argparse.Namespace) -> dict[str, Any]:
    """Search over settings of one model; wait for the end unless detached."""
    from dlcore.projects import search_space
    from dlcore.runs.search import searches

    config = config_from_args(options)
    space = search_space.parse_parameters(options.param, config)
    search = searches.create(
        config,
        space,
        n_trials=options.trials,
        workers=options.workers,
        prune=not options.no_pruning,
        executor=options.executor,
    )
    print(f"search {search.search_id}", file=sys.stderr)
    search = searches.start(search.search_id)
    return search_as_dict(search) if options.detach else _follow(search)


def show_all(options: argparse.Namespace) -> list[dict[str, Any]]:
    """List all searches, newest first."""
    from dlcore.runs.search import searches

    names = ("search_id", "project", "model", "state", "n_finished", "n_trials", "metric")
    rows = [(search, search.as_json()) for search in searches.list_searches()]
    return [
        {**{name: row[name] for name in names}, "best": search.best.value if search.best else None}
        for search, row in rows
    ]


def show(options: argparse.Namespace) -> dict[str, Any]:
    """Show a search with its trials, importances, and the command that trains the best trial."""
    from dlcore.runs.search import searches

    return search_as_dict(searches.open_search(options.search))


def pause(options: argparse.Namespace) -> dict[str, Any]:
    """Checkpoint the running trials and free the device."""
    from dlcore.runs.search import searches

    return search_as_dict(searches.pause(options.search))


def resume(options: argparse.Namespace) -> dict[str, Any]:
    """Resume a search; wait for the end unless detached."""
    from dlcore.runs.search import searches

    search = searches.resume(options.search, n_trials=options.trials)
    return search_as_dict(search) if options.detach else _follow(search)


def delete(options: argparse.Namespace) -> dict[str, Any]:
    """Delete a search and its trials; runs trained from it stay."""
    from dlcore.runs.search import searches

    return {"search_id": searches.delete(options.search).search_id, "removed": True}


def search_as_dict(search: "Search") -> dict[str, Any]:
    """Return a search as a dict, with importances and the command that trains the best trial."""
    from dlcore.projects.command import command_line
    from dlcore.runs.search import searches

    best = {"command": command_line(searches.best_config(search))} if search.best else {}
    return {**search.as_json(), "importances": searches.importances(search), **best}


def arguments(commands: Any) -> None:
    """Add `search` and its verbs."""
    parser = commands.add_parser("search", help="hyperparameter searches: start, list, show, pause, resume, delete")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    begin = add_command(verbs, "start", start)
    preset_help = "base settings of every trial; quick by default"
    add_config(begin, dataset="a dataset of the project, or a custom one", preset=("quick", preset_help))
    begin.add_argument(
        "--param",
        action="append",
        default=[],
        metavar="PARAM",
        help="a range learning_rate=1e-4..1e-1, choices optimizer=adam,sgd, or a name alone; may be repeated",
    )
    begin.add_argument("--trials", type=int, default=20, help="number of trials; 20 by default")
    begin.add_argument("--workers", type=int, default=1, help="trials at the same time; with GPUs, one each")
    begin.add_argument("--no-pruning", action="store_true", help="train every trial for all its epochs")
    add_cluster(begin)
    begin.add_argument("--detach", action="store_true", help="return at once; the search runs in the background")
    add_command(verbs, "list", show_all)
    for name, command in {"show": show, "pause": pause, "resume": resume, "delete": delete}.items():
        verb = add_command(verbs, name, command)
        verb.add_argument("search", metavar="SEARCH", help=SEARCH_HELP)
        if name == "resume":
            verb.add_argument("--trials", type=int, help="new total number of trials")
            verb.add_argument("--detach", action="store_true", help="return at once")


def _follow(search: "Search") -> dict[str, Any]:
    """Wait for the end of a search and print its progress; Ctrl-C leaves it running."""
    from dlcore.runs.search import searches

    printed = -1
    try:
        while True:
            search = searches.wait(search.search_id, timeout=1.0)
            if search.n_finished != printed:
                printed, best = search.n_finished, search.best
                top = f", best {search.metric} {best.value:.5g} (trial {best.number})" if best else ""
                print(f"{search.state}: {printed} of {search.n_trials} trials{top}", file=sys.stderr)
            if not search.is_active:
                return search_as_dict(search)
    except KeyboardInterrupt:
        print(f"\nThe search keeps running: 'dlcore search show {search.search_id}'.", file=sys.stderr)
        raise
