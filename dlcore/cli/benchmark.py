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
    from dlcore.runs import benchmark, benchmark_report

    result = benchmark.run(
        Path(options.folder),
        detectors=options.detectors,
        workers=options.workers,
        report=lambda done, total, name: print(f"{done}/{total}  {name}", file=sys.stderr),
    )
    for line in result.errors:
        print(line, file=sys.stderr)
    path = f" -o {options.output}" if options.output else ""
    document = benchmark_report.build(result, command=f"dlcore benchmark anomaly {Path(options.folder).name}{path}")
    if options.output:
        benchmark_report.save(document, Path(options.output))
    if options.json:
        return document
    if ranks := result.ranks():
        print(
            f"{ranks.data_sets} series; average ranks differ significantly by {ranks.critical_difference:.2f} "
            "(Nemenyi, 5 %)",
            file=sys.stderr,
        )
    return document["detectors"]


def arguments(verbs: Any) -> None:
    """Add `benchmark anomaly`."""
    parser = verbs.add_parser("benchmark", help="compare detectors on a folder of labeled series")
    kinds = parser.add_subparsers(required=True, metavar="KIND")
    command = add_command(kinds, "anomaly", anomaly, columns=COLUMNS)
    command.add_argument("folder", metavar="FOLDER", help="CSV files and windows.json, as in the Numenta corpus")
    command.add_argument("--detectors", nargs="+", default=(), metavar="NAME", help="a part of the detectors")
    command.add_argument("--workers", type=int, default=0, help="processes; one per core by default")
    command.add_argument("-o", "--output", metavar="FILE", help="write the result as JSON, for the page and later use")
