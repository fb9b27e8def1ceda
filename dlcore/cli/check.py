"""`check`: behavioral tests of a text model."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlcore.cli.output import format_table
from dlcore.cli.verbs import RUN_HELP, add_command

if TYPE_CHECKING:
    from dlcore.evaluation.behavior import FailureRate
    from dlcore.runs.behavior import Report


def check(options: argparse.Namespace) -> dict[str, Any] | str:
    """Test what text models understand: failure rates on negation, names, typos and more, with the worst failures."""
    from dlcore.data.text import behavior as templates
    from dlcore.runs import behavior, open_run

    suites = None
    if options.templates:
        suites = [templates.read_suite(Path(path)) for path in options.templates]
    reports: dict[str, Report] = {}
    for ref in options.runs:
        run = open_run(ref)
        print(f"testing {run.run_id}", file=sys.stderr)
        reports[run.run_id] = behavior.check(run.finished_bundle, suites=suites, half=options.half)
    if options.json:
        return {"half": options.half, "runs": {run_id: report.as_json() for run_id, report in reports.items()}}
    tables = [f"Failure rates, %, with 95 % intervals ({options.half} half of the templates)\n{_rates(reports)}"]
    tables += [f"Worst failures of {run_id}\n{_failures(report)}" for run_id, report in reports.items()]
    return "\n".join(tables)


def _rates(reports: "dict[str, Report]") -> str:
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for run_id, report in reports.items():
        for rate in report.rates:
            row = rows.setdefault((rate.capability, rate.kind), {"capability": rate.capability, "kind": rate.kind})
            row |= {"n": rate.n, run_id.rpartition("/")[2]: _format(rate)}
    return format_table(list(rows.values()))


def _format(rate: "FailureRate") -> str:
    low, high = rate.interval
    return f"{100 * rate.rate:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def _failures(report: "Report") -> str:
    return format_table(
        [
            {
                "capability": failure.capability,
                "predictions": failure.describe(),
                "expected": failure.expected or "the same",
                "text": failure.text + (f" → {failure.changed}" if failure.changed else ""),
            }
            for failure in sorted(report.worst, key=lambda failure: -failure.severity)[:20]
        ]
    )


def arguments(verbs: Any) -> None:
    """Add `check`."""
    parser = add_command(verbs, "check", check)
    parser.add_argument("runs", nargs="+", metavar="RUN", help=RUN_HELP)
    parser.add_argument(
        "--templates", action="append", default=[], metavar="FILE", help="TOML file of templates instead; repeatable"
    )
    parser.add_argument(
        "--half", choices=("test", "train"), default="test", help="half of the templates; test by default"
    )
