"""Paired tests between runs on the same test samples, and the reason where two runs cannot be tested."""

import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from dlcore.core.errors import RunError
from dlcore.data.custom.versions import find_base
from dlcore.evaluation import anomaly, classification, forecast, seeds
from dlcore.evaluation.metrics import format_percent
from dlcore.evaluation.seeds import SeedDifference
from dlcore.runs.bundle.reader import Bundle

DRAWS = 1000
HOUR_MS = 3_600_000
MCNEMAR = "McNemar's exact test"
SEEDS = "t test over samples and seeds"
BOOTSTRAP = "paired bootstrap"
UNTESTED = "not tested yet"
NO_PREDICTIONS = "no stored predictions"

Pairs = Mapping[tuple[str, str], SeedDifference]
"""Difference of two models by their names."""


@dataclass(frozen=True)
class PairedTest:
    """Test of two variants; without `difference`, `reason` says why they cannot be tested.

    The difference is that of `metric` (accuracy, exact match, area under PR or skill), first minus second.
    """

    first: str
    second: str
    metric: str = ""
    difference: SeedDifference | None = None
    method: str = ""
    reason: str = ""


@dataclass(frozen=True)
class SampleResults:
    """The results of one run on its test samples.

    `samples` identifies ids and targets. `correct` (N,) holds which samples are correct; for detectors and forecasts
    `draws` holds the metric on bootstrap resamples, which are the same for every run with these samples.
    """

    dataset: str
    samples: str
    ids: np.ndarray
    metric: str
    value: float
    correct: np.ndarray | None = None
    draws: np.ndarray | None = None


def predicted_classes(bundle: Bundle) -> np.ndarray:
    """Return the predicted classes (N,) of a classifier's test samples, by its decision threshold for two classes."""
    stored, threshold = bundle.predictions(), bundle.evaluation.threshold
    return classification.predicted_classes(stored["test_scores"], threshold=0.5 if threshold is None else threshold)


def correct_classes(bundle: Bundle) -> np.ndarray:
    """Return which test samples (N,) a classifier predicts correctly."""
    correct: np.ndarray = predicted_classes(bundle) == bundle.predictions()["test_targets"]
    return correct


def read_results(bundle: Bundle) -> SampleResults | str:
    """Return the results of a run on its test samples, or the reason why there are none."""
    try:
        return _read_results(bundle.folder, (bundle.folder / "run.json").stat().st_mtime_ns)
    except (OSError, RunError, KeyError):
        return NO_PREDICTIONS


def compare_variants(variants: Mapping[str, Sequence[Bundle]]) -> list[PairedTest]:
    """Test every pair of variants, with p-values corrected by Holm's method for the number of pairs.

    Each variant has the bundles of its seeds; none if no run was tested.
    """
    parts = {name: [read_results(bundle) for bundle in bundles] for name, bundles in variants.items()}
    reasons = {pair: _why_not(*(parts[name] for name in pair)) for pair in combinations(variants, 2)}
    gaps = {
        pair: _compare(*([part for part in parts[name] if isinstance(part, SampleResults)] for name in pair))
        for pair, reason in reasons.items()
        if not reason
    }
    corrected = seeds.holm_correction(gaps)
    tests = []
    for (first, second), reason in reasons.items():
        part = next((part for part in parts[first] if isinstance(part, SampleResults)), None)
        if reason or part is None:
            tests.append(PairedTest(first, second, reason=reason or UNTESTED))
            continue
        difference = corrected[first, second]
        method = BOOTSTRAP if part.correct is None else MCNEMAR if difference.seeds == (1, 1) else SEEDS
        tests.append(PairedTest(first, second, part.metric, difference, method))
    return tests


def means_by_variant(variants: Mapping[str, Sequence[Bundle]]) -> dict[str, float]:
    """Return the tested metric of each variant, the mean over its seeds; variants without one are left out."""
    parts = {
        name: [part for bundle in bundles if isinstance(part := read_results(bundle), SampleResults)]
        for name, bundles in variants.items()
    }
    return {name: float(np.mean([part.value for part in values])) for name, values in parts.items() if values}


def describe_winner(tests: Sequence[PairedTest], means: Mapping[str, float]) -> str:
    """Return the verdict in one sentence or two: who wins or ties, and what cannot be compared."""
    testable = {(test.first, test.second): test.difference for test in tests if test.difference is not None}
    reasons = list(dict.fromkeys(test.reason for test in tests if test.reason))
    if not testable:
        return f"**No paired test:** {'; '.join(reasons)}." if reasons else ""
    start = max(means, key=lambda name: sum(name in pair for pair in testable))
    group = [name for name in means if name == start or (start, name) in testable or (name, start) in testable]
    pairs = {pair: gap for pair, gap in testable.items() if set(pair) <= set(group) and gap is not None}
    metric = next(test.metric for test in tests if (test.first, test.second) in pairs)
    where = f"by {metric} on the same test samples"
    sentence = name_winner({name: means[name] for name in group}, pairs, where=where)
    excluded: dict[str, list[str]] = {}
    for name in _names(tests):
        if name not in group:
            reason = next(test.reason for test in tests if {name, start} == {test.first, test.second})
            excluded.setdefault(reason, []).append(name)
    if not excluded:
        return sentence
    return f"{sentence} Not tested: {'; '.join(f'{join_names(names)} ({why})' for why, names in excluded.items())}."


def winner_sentence(means: Mapping[str, float], pairs: Pairs, *, where: str) -> str:
    """Return who wins, with the accuracy of each model."""
    return f"{name_winner(means, pairs, where=where)} Accuracy {format_means(means)}."


def name_winner(means: Mapping[str, float], pairs: Pairs, *, where: str) -> str:
    """Return a sentence: one model wins, several tie and beat the others, or all tie."""
    top = max(means, key=lambda name: means[name])
    beaten = [other for other in means if other != top and _is_better(top, other, pairs)]
    tied = [other for other in means if other != top and other not in beaten]
    if not tied:
        return f"**{top} wins** {where}."
    if not beaten:
        return f"**No difference** {where}. More seeds may reveal one."
    equals = join_names([top, *tied])
    return f"**No difference between {equals}** {where}; {top} beats {join_names(beaten)}."


def format_means(means: Mapping[str, float]) -> str:
    """Format the accuracy of each model, highest first."""
    return "; ".join(
        f"{name}: {format_percent(value)}" for name, value in sorted(means.items(), key=lambda pair: -pair[1])
    )


def join_names(names: Sequence[str]) -> str:
    """Join names with commas and "and"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _is_better(name: str, other: str, pairs: Pairs) -> bool:
    if (name, other) in pairs:
        return pairs[name, other].verdict == "first"
    return pairs[other, name].verdict == "second"


def _names(tests: Sequence[PairedTest]) -> list[str]:
    return list(dict.fromkeys(name for test in tests for name in (test.first, test.second)))


def _why_not(first: Sequence[SampleResults | str], second: Sequence[SampleResults | str]) -> str:
    """Return why two variants cannot be tested; empty if they can."""
    if not first or not second:
        return UNTESTED
    parts = [part for part in (*first, *second) if isinstance(part, SampleResults)]
    missing = next((part for part in (*first, *second) if isinstance(part, str)), "")
    if missing:
        return missing
    left, right = first[0], next((part for part in parts if part.samples != parts[0].samples), parts[-1])
    assert isinstance(left, SampleResults)
    if left.dataset != right.dataset:
        return f"other data: {left.dataset} and {right.dataset}"
    if not np.array_equal(left.ids, right.ids):
        common = len(np.intersect1d(left.ids, right.ids))
        sizes = f"{len(left.ids):,} and {len(right.ids):,} test samples, {common:,} in common"
        return f"other split: {sizes}"
    if left.samples != right.samples:
        return "other targets for the same test samples"
    return "" if left.metric == right.metric else f"other metric: {left.metric} and {right.metric}"


def _compare(first: Sequence[SampleResults], second: Sequence[SampleResults]) -> SeedDifference:
    correct = [[part.correct for part in group if part.correct is not None] for group in (first, second)]
    if all(correct):
        return seeds.compare_on_same_samples(*correct)
    groups = {"first": first, "second": second}
    values = {name: float(np.mean([part.value for part in group])) for name, group in groups.items()}
    draws = {
        name: np.mean([part.draws for part in group if part.draws is not None], axis=0)
        for name, group in groups.items()
    }
    return replace(seeds.compare_resampled(values, draws)["first", "second"], seeds=(len(first), len(second)))


@functools.lru_cache(maxsize=64)
def _read_results(folder: Path, modified_ns: int) -> SampleResults | str:
    """Return the results; the time is part of the key because a resumed run replaces its bundle."""
    bundle = Bundle(folder)
    stored = bundle.predictions()
    scores, targets, ids = (stored[f"test_{name}"] for name in ("scores", "targets", "ids"))
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in (ids, targets))).hexdigest()
    dataset = find_base(bundle.config.dataset)  # versions of a dataset have the same test samples
    if "test_written" in stored:
        correct = (stored["test_written"] == targets).all(axis=1)
        return SampleResults(dataset, digest, ids, "exact match", float(correct.mean()), correct)
    if scores.ndim == 2 and targets.ndim == 1:
        correct = correct_classes(bundle)
        return SampleResults(dataset, digest, ids, "accuracy", float(correct.mean()), correct)
    if scores.ndim == 3 and "test_last" in stored:
        value, draws = forecast.resampled_skill(scores, targets, stored["test_last"], draws=DRAWS)
        return SampleResults(dataset, digest, ids, "skill", value, draws=draws)
    is_event = targets.astype(bool) if scores.ndim == 1 and targets.ndim == 1 else np.zeros(0, bool)
    if not is_event.any():
        return "no labeled test samples" if len(is_event) else NO_PREDICTIONS
    block = 1
    if bundle.config.project in ("anomaly", "custom_anomaly"):
        block = 7 * anomaly.event_gap(float(np.median(np.diff(ids))) / HOUR_MS, len(ids))
    value, draws = anomaly.resampled_average_precision(scores, targets, block=block, draws=DRAWS)
    return SampleResults(dataset, digest, ids, "area under PR", value, draws=draws)
