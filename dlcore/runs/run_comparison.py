"""Comparison of any runs, started together or not: settings that differ, curves, metrics over seeds, paired tests."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dlcore.core.errors import RequestError
from dlcore.evaluation.metrics import HEADLINE, summarize
from dlcore.runs import comparisons, paired_tests
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.comparisons import Comparison
from dlcore.runs.paired_tests import PairedTest
from dlcore.runs.record import ACTIVE, Curve, Record
from dlcore.runs.run import open_run

MAX_COMPARED = 30
CURVES = ("train_loss", "validation_loss", "train_accuracy", "validation_accuracy", "validation_skill")
"""Curves of a comparison, one value per epoch."""
_ENDS = ("_low", "_high")


@dataclass(frozen=True)
class MetricRange:
    """A test metric over the seeds of a variant."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class VariantSummary:
    """One variant: its runs, its test metrics over seeds, and what it costs.

    `seconds` is the mean duration of its runs, `multiply_adds` those of one sample if the bundle holds them.
    """

    name: str
    records: tuple[Record, ...]
    bundles: tuple[Bundle, ...]
    metrics: Mapping[str, MetricRange]
    parameters: int
    seconds: float
    multiply_adds: int | None


@dataclass(frozen=True)
class RunComparison:
    """Any runs, compared: `settings` holds one value per variant for every setting that differs, None if it has none.

    `metric` is the main test metric that all tested variants share, empty without one.
    """

    comparison: Comparison
    settings: Mapping[str, tuple[Any, ...]]
    variants: tuple[VariantSummary, ...]
    metric: str
    tests: tuple[PairedTest, ...]
    verdict: str

    def as_json(self) -> dict[str, Any]:
        """Return the comparison as a JSON-able dict, with curves by epoch: mean, lowest and highest seed."""
        names = list(self.comparison.variants)
        return {
            "verdict": self.verdict.replace("**", ""),
            "metric": self.metric,
            "settings": {name: dict(zip(names, values, strict=True)) for name, values in self.settings.items()},
            "variants": [
                {
                    "variant": variant.name,
                    "runs": [record.run_id for record in variant.records],
                    "states": [record.state for record in variant.records],
                    "seeds": len(variant.bundles),
                    "metrics": {name: asdict(value) for name, value in variant.metrics.items()},
                    "parameters": variant.parameters,
                    "seconds": variant.seconds,
                    "multiply_adds": variant.multiply_adds,
                    "curves": _curves_as_json(variant.records),
                }
                for variant in self.variants
            ],
            "tests": [asdict(test) for test in self.tests],
        }


def compare_runs(refs: Sequence[str]) -> RunComparison:
    """Compare runs by id or reference; runs that differ only in their seed form one variant.

    Raises:
        RequestError: fewer than two runs, or more than 30.
        RunError: a run does not exist.
    """
    return summarize_comparison(open_comparison(refs))


def open_comparison(refs: Sequence[str]) -> Comparison:
    """Return runs by id or reference as a comparison; raises as `compare_runs`."""
    run_ids = list(dict.fromkeys(open_run(ref).run_id for ref in refs))
    if not 2 <= len(run_ids) <= MAX_COMPARED:
        raise RequestError(f"2 to {MAX_COMPARED} different runs can be compared, not {len(run_ids)}.")
    return comparisons.from_runs(run_ids)


def summarize_comparison(comparison: Comparison) -> RunComparison:
    """Return settings, metrics and paired tests of a comparison."""
    bundles = {name: _bundles(records) for name, records in comparison.variants.items()}
    tests = paired_tests.compare_variants(bundles)
    verdict = paired_tests.describe_winner(tests, paired_tests.means_by_variant(bundles))
    variants = tuple(_summarize(name, records, bundles[name]) for name, records in comparison.variants.items())
    return RunComparison(
        comparison, differing_settings(comparison), variants, _shared_metric(variants), tuple(tests), verdict
    )


def differing_settings(comparison: Comparison) -> dict[str, tuple[Any, ...]]:
    """Return the settings in which the variants differ, each with one value per variant, None where it has none."""
    rows = [settings_of(records[0]) for records in comparison.variants.values()]
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: tuple(row.get(name) for row in rows) for name in names}
    return {name: values for name, values in columns.items() if len({repr(value) for value in values}) > 1}


def settings_of(record: Record) -> dict[str, Any]:
    """Return every setting of a run by name: project, model, data, preset, training; without seed and device."""
    config = open_run(record.run_id).config
    head = {name: getattr(config, name) for name in ("project", "model", "dataset", "preset")}
    return {**head, **(config.model_options.model_dump() if record.is_watched else config.flat)}


def read_history(record: Record) -> Mapping[str, Curve]:
    """Return the curves of a run: those of its bundle once it has ended."""
    run = open_run(record.run_id)
    bundle = None if record.state in ACTIVE else run.bundle
    return bundle.history() if bundle else run.history()


def pooled_curves(
    histories: Sequence[Mapping[str, Curve]], names: Sequence[str] = CURVES
) -> tuple[dict[str, Curve], dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Return the mean of the curves of several runs at every recorded step, and the lowest and highest value."""
    means, bands = {}, {}
    for name in names:
        curves = [history[name] for history in histories if name in history and len(history[name].steps)]
        if not curves:
            continue
        steps = np.unique(np.concatenate([curve.steps for curve in curves]))
        table = np.full((len(curves), len(steps)), np.nan)
        for row, curve in zip(table, curves, strict=True):
            row[np.searchsorted(steps, curve.steps)] = curve.values
        has_value = ~np.isnan(table).all(axis=0)
        steps, table = steps[has_value], table[:, has_value]
        means[name] = Curve(steps, np.nanmean(table, axis=0))
        if len(curves) > 1 and name not in ("learning_rate", "elapsed_s"):
            bands[name] = (np.nanmin(table, axis=0), np.nanmax(table, axis=0))
    return means, bands


@dataclass(frozen=True)
class Disagreement:
    """A test sample for which two or more classifiers predict different classes: one class per variant."""

    sample: int
    target: int
    predicted: tuple[int, ...]


def list_disagreements(bundles: Sequence[Bundle]) -> list[Disagreement]:
    """Return the test samples on which classifiers with the same test samples disagree, in the order of the split."""
    predicted = np.stack([paired_tests.predicted_classes(bundle) for bundle in bundles])  # (V, N)
    stored = bundles[0].predictions()
    rows = np.flatnonzero((predicted != predicted[0]).any(axis=0))
    return [
        Disagreement(int(stored["test_ids"][row]), int(stored["test_targets"][row]), tuple(predicted[:, row].tolist()))
        for row in rows
    ]


def _bundles(records: Sequence[Record]) -> list[Bundle]:
    return [bundle for record in records if (bundle := open_run(record.run_id).bundle) is not None]


def _summarize(name: str, records: Sequence[Record], bundles: Sequence[Bundle]) -> VariantSummary:
    rows = [bundle.evaluation.metrics for bundle in bundles]
    shared = [key for key in (rows[0] if rows else ()) if all(key in row for row in rows) and not key.endswith(_ENDS)]
    values = {key: [row[key] for row in rows] for key in shared}
    return VariantSummary(
        name,
        tuple(records),
        tuple(bundles),
        {key: MetricRange(float(np.mean(each)), min(each), max(each)) for key, each in values.items()},
        records[0].parameters,
        float(np.mean([record.duration_s for record in records])),
        bundles[0].run.get("multiply_adds") if bundles else None,
    )


def _shared_metric(variants: Sequence[VariantSummary]) -> str:
    """Return the main metric that all tested variants have; that of their pages if they agree."""
    tested = [variant for variant in variants if variant.bundles]
    tops = [
        summarize(bundle.evaluation.metrics, bundle.evaluation.baselines) for bundle in (v.bundles[0] for v in tested)
    ]
    names = {top.metric if top else "" for top in tops}
    if len(names) == 1 and (name := names.pop()):
        return name
    return next((name for name in HEADLINE if tested and all(name in variant.metrics for variant in tested)), "")


def _curves_as_json(records: Sequence[Record]) -> dict[str, dict[str, list[float]]]:
    means, bands = pooled_curves([read_history(record) for record in records])
    per_epoch = max(1, records[0].steps_per_epoch)
    return {
        name: {
            "epoch": (curve.steps / per_epoch).tolist(),
            "mean": curve.values.tolist(),
            "low": (bands[name][0] if name in bands else curve.values).tolist(),
            "high": (bands[name][1] if name in bands else curve.values).tolist(),
        }
        for name, curve in means.items()
    }
