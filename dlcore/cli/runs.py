"""`runs` and `evaluate`: everything that can be done with a run."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dlcore.cli.training import follow_run
from dlcore.cli.verbs import RUN_HELP, add_command, add_devices, devices_from_args, parse_settings

RUN_COLUMNS = (
    "run_id",
    "project",
    "model",
    "dataset",
    "state",
    "epoch",
    "epochs",
    "score",
    "device",
    "seed",
    "duration_s",
)


def runs_list(options: argparse.Namespace) -> list[dict[str, Any]]:
    """List runs with their main test metric, newest first, then the reference runs."""
    from dlcore import runs

    records = [*runs.list_runs(), *(run.record for run in runs.references())]
    return [{**record.as_json(), "score": record.score} for record in records]


def runs_show(options: argparse.Namespace) -> dict[str, Any]:
    """Show one run."""
    from dlcore import runs

    return runs.open_run(options.run).record.as_json()


def runs_change(options: argparse.Namespace) -> dict[str, Any]:
    """Pause, resume or stop a run; resume waits for its end unless --detach is given."""
    from dlcore import runs

    change: Callable[..., Any] = {"pause": runs.pause, "resume": runs.resume, "stop": runs.stop}[options.verb]
    record = change(runs.open_run(options.run).record.run_id, **devices_from_args(options))
    if options.verb == "resume" and not options.detach:
        return follow_run(record.run_id)
    return record.as_json()


def runs_share(options: argparse.Namespace) -> dict[str, Any]:
    """Let everybody on a shared server see a run, or no longer (--off)."""
    from dlcore.runs.annotations import share_run

    return share_run(options.run, is_shared=not options.off).as_json()


def runs_delete(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Move runs to the trash, from where 'runs restore' brings them back; with --purge, delete them for good."""
    from dlcore import runs
    from dlcore.runs import trash

    run_ids = [runs.open_run(run).run_id for run in options.runs]
    if options.purge:
        _confirm(run_ids, yes=options.yes)
    for run_id in run_ids:
        if options.purge:
            runs.delete_run(run_id)
        else:
            trash.move_to_trash(run_id)
    return [{"run_id": run_id, "deleted": "for good" if options.purge else "moved to the trash"} for run_id in run_ids]


def runs_trash(options: argparse.Namespace) -> list[dict[str, Any]]:
    """List the runs in the trash, the last deleted first."""
    from dlcore.runs import trash

    return [
        {"run_id": run.record.run_id, "project": run.record.project, "model": run.record.model, "size_bytes": run.size}
        for run in trash.list_trash()
    ]


def runs_restore(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Bring runs back from the trash."""
    from dlcore.runs import trash

    return [trash.restore(run_id).as_json() for run_id in _find_deleted(options.runs)]


def runs_empty(options: argparse.Namespace) -> dict[str, Any]:
    """Delete the runs in the trash for good, those named or all; asks first, unless --yes is given."""
    from dlcore.runs import trash

    run_ids = _find_deleted(options.runs) or [run.record.run_id for run in trash.list_trash()]
    if run_ids:
        _confirm(run_ids, yes=options.yes)
    return {"deleted": run_ids, "freed_bytes": trash.empty_trash(run_ids)}


def _find_deleted(prefixes: Sequence[str]) -> list[str]:
    """Return the full ids of runs in the trash."""
    from dlcore.core.errors import RequestError
    from dlcore.runs import trash

    deleted = [run.record.run_id for run in trash.list_trash()]
    run_ids: list[str] = []
    for prefix in prefixes:
        matches = [run_id for run_id in deleted if run_id.startswith(prefix)]
        if len(matches) != 1:
            raise RequestError(f"{len(matches)} runs in the trash begin with '{prefix[:40]}': see 'dlcore runs trash'.")
        run_ids += matches
    return run_ids


def _confirm(run_ids: Sequence[str], *, yes: bool) -> None:
    """Ask before runs are deleted for good, unless `yes`.

    Raises:
        RequestError: the answer is no, or stdin is no terminal.
    """
    from dlcore.core.errors import RequestError

    if yes:
        return
    if not sys.stdin.isatty():
        raise RequestError(f"deleting {', '.join(run_ids)} cannot be undone: confirm with --yes.")
    print(f"Delete {', '.join(run_ids)} for good? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise RequestError("nothing was deleted.")


def runs_fork(options: argparse.Namespace) -> dict[str, Any]:
    """Start a new run with the settings of another, some of them changed."""
    from dlcore import runs

    record = runs.start(runs.fork(options.run, parse_settings(options.set)).run_id)
    return record.as_json() if options.detach else follow_run(record.run_id)


def runs_export(options: argparse.Namespace) -> dict[str, Any]:
    """Export a run as a zip file: the bundle, or also scripts that need no dlcore; or its model as ONNX with a card."""
    from dlcore import runs
    from dlcore.projects.custom.networks import running_here

    if options.onnx:
        with running_here("cpu"):
            report = runs.export_onnx(options.run, Path(options.file))
        print(report.summary, file=sys.stderr)
        return report.as_json()
    if options.standalone:
        from dlcore.runs.standalone.archive import export_standalone

        with running_here("cpu"):
            return {"run_id": options.run, **export_standalone(options.run, Path(options.file))}
    return {"run_id": options.run, "path": str(runs.export_run(options.run, Path(options.file)))}


def runs_mirror(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Send runs and searches to the MLflow server of MLFLOW_TRACKING_URI: those named, or all."""
    from dlcore import runs
    from dlcore.core.errors import RequestError
    from dlcore.runs.folder import SEARCH, of_run
    from dlcore.runs.mlflow_mirror import mirror_run
    from dlcore.runs.search import searches

    if not options.runs and not options.all:
        raise RequestError("no run given: name one or more, or --all.")
    if options.all:
        names = [record.run_id for record in runs.list_runs()]
        folders = [of_run(name) for name in [*names, *(search.search_id for search in searches.list_searches())]]
    else:
        folders = [
            searches.find(name) if name.startswith(SEARCH) else of_run(runs.open_run(name).run_id)
            for name in options.runs
        ]
    return [{"run_id": folder.run_id, "sent": mirror_run(folder)} for folder in folders]


def runs_import(options: argparse.Namespace) -> dict[str, Any] | list[dict[str, Any]]:
    """Import a bundle (zip or folder), TensorBoard event files, offline runs of Weights & Biases, or MLflow runs."""
    from dlcore import runs
    from dlcore.runs.watch import imports

    if options.file.startswith("mlflow:"):
        records = imports.import_mlflow(options.file.removeprefix("mlflow:"), accepts_code=options.code)
        return [record.as_json() for record in records]

    if imports.is_tracked(Path(options.file)):
        return [record.as_json() for record in imports.import_tracked(Path(options.file))]
    return runs.import_run(Path(options.file), accepts_code=options.code).as_json()


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """Show a finished run's test metrics beside those of its baselines."""
    from dlcore import runs
    from dlcore.evaluation.metrics import baseline_title, format_with_interval, metric_title

    result = runs.evaluate(options.run)
    if options.json:
        return result
    season = result.get("season", "")
    methods = {"This run": result["metrics"]}
    methods |= {baseline_title(name, season=season): row for name, row in result["baselines"].items()}
    names = [name for name in result["metrics"] if not name.endswith(("_low", "_high"))]
    table: dict[str, Any] = {}
    for method, row in methods.items():
        cells = [f"{metric_title(name)} {format_with_interval(row, name)}" for name in names if name in row]
        table[f"{method}:"] = ", ".join(cells)
    return table


def arguments(commands: Any) -> None:
    """Add `runs` with its verbs, and `evaluate`."""
    parser = commands.add_parser("runs", help="List, show, control, delete, fork, export, import and mirror runs")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    add_command(verbs, "list", runs_list, columns=RUN_COLUMNS)
    add_command(verbs, "show", runs_show).add_argument("run", metavar="RUN", help=RUN_HELP)
    for name, summary in (("pause", "Pause a run"), ("resume", "Resume a run"), ("stop", "Stop a run early")):
        change = add_command(verbs, name, runs_change, summary=summary)
        change.add_argument("run", metavar="RUN", help=RUN_HELP)
        change.set_defaults(verb=name, detach=False)
        if name == "resume":
            change.add_argument("--detach", action="store_true", help="do not wait for the end of the run")
            add_devices(change, "as before by default")
    share = add_command(verbs, "share", runs_share)
    share.add_argument("run", metavar="RUN", help=RUN_HELP)
    share.add_argument("--off", action="store_true", help="stop sharing it")
    delete = add_command(verbs, "delete", runs_delete)
    delete.add_argument("runs", nargs="+", metavar="RUN", help=RUN_HELP)
    delete.add_argument("--purge", action="store_true", help="delete for good, with checkpoints and bundles")
    add_command(verbs, "trash", runs_trash, columns=("run_id", "project", "model", "size_bytes"))
    restore = add_command(verbs, "restore", runs_restore, columns=RUN_COLUMNS)
    restore.add_argument("runs", nargs="+", metavar="RUN", help="the id of a run in the trash, or its start")
    empty = add_command(verbs, "empty", runs_empty)
    empty.add_argument(
        "runs", nargs="*", metavar="RUN", help="the id of a run in the trash, or its start; all by default"
    )
    for verb in (delete, empty):
        verb.add_argument("--yes", action="store_true", help="do not ask before runs are deleted for good")
    fork = add_command(verbs, "fork", runs_fork)
    fork.add_argument("run", metavar="RUN", help=RUN_HELP)
    fork.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting to change; repeatable")
    fork.add_argument("--detach", action="store_true", help="do not wait for the end of the run")
    export = add_command(verbs, "export", runs_export)
    export.add_argument("run", metavar="RUN", help=RUN_HELP)
    export.add_argument("file", metavar="FILE", help="the file to write, or a folder to write it into")
    export.add_argument(
        "--standalone",
        action="store_true",
        help="also scripts that need no dlcore: training, notebook, ONNX, prediction",
    )
    export.add_argument("--onnx", action="store_true", help="the model alone, for ONNX Runtime; image models only")
    bring = add_command(verbs, "import", runs_import, columns=RUN_COLUMNS)
    bring.add_argument(
        "file",
        metavar="FILE",
        help="a zip file, an event file, a .wandb file, a folder, or mlflow:RUN or mlflow:EXPERIMENT",
    )
    bring.add_argument("--code", action="store_true", help="accept the code of a custom network in it")
    mirror = add_command(verbs, "mirror", runs_mirror)
    mirror.add_argument("runs", nargs="*", metavar="RUN", help=f"{RUN_HELP}; or the id of a search")
    mirror.add_argument("--all", action="store_true", help="all runs and searches")
    add_command(commands, "evaluate", evaluate).add_argument("run", metavar="RUN", help=RUN_HELP)
