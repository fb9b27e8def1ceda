"""The command line's `search`: many short trainings, told apart by validation, and what the best of them is."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from dlcore.cli.verbs import add_command, add_config, config_from_args

if TYPE_CHECKING:
    from dlcore.runs.search.searches import Search

SEARCH_HELP = "a search's id, or the beginning of one"


def start(options: argparse.Namespace) -> dict[str, Any]:
    """Search over settings of one model; waited for unless detached."""
    from dlcore.projects import search_space
    from dlcore.runs.search import searches

    config = config_from_args(options)
    turned = search_space.parse_parameters(options.knob, config)
    made = searches.create(config, turned, trials=options.trials, workers=options.workers, prune=not options.no_pruning)
    print(f"search {made.search_id}", file=sys.stderr)
    made = searches.start(made.search_id)
    return search_as_dict(made) if options.detach else _follow(made)


def show_all(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Every search, newest first."""
    from dlcore.runs.search import searches

    names = ("search_id", "project", "model", "state", "done", "trials", "metric")
    found = [(search, search.as_json()) for search in searches.list_searches()]
    return [
        {**{name: row[name] for name in names}, "best": search.best.value if search.best else None}
        for search, row in found
    ]


def show(options: argparse.Namespace) -> dict[str, Any]:
    """One search with its trials, what each knob explains, and the command that trains the best."""
    from dlcore.runs.search import searches

    return search_as_dict(searches.open_search(options.search))


def pause(options: argparse.Namespace) -> dict[str, Any]:
    """Let the trials under way be kept, and free the device."""
    from dlcore.runs.search import searches

    return search_as_dict(searches.pause(options.search))


def resume(options: argparse.Namespace) -> dict[str, Any]:
    """Go on where it was; waited for unless detached."""
    from dlcore.runs.search import searches

    search = searches.resume(options.search, trials=options.trials)
    return search_as_dict(search) if options.detach else _follow(search)


def delete(options: argparse.Namespace) -> dict[str, Any]:
    """Remove a search and its trials; runs made from it stay."""
    from dlcore.runs.search import searches

    return {"search_id": searches.delete(options.search).search_id, "removed": True}


def search_as_dict(search: "Search") -> dict[str, Any]:
    """A search as a dict, with what its knobs explain and how its best trial is trained as a run."""
    from dlcore.projects.command import command_line
    from dlcore.runs.search import searches

    best = {"command": command_line(searches.best_config(search))} if search.best else {}
    return {**search.as_json(), "importances": searches.importances(search), **best}


def arguments(commands: Any) -> None:
    """Add `search` with its verbs."""
    parser = commands.add_parser("search", help="over settings: start, list, show, pause, resume, delete")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    begin = add_command(verbs, "start", start)
    meaning = "what every trial starts from; quick by default"
    add_config(begin, dataset="a dataset of the project, or your own by its name", preset=("quick", meaning))
    begin.add_argument(
        "--knob",
        action="append",
        default=[],
        metavar="KNOB",
        help="what to turn: learning_rate=1e-4..1e-1, optimizer=adam,sgd, or a name alone; may be repeated",
    )
    begin.add_argument("--trials", type=int, default=20, help="how many; 20 by default")
    begin.add_argument("--workers", type=int, default=1, help="how many at a time, on one device or a GPU each")
    begin.add_argument("--no-pruning", action="store_true", help="let every trial come to its end")
    begin.add_argument("--detach", action="store_true", help="return at once; the search goes on in the background")
    add_command(verbs, "list", show_all)
    for name, command in {"show": show, "pause": pause, "resume": resume, "delete": delete}.items():
        one = add_command(verbs, name, command)
        one.add_argument("search", metavar="SEARCH", help=SEARCH_HELP)
        if name == "resume":
            one.add_argument("--trials", type=int, help="make it longer: so many in all")
            one.add_argument("--detach", action="store_true", help="return at once")


def _follow(search: "Search") -> dict[str, Any]:
    """Wait for a search to end, telling each trial. Ctrl-C leaves it running."""
    from dlcore.runs.search import searches

    said = -1
    try:
        while True:
            search = searches.wait(search.search_id, timeout=1.0)
            if search.done != said:
                said, best = search.done, search.best
                top = f", best {search.metric} {best.value:.5g} (trial {best.number})" if best else ""
                print(f"{search.state}: {said} of {search.trials} trials{top}", file=sys.stderr)
            if not search.is_active:
                return search_as_dict(search)
    except KeyboardInterrupt:
        print(f"\nThe search goes on: 'python -m dlcore search show {search.search_id}' finds it.", file=sys.stderr)
        raise
