"""`monitor`: follow a source with a finished run and send its alarms."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlcore.cli.verbs import RUN_HELP, add_command
from dlcore.core.errors import RequestError

if TYPE_CHECKING:
    from dlcore.runs.monitor.detector import ScoredPoints
    from dlcore.runs.monitor.sinks import Sink
    from dlcore.runs.monitor.sources import PointSource
    from dlcore.runs.run import Run


def monitor(options: argparse.Namespace) -> dict[str, Any] | None:
    """Follow a growing file, a folder, an address or a replay with a finished run; send each alarm once."""
    from dlcore import runs
    from dlcore.runs.monitor.monitor import MonitorEvents, SeriesMonitor, ThresholdSettings

    run = runs.open_run(options.run)
    source = _source(options, tuple(run.finished_bundle.preprocessing.get("columns", ())))
    if options.false_alarm or options.missed or options.confirmed:
        return _give_feedback(options, run, source)
    threshold = ThresholdSettings(options.threshold, options.rate, options.memory)
    events = MonitorEvents(warn=_warn)
    if not options.json:
        events.alarm = lambda alarm: print(f"{alarm['start']}  {alarm['id']}  {alarm['reason']}", flush=True)
    if options.scores:
        events.points = _print_scores
    watch = SeriesMonitor(
        run, source, threshold=threshold, gap=options.gap, sinks=_sinks(options), events=events, restart=options.restart
    )
    watch.follow(once=options.once)
    return watch.summary()


def _source(options: argparse.Namespace, names: tuple[str, ...]) -> "PointSource":
    """The source of points, with the values `names` of a run on a table of several columns."""
    from dlcore.data.custom import registry
    from dlcore.data.series import series, tables
    from dlcore.runs.monitor import sources

    if names and options.value:
        raise RequestError(f"--value: this run reads {len(names)} columns by their names: leave it out.")
    columns: dict[str, Any] = {"time": options.time, "value": names or options.value}
    if options.follow is not None:
        return sources.FollowedFile(Path(options.follow), **columns)
    if options.folder is not None:
        return sources.FollowedFolder(Path(options.folder), **columns)
    if options.url is not None:
        return sources.PolledUrl(options.url, every_s=options.every, **columns)
    if options.stdin:
        return sources.StandardInput(sys.stdin.buffer, **columns)
    name = options.replay
    if name == "nyc_taxi" or registry.is_custom(name):
        return sources.Replay(tables.load_series(name), name=name, speed=options.speed, columns=names)
    path = Path(name)
    if not path.is_file():
        raise RequestError(f"--replay {name[:80]}: name nyc_taxi, a custom series of 'dlcore data list', or a file.")
    content = path.read_bytes()
    stored = tables.read_columns(content, names) if names else series.read_csv(content)
    return sources.Replay(stored, name=str(path.resolve()), speed=options.speed, columns=names)


def _sinks(options: argparse.Namespace) -> "tuple[Sink, ...]":
    from dlcore.core import access
    from dlcore.runs.monitor.sinks import make_sinks, read_settings

    path = Path(options.settings) if options.settings else access.personal_home() / "monitor.toml"
    stored = read_settings(path) if options.settings or path.is_file() else {}
    arguments_by_name = {"webhook": options.webhook, "command": options.run_command, "notify": options.notify}
    values = {name: [*texts, *stored.get(name, [])] for name, texts in arguments_by_name.items()}
    return make_sinks(output=Path(options.output) if options.output else None, **values)


def _give_feedback(options: argparse.Namespace, run: "Run", source: "PointSource") -> dict[str, Any]:
    """Show what feedback would change; apply it with --apply."""
    import numpy as np

    from dlcore.evaluation.feedback import removed
    from dlcore.runs.monitor.monitor import default_gap, open_store, propose_feedback

    store = open_store(run, source.name)
    times = store.history()["time"]
    step_ms = int(np.median(np.diff(times))) if len(times) > 1 else 1
    gap = options.gap or default_gap(step_ms, int(run.finished_bundle.facts.get("train_points", 480)))
    effect = propose_feedback(
        store, false=options.false_alarm, missed=options.missed, confirmed=options.confirmed, gap=gap
    )
    if options.apply:
        store.set_factor(effect.factor)
    return {
        "effect": effect.describe(),
        "factor": effect.factor,
        "alarms_before": len(effect.before),
        "alarms_after": len(effect.after),
        "removed": [str(times[start].astype("datetime64[ms]")) for start, _ in removed(effect)],
        "applied": options.apply,
    }


def _warn(text: str) -> None:
    print(f"dlcore monitor: {text}", file=sys.stderr, flush=True)


def _print_scores(points: "ScoredPoints") -> None:
    import numpy as np

    for time, value, score, limit in zip(points.times, points.values, points.scores, points.thresholds, strict=True):
        moment = str(np.datetime64(int(time), "ms")).removesuffix(".000")
        print(
            f"{moment} {' '.join(map(repr, np.atleast_1d(value).tolist()))} {float(score)!r} {float(limit)!r}",
            file=sys.stderr,
        )


def arguments(verbs: Any) -> None:
    """Add `monitor`."""
    parser = add_command(verbs, "monitor", monitor)
    parser.add_argument("run", metavar="RUN", help=RUN_HELP)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--follow", metavar="FILE", help="a growing table; truncated and replaced files are noticed")
    source.add_argument("--folder", metavar="DIR", help="a folder of tables, read in the order of their names")
    source.add_argument("--url", metavar="URL", help="an address that answers with a table or JSON")
    source.add_argument("--stdin", action="store_true", help="lines of standard input")
    source.add_argument("--replay", metavar="SERIES", help="nyc_taxi, a custom series, or a file")
    parser.add_argument("--every", type=float, default=10.0, metavar="S", help="seconds between requests to --url; 10")
    parser.add_argument(
        "--speed", type=float, default=0.0, metavar="X", help="times real time, for --replay; 0: all at once"
    )
    parser.add_argument("--once", action="store_true", help="read what is there, then end")
    parser.add_argument("--time", default="", metavar="COLUMN", help="the column of the times")
    parser.add_argument("--value", default="", metavar="COLUMN", help="the column of the values")
    kinds = ("fixed", "rolling", "dspot", "conformal")
    parser.add_argument(
        "--threshold", choices=kinds, default="fixed", help="that of the run (default), or an adaptive one"
    )
    parser.add_argument(
        "--rate", type=float, default=0.001, help="false alarms per point of an adaptive threshold; 0.001"
    )
    parser.add_argument("--memory", type=int, default=5000, metavar="N", help="recent scores that it uses; 5000")
    parser.add_argument(
        "--gap", type=int, default=0, metavar="N", help="points without alarm between two alarms; a day"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="append each alarm to a file of JSON lines")
    parser.add_argument(
        "--webhook", action="append", default=[], metavar="URL", help="post each alarm as JSON; repeatable"
    )
    parser.add_argument(
        "--command",
        dest="run_command",
        action="append",
        default=[],
        metavar="CMD",
        help="run a program with each alarm as JSON on its standard input; repeatable",
    )
    parser.add_argument(
        "--notify", action="append", default=[], metavar="URL", help="an address of apprise; repeatable"
    )
    parser.add_argument(
        "--settings", metavar="FILE", help="TOML with webhook, command, notify; DLCORE_HOME/monitor.toml"
    )
    parser.add_argument("--restart", action="store_true", help="forget the position, scores and alarms stored before")
    parser.add_argument("--scores", action="store_true", help="print each point's score on standard error")
    parser.add_argument("--false-alarm", action="append", default=[], metavar="ALARM", help="feedback: an id or time")
    parser.add_argument("--missed", action="append", default=[], metavar="TIME", help="feedback: a time or start/end")
    parser.add_argument("--confirmed", action="append", default=[], metavar="ALARM", help="feedback: an alarm to keep")
    parser.add_argument("--apply", action="store_true", help="apply the feedback; without it, its effect is shown")
