"""`benchmark`: detectors on a folder of labeled series."""

import argparse
import sys
from pathlib import Path
from typing import Any

from dlcore.cli.verbs import add_command

COLUMNS = (
    "detector",
    "vus_pr",
    "vus_pr_centered",
    "nab_adaptive_standard",
    "nab_adaptive_held_out",
    "nab_fixed_standard",
    "rank",
    "seconds",
)


def anomaly(options: argparse.Namespace) -> Any:
    """Compare all detectors on a folder of labeled series by VUS-PR and NAB's protocol."""
    from dlcore.runs import benchmark

    result = benchmark.run(
        Path(options.folder),
        detectors=options.detectors,
        workers=options.workers,
        report=lambda done, total, name: print(f"{done}/{total}  {name}", file=sys.stderr),
    )
    for line in result.errors:
        print(line, file=sys.stderr)
    ranks = result.ranks()
    rows = [
        {**summary.as_json(), "rank": ranks.ranks[summary.detector] if ranks else None} for summary in result.summaries
    ]
    if not options.json:
        if ranks:
            print(
                f"{ranks.data_sets} series; average ranks differ significantly by {ranks.critical_difference:.2f} "
                "(Nemenyi, 5 %)",
                file=sys.stderr,
            )
        return rows
    series = {
        detector: {name: {key: value for key, value in row.items() if "raw_" not in key} for name, row in by.items()}
        for detector, by in result.results.items()
    }
    return {
        "detectors": rows,
        "critical_difference": ranks.critical_difference if ranks else None,
        "groups": ranks.groups if ranks else [],
        "series": series,
        "errors": list(result.errors),
    }


def arguments(verbs: Any) -> None:
    """Add `benchmark anomaly`."""
    parser = verbs.add_parser("benchmark", help="compare detectors on a folder of labeled series")
    kinds = parser.add_subparsers(required=True, metavar="KIND")
    command = add_command(kinds, "anomaly", anomaly, columns=COLUMNS)
    command.add_argument("folder", metavar="FOLDER", help="CSV files and windows.json, as in the Numenta corpus")
    command.add_argument("--detectors", nargs="+", default=(), metavar="NAME", help="a part of the detectors")
    command.add_argument("--workers", type=int, default=0, help="processes; one per core by default")
