"""`inspect`: label errors, duplicates, hard samples and weak slices in the data of a finished classifier."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlcore.cli.output import format_table
from dlcore.cli.verbs import RUN_HELP, add_command

if TYPE_CHECKING:
    from dlcore.runs import Run
    from dlcore.runs.quality.inspection import DataQuality

ROWS, TEXT = 20, 60
"""Samples in a table, and characters shown of a text."""


def inspect(options: argparse.Namespace) -> dict[str, Any] | str:
    """Find label errors, duplicates, leaks, hard samples and weak slices in the data of a finished classifier."""
    from dlcore import runs
    from dlcore.core import progress
    from dlcore.data.custom.decisions import write_csv
    from dlcore.runs.quality.correction import list_decisions
    from dlcore.runs.quality.inspection import inspect_run

    run = runs.open_run(options.run)
    if options.decisions:
        return _correct(options, run)
    with progress.listening(_report):
        quality = inspect_run(run.finished_bundle)
    if options.csv:
        suspects = list_decisions(quality, quality.errors.suspects)
        Path(options.csv).write_bytes(write_csv(suspects))
        return {"csv": options.csv, "suspects": len(suspects), "samples": len(quality.samples)}
    if options.json:
        return {"run_id": run.record.run_id, **quality.as_json(limit=options.limit)}
    return _format(quality, options.limit)


def _correct(options: argparse.Namespace, run: "Run") -> dict[str, Any]:
    """Save a version of the run's dataset with the decisions; with --train, train on it and test the difference."""
    from dlcore import projects, runs
    from dlcore.data.custom.decisions import read_csv
    from dlcore.runs.inference import read_source
    from dlcore.runs.quality import correction
    from dlcore.runs.quality.samples import collect_samples

    project = projects.get(run.config.project)
    samples = collect_samples(project.prepare(run.config))
    decisions = read_csv(read_source(project, Path(options.decisions)), labels=samples.names)
    entry = correction.save_corrected(run.config, samples, decisions, name=options.name)
    answer = {"dataset": entry.dataset, "rows": entry.rows, "receipt": list(entry.receipt)}
    if not options.train:
        return answer
    record = runs.create(correction.configure_corrected(run.config, entry))
    runs.follow(runs.start(record.run_id).run_id, lambda each: print(each.progress, file=sys.stderr))
    return answer | {"run_id": record.run_id, "gain": correction.describe_gain(run, runs.open_run(record.run_id))}


def _report(what: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{what}: {done} of {total}    ", end="", file=sys.stderr, flush=True)


def _format(quality: "DataQuality", limit: int) -> str:
    samples, errors = quality.samples, quality.errors
    described = {
        f"Probable label errors: {len(errors.suspects):,} suspects, about {errors.estimate:,.0f} estimated, among "
        f"{len(samples):,} samples ({quality.method})": errors.suspects,
        f"Test samples that repeat a training sample (leaks): {len(quality.leaks):,}": quality.leaks,
        f"Repeated samples: {len(quality.repeats):,}": quality.repeats,
    }
    if quality.dynamics is not None:
        epochs = f"in {quality.dynamics.epochs} epochs"
        described[f"Never learned {epochs}: {len(quality.never_learned):,}"] = quality.never_learned
        described[f"Learned and forgotten {epochs}: {len(quality.forgotten):,}"] = quality.forgotten
    described["Hardest samples, by out-of-fold loss"] = quality.hardest
    parts = [f"{title}\n{_table(quality, indices[:limit])}" for title, indices in described.items()]
    slices = [
        {
            "slice": part.name,
            "n": part.n,
            "accuracy": f"{part.accuracy:.1%} [{part.low:.1%}, {part.high:.1%}]",
            "": "weak" if part.is_weak else "",
        }
        for part in quality.slices[:limit]
    ]
    return "\n".join([*parts, f"Test slices, the least accurate first\n{format_table(slices)}"])


def _table(quality: "DataQuality", indices: Any) -> str:
    rows = []
    for row in (quality.describe_sample(int(index)) for index in indices):
        row_texts = {
            "sample": f"{row['part']} {row['row']}",
            "label": f"{row['label']} {row['probability_of_label']:.1%}",
            "suggested": f"{row['suggested']} {row['probability_of_suggested']:.1%}",
        }
        rows.append(row_texts | ({"text": row["text"][:TEXT]} if "text" in row else {}))
    return format_table(rows)


def arguments(verbs: Any) -> None:
    """Add `inspect`."""
    parser = add_command(verbs, "inspect", inspect)
    parser.add_argument("run", metavar="RUN", help=RUN_HELP)
    parser.add_argument("--csv", metavar="FILE", help="write the suspected label errors as a CSV of decisions to make")
    parser.add_argument("--decisions", metavar="FILE", help="save a new version of the dataset with these decisions")
    parser.add_argument("--name", default="", help="name of the new version")
    parser.add_argument("--train", action="store_true", help="train on the new version, and test the difference")
    parser.add_argument("--limit", type=int, default=ROWS, help=f"samples of each kind; {ROWS} by default")
