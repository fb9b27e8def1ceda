"""`benchmark`: detectors on a folder of labeled series."""

import argparse
import sys
from pathlib import Path
from typing import Any

from dlcore.cli.verbs import add_command

COLUMNS = (
    "detector",
    "series",
    "vus_pr",
    "vus_pr_centered",
    "nab_adaptive_standard",
    "nab_adaptive_held_out",
    "nab_fixed_standard",
    "rank",
    "seconds",
)


def anomaly(options: argparse.Namespace) -> Any:
    """Compare all detectors on a folder of labeled series by VUS-PR and NAB's protocol; recommend one for each series
    without labels.
    """
    from dlcore.runs import benchmark, benchmark_report

    source = Path(options.folder)
    unlabeled = benchmark.find_unlabeled(source)
    if unlabeled and not benchmark.has_labels(source):
        result = benchmark.Benchmark({}, ())
    else:
        result = benchmark.run(source, detectors=options.detectors, workers=options.workers, report=_report)
    ranks = result.ranks()
    path = f" -o {options.output}" if options.output else ""
    measure = " --recommend" if options.recommend else ""
    command = f"dlcore benchmark anomaly {source.resolve().name}{measure}{path}"
    document = benchmark_report.build(result, command=command)
    labeled = benchmark_report.labeled_series(document) if options.recommend else ()
    files = unlabeled | {name: file for name in labeled if (file := benchmark.find_file(source, name))}
    errors = list(result.errors)
    if files:
        evidence, problems = benchmark.gather_evidence(files, workers=options.workers, report=_report)
        benchmark_report.add_recommendations(document, evidence, labeled=[name for name in labeled if name in evidence])
        errors += problems
        document["errors"] = errors
    for line in errors:
        print(line, file=sys.stderr)
    if options.output:
        benchmark_report.save(document, Path(options.output))
    if options.json:
        return document
    if ranks:
        print(
            f"{ranks.data_sets} series; average ranks differ significantly by {ranks.critical_difference:.2f} "
            "(Nemenyi, 5 %)",
            file=sys.stderr,
        )
    if "recommendation" in document:
        print(benchmark_report.describe_hit_rate(document["recommendation"]), file=sys.stderr)
    recommended = document.get("recommended", [])
    for row in recommended:
        print(f"{row['series']}: {row['reasons']}", file=sys.stderr)
    return document["detectors"] or [{"detector": row["detector"], "series": row["series"]} for row in recommended]


def _report(done: int, total: int, name: str) -> None:
    print(f"{done}/{total}  {name}", file=sys.stderr)


def arguments(verbs: Any) -> None:
    """Add `benchmark anomaly`."""
    parser = verbs.add_parser("benchmark", help="compare detectors on a folder of series, or recommend one")
    kinds = parser.add_subparsers(required=True, metavar="KIND")
    command = add_command(kinds, "anomaly", anomaly, columns=COLUMNS)
    command.add_argument("folder", metavar="FOLDER", help="CSV files and windows.json, as in the Numenta corpus")
    command.add_argument("--detectors", nargs="+", default=(), metavar="NAME", help="a part of the detectors")
    command.add_argument("--workers", type=int, default=0, help="processes; one per core by default")
    command.add_argument(
        "--recommend", action="store_true", help="measure on the labeled series how often recommendations are right"
    )
    command.add_argument("-o", "--output", metavar="FILE", help="write the result as JSON, for the page and later use")
