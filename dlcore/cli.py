"""The command line: the same jobs as the pages, through the same functions.

With `--json` standard output is one JSON document; progress goes to standard error. Exit 0 done, 2 a request that
cannot be met (one line: what, where, next step), 1 anything else.
"""

import argparse
import json
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from dlcore import __version__, cli_search
from dlcore.core.errors import DataError, RequestError, WorkbenchError, one_line

if TYPE_CHECKING:
    from dlcore.data.own import OwnDataset

RUN_HELP = "a run's id, the beginning of one, or reference:<project>/<model>"


class _Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        raise RequestError(f"{message}. See '{self.prog} --help'.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    try:
        options = _parser().parse_args(arguments)
        result = options.command(options)
        _print(result, as_json=options.json)
        return 1 if isinstance(result, dict) and result.get("state") == "failed" else 0
    except RequestError as error:
        return _complain(error, 2)
    except WorkbenchError as error:
        return _complain(error, 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left: nothing more to say
        return 0
    except KeyboardInterrupt:
        print("dlcore: interrupted.", file=sys.stderr)
        return 130
    except Exception as error:  # a fault of ours or of the machine: still one line, the traceback on request
        if os.environ.get("DLCORE_TRACEBACK"):
            raise
        return _complain(f"{type(error).__name__}: {one_line(error)} (DLCORE_TRACEBACK=1 shows where)", 1)


def _complain(error: BaseException | str, code: int) -> int:
    print(f"dlcore: {error if isinstance(error, str) else one_line(error)}", file=sys.stderr)
    return code


# --- projects, models, data -------------------------------------------------------------------------------------------


def projects(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Every project, what it can train and on what."""
    from dlcore.projects import datasets, every

    return [
        {
            "slug": project.slug,
            "section": project.section,
            "title": project.title,
            "models": list(project.models),
            "datasets": [_dataset(name) for name in datasets(project.slug)],
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


def data_list(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Every dataset, whether it is here, the pretrained BERTs that are known, and one's own below."""
    from dlcore.data import bert_weights, own
    from dlcore.data.sources import DATASETS

    berts = [f"{bert_weights.PREFIX}{name}" for name in bert_weights.every()]
    return [_dataset(name) for name in (*DATASETS, *berts, *(entry.dataset for entry in own.every()))]


def data_get(options: argparse.Namespace) -> dict[str, Any]:
    """Fetch one dataset, saying size and licence first."""
    from dlcore.data import sources

    wanted = sources.dataset(options.name)
    size = f"{wanted.size / 2**20:,.1f} MB, " if wanted.size else ""
    print(f"{wanted.title}: {size}licence {wanted.licence}, {wanted.homepage}", file=sys.stderr)
    path = sources.get(options.name, _bytes_done)
    print(file=sys.stderr)
    return {**_dataset(options.name), "path": str(path)}


def data_add(options: argparse.Namespace) -> dict[str, Any]:
    """Check a CSV with a time and a value column, a folder or zip of class folders with pictures, a CSV (--text) or
    JSON lines of texts and labels, or pairs of texts (--pairs), and keep it."""
    from dlcore.data import own, own_images, own_pairs, own_texts, series_csv, series_intake, series_windows, sources

    own.check_name(options.name, reserved=sources.DATASETS)
    if Path(options.file).is_dir() or Path(options.file).suffix.lower() == ".zip":
        return _kept(own_images.import_folder(Path(options.file), options.name))
    if options.pairs:
        pairs = own_pairs.take(_read(Path(options.file), own_pairs.BYTES_LIMIT))
        return _kept(own_pairs.keep(options.name, pairs, source=options.file))
    if options.text or Path(options.file).suffix.lower() in (".jsonl", ".ndjson"):
        payload = _read(Path(options.file), own_texts.BYTES_LIMIT)
        taken = own_texts.take(payload, text=options.text or "", label=options.label or "")
        return _kept(own_texts.keep(options.name, taken, source=options.file))
    if options.columns:
        return _kept(_table(options))
    if options.missing is not None:
        raise RequestError("--missing goes with --columns: a single series may have no holes.")
    asked = series_csv.Columns(options.time, options.value, options.label)
    payload = _read(Path(options.file), series_csv.BYTES_LIMIT)
    windows = _read(Path(options.windows), series_windows.BYTES_LIMIT) if options.windows else None
    intake = series_intake.take(payload, windows=windows, period=options.period, asked=asked)
    return _kept(series_intake.keep(options.name, intake, source=options.file))


def _table(options: argparse.Namespace) -> "OwnDataset":
    """Keep a CSV with several columns as one table."""
    from dlcore.data import series_csv, table_intake

    if options.value or options.label or options.windows or options.period is not None:
        raise RequestError("--columns makes a table for forecasts: leave out --value, --label, --windows, --period.")
    columns = [] if options.columns == "all" else [name.strip() for name in options.columns.split(",")]
    payload = _read(Path(options.file), series_csv.BYTES_LIMIT)
    intake = table_intake.take(payload, time=options.time, columns=columns, missing=options.missing)
    for name, why in intake.left_out.items():
        print(f"column '{name[:40]}' {why}: left out", file=sys.stderr)
    return table_intake.keep(options.name, intake, source=options.file)


def data_clear(options: argparse.Namespace) -> dict[str, Any]:
    """Remove what pretrained BERTs said of texts; a later run computes it anew."""
    from dlcore.data import token_states

    _, chunks = token_states.usage()
    return {"chunks": chunks, "freed_bytes": token_states.clear()}


def data_remove(options: argparse.Namespace) -> dict[str, Any]:
    """Delete a dataset of one's own; runs made from it keep their scores."""
    from dlcore.data import own

    return {"name": own.remove(options.name).dataset, "removed": True}


def _kept(entry: "OwnDataset") -> dict[str, Any]:
    """A dataset of one's own with what was found in it."""
    windows = {"windows": len(entry.facts["windows"])} if "windows" in entry.facts else {}
    facts = {**entry.facts, **windows}
    return {**_dataset(entry.dataset), "checksum": entry.checksum, **facts}


def _dataset(name: str) -> dict[str, Any]:
    from dlcore.data import sources

    found = sources.dataset(name)
    return {
        "name": name,
        "kind": found.kind,
        "available": sources.available(name),
        "rows": found.rows,
        "licence": found.licence,
    }


def _bytes_done(done: int, total: int) -> None:
    print(f"\r{done / 2**20:,.1f} of {total / 2**20:,.1f} MB", end="", file=sys.stderr, flush=True)


# --- train ------------------------------------------------------------------------------------------------------------


def train(options: argparse.Namespace) -> dict[str, Any]:
    """Train one model: in a worker that is waited for, detached, or right here into a bundle."""
    from dlcore import runs
    from dlcore.projects import configure

    if options.bundle and options.detach:
        raise RequestError("--bundle trains in the foreground and --detach in the background: choose one.")
    if options.dataset and _is_file(options.dataset):
        options.dataset = _keep_file(options)
    if options.weights != "float32" and not options.bundle:
        raise RequestError("--weights is for bundles: name a folder with --bundle DIR, or leave it out.")
    config = configure(
        options.project,
        model=options.model,
        dataset=options.dataset,
        preset=options.preset,
        seed=options.seed,
        device=options.device,
        settings={"devices": options.devices, **_settings(options.set)},
    )
    if options.bundle:
        return runs.train_here(config, Path(options.bundle), _event_line, weights=options.weights).as_json()
    record = runs.start(runs.create(config).run_id)
    print(f"run {record.run_id}", file=sys.stderr)
    return record.as_json() if options.detach else _follow(record.run_id)


def _is_file(dataset: str) -> bool:
    """Whether `--dataset` names a file: what has a folder or an ending in it does."""
    return Path(dataset).suffix != "" or len(Path(dataset).parts) > 1


def _keep_file(options: argparse.Namespace) -> str:
    """Keep the CSV that `--dataset` names, under its own name; what is kept already is found again."""
    from dlcore.data import series_csv, series_intake, table_intake
    from dlcore.projects import get

    project = get(options.project)
    if project.own_data != "series":
        raise RequestError(f"--dataset {options.dataset}: '{options.project}' takes no file; name one of its datasets.")
    path = Path(options.dataset)
    payload = _read(path, series_csv.BYTES_LIMIT)
    several = "table" in project.own_also and series_csv.open_sheet(payload).variables > 1
    kept = (table_intake if several else series_intake).keep_file(path, payload)
    print(f"dataset {kept.dataset}", file=sys.stderr)
    return kept.dataset


def _follow(run_id: str) -> dict[str, Any]:
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


def _settings(pairs: Sequence[str]) -> dict[str, str]:
    for pair in pairs:
        if "=" not in pair:
            raise RequestError(f"--set {pair}: write it as name=value, for example --set epochs=5.")
    return dict(pair.split("=", 1) for pair in pairs)


# --- runs -------------------------------------------------------------------------------------------------------------


def runs_list(options: argparse.Namespace) -> list[dict[str, Any]]:
    """The runs in the store, newest first, then those that came with the workbench."""
    from dlcore import runs

    own = [record.as_json() for record in runs.list_runs()]
    return own + [run.record.as_json() for run in runs.references()]


def runs_show(options: argparse.Namespace) -> dict[str, Any]:
    """One run."""
    from dlcore import runs

    return runs.open_run(options.run).record.as_json()


def runs_change(options: argparse.Namespace) -> dict[str, Any]:
    """Pause, resume or stop a run; a resumed one is waited for unless detached."""
    from dlcore import runs

    change: Callable[[str], Any] = {"pause": runs.pause, "resume": runs.resume, "stop": runs.stop}[options.verb]
    record = change(runs.open_run(options.run).record.run_id)
    if options.verb == "resume" and not options.detach:
        return _follow(record.run_id)
    return record.as_json()


def runs_fork(options: argparse.Namespace) -> dict[str, Any]:
    """A new run with some settings changed."""
    from dlcore import runs

    record = runs.start(runs.fork(options.run, _settings(options.set)).run_id)
    return record.as_json() if options.detach else _follow(record.run_id)


def runs_export(options: argparse.Namespace) -> dict[str, Any]:
    """A run's bundle as a zip file, or its model as ONNX and a card beside it; where FILE is a folder, a file in it."""
    from dlcore import runs

    if options.onnx:
        report = runs.export_onnx(options.run, Path(options.file))
        print(report.words, file=sys.stderr)
        return report.as_json()
    return {"run_id": options.run, "path": str(runs.export_run(options.run, Path(options.file)))}


def runs_import(options: argparse.Namespace) -> dict[str, Any]:
    """A bundle from elsewhere becomes a run here."""
    from dlcore import runs

    return runs.import_run(Path(options.file)).as_json()


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """A finished run's numbers on the test split, and those of simpler methods."""
    from dlcore import runs

    return runs.evaluate(options.run)


def predict(options: argparse.Namespace) -> dict[str, Any]:
    """One answer of a finished run: a CSV, a picture or a text."""
    from dlcore import runs
    from dlcore.projects import get

    run = runs.open_run(options.run)
    project = get(run.record.project)
    answer = project.answer(run.left.load(), _read(Path(options.input), project.input_limit))
    return {"run_id": run.record.run_id, **answer}


def _read(path: Path, limit: int) -> bytes:
    """A file's bytes, a little more than `limit` at the most: whoever checks it then sees that it is too long."""
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}: name a file that can be read.") from None


# --- arguments and output ---------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m dlcore", description="The deep-learning workbench without a browser.")
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    _verb(verbs, "projects", projects)
    _verb(verbs, "models", models).add_argument("project", nargs="?", metavar="PROJECT")
    _data_arguments(verbs.add_parser("data", help="datasets: list, get, add, remove, clear-states"))
    _train_arguments(_verb(verbs, "train", train))
    _runs_arguments(verbs.add_parser("runs", help="list, show, pause, resume, stop, fork, export, import"))
    cli_search.arguments(verbs.add_parser("search", help="over settings: start, list, show, pause, resume, delete"),
                         _verb, _settings)  # fmt: skip
    _verb(verbs, "evaluate", evaluate).add_argument("run", metavar="RUN", help=RUN_HELP)
    ask = _verb(verbs, "predict", predict)
    ask.add_argument("run", metavar="RUN", help=RUN_HELP)
    ask.add_argument(
        "--input", required=True, metavar="FILE", help="a CSV, a picture or a text, as the project takes it"
    )
    return parser


def _verb(verbs: Any, name: str, command: Callable[[argparse.Namespace], Any]) -> argparse.ArgumentParser:
    summary = (command.__doc__ or "").splitlines()[0]
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=summary, description=summary)
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.set_defaults(command=command)
    return parser


def _data_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(required=True, metavar="list|get|add|remove")
    _verb(verbs, "list", data_list)
    _verb(verbs, "get", data_get).add_argument("name", metavar="NAME")
    add = _verb(verbs, "add", data_add)
    add.add_argument("name", metavar="NAME", help="what it shall be called here: letters, digits, - and _")
    add.add_argument("file", metavar="FILE", help="a CSV with a time and a value column, evenly spaced")
    add.add_argument("--time", default="", metavar="COL", help="the time column; guessed by default")
    add.add_argument("--value", default="", metavar="COL", help="the value column; guessed by default")
    add.add_argument(
        "--label", default="", metavar="COL", help="a column of 1 where something is out of the ordinary, else 0"
    )
    add.add_argument("--text", default="", metavar="COL", help="texts: the column that holds them; --label their class")
    add.add_argument("--pairs", action="store_true", help="two columns of texts: what is read, what is to be written")
    add.add_argument(
        "--columns", default="", metavar="a,b,c|all", help="several variables, forecast together; cells may be empty"
    )
    add.add_argument("--missing", type=float, metavar="N", help="with --columns: the number that stands for a hole")
    add.add_argument("--windows", metavar="FILE", help="labelled windows instead: CSV or JSON of start, end, name")
    add.add_argument("--period", type=int, metavar="N", help="points after which it repeats, 0 for none; guessed")
    _verb(verbs, "remove", data_remove).add_argument("name", metavar="NAME")
    _verb(verbs, "clear-states", data_clear)


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", metavar="PROJECT")
    parser.add_argument("--model", help="one of the project's models; the first by default")
    parser.add_argument("--dataset", help="a dataset of the project, your own by its name, or a CSV file")
    parser.add_argument("--preset", default="full", help="quick (within a minute) or full (the reference run's recipe)")
    parser.add_argument("--seed", type=int, default=0, help="start of every random generator")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda:0, ... or mps")
    parser.add_argument("--devices", type=int, default=1, help="processes that share every batch")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting; may be repeated")
    parser.add_argument("--detach", action="store_true", help="return at once; the run goes on in the background")
    parser.add_argument("--bundle", metavar="DIR", help="train here and now into this folder, without the store")
    forms = ["float32", "float16", "int8"]
    parser.add_argument(
        "--weights", choices=forms, default="float32", help="how a bundle keeps them: int8 is a quarter as large"
    )


def _runs_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    _verb(verbs, "list", runs_list)
    _verb(verbs, "show", runs_show).add_argument("run", metavar="RUN", help=RUN_HELP)
    for name in ("pause", "resume", "stop"):
        change = _verb(verbs, name, runs_change)
        change.add_argument("run", metavar="RUN", help=RUN_HELP)
        change.set_defaults(verb=name, detach=False)
        if name == "resume":
            change.add_argument("--detach", action="store_true", help="return at once")
    fork = _verb(verbs, "fork", runs_fork)
    fork.add_argument("run", metavar="RUN", help=RUN_HELP)
    fork.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting to change")
    fork.add_argument("--detach", action="store_true", help="return at once")
    export = _verb(verbs, "export", runs_export)
    export.add_argument("run", metavar="RUN", help=RUN_HELP)
    export.add_argument("file", metavar="FILE")
    export.add_argument("--onnx", action="store_true", help="the model alone, for ONNX Runtime; of pictures only")
    _verb(verbs, "import", runs_import).add_argument("file", metavar="FILE")


def _print(result: Any, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(_finite(result), allow_nan=False))
    else:
        _print_plain(result)
    sys.stdout.flush()


def _finite(value: Any) -> Any:
    """JSON knows no infinity and no not-a-number: both become null."""
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _print_plain(result: Any) -> None:
    for row in result if isinstance(result, list) else [result]:
        if isinstance(result, list):
            print("  ".join(f"{_short(value)}" for value in row.values()))
        else:
            for name, value in row.items():
                print(f"{name:<14} {_short(value)}")


def _short(value: Any) -> str:
    if isinstance(value, dict):
        shown = {k: v for k, v in value.items() if not str(k).endswith(("_low", "_high"))}
        return ", ".join(f"{name} {_short(item)}" for name, item in shown.items())
    if isinstance(value, list):
        text = ", ".join(_short(item) for item in value[:12])
        return text + (f", ... ({len(value)} in all)" if len(value) > 12 else "")
    return f"{value:.5g}" if isinstance(value, float) else str(value)
