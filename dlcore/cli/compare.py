"""`compare`: any runs beside each other."""

import argparse
from typing import TYPE_CHECKING, Any

from dlcore.cli.output import format_table
from dlcore.cli.verbs import RUN_HELP, add_command

if TYPE_CHECKING:
    from dlcore.runs.paired_tests import PairedTest
    from dlcore.runs.run_comparison import RunComparison


def compare(options: argparse.Namespace) -> dict[str, Any] | str:
    """Compare runs: settings that differ, test metrics over seeds, cost, and paired tests."""
    from dlcore.runs.run_comparison import compare_runs

    comparison = compare_runs(options.runs)
    if options.json:
        return comparison.as_json()
    names = list(comparison.comparison.variants)
    settings = [
        {"setting": name, **dict(zip(names, ("" if value is None else str(value) for value in values), strict=True))}
        for name, values in comparison.settings.items()
    ]
    parts = [
        format_table(_variants(comparison)),
        f"Settings that differ\n{format_table(settings)}",
        f"Paired tests\n{format_table([_test(test) for test in comparison.tests])}",
        f"{comparison.verdict.replace('**', '')}\n",
    ]
    return "\n".join(parts)


def _variants(comparison: "RunComparison") -> list[dict[str, Any]]:
    from dlcore.evaluation.metrics import format_metric, metric_title

    rows = []
    for variant in comparison.variants:
        row: dict[str, Any] = {"variant": variant.name, "seeds": len(variant.bundles)}
        names = dict.fromkeys(name for name in (comparison.metric, "loss") if name)
        for name in names:
            value = variant.metrics.get(name)
            text = "" if value is None else format_metric(name, value.mean)
            if value is not None and value.high > value.low:
                text += f" ({format_metric(name, value.low)} to {format_metric(name, value.high)})"
            row[metric_title(name)] = text
        rows.append(
            {
                **row,
                "parameters": variant.parameters,
                "seconds": round(variant.seconds),
                "runs": ", ".join(record.run_id for record in variant.records),
            }
        )
    return rows


def _test(test: "PairedTest") -> dict[str, Any]:
    row: dict[str, Any] = {"pair": f"{test.first} − {test.second}"}
    if test.difference is None:
        return row | {"verdict": f"not tested: {test.reason}"}
    gap = test.difference
    better = {"first": f"{test.first} is better", "second": f"{test.second} is better"}
    return row | {
        "verdict": better.get(gap.verdict, "tie: no difference beyond noise"),
        "metric": test.metric,
        "difference": f"{gap.value:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]",
        "p": f"{gap.p_value:.3g}",
        "test": test.method,
    }


def arguments(commands: Any) -> None:
    """Add `compare`."""
    add_command(commands, "compare", compare).add_argument("runs", nargs="+", metavar="RUN", help=RUN_HELP)
