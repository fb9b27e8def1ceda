"""Which model wins a comparison: paired tests over samples and seeds, at equal epochs and equal time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from dlcore import runs
from dlcore.evaluation import seeds
from dlcore.evaluation.metrics import METRICS, metric_title
from dlcore.evaluation.seeds import SeedDifference
from dlcore.runs import Bundle, Record
from dlcore.ui.shell.times import format_duration
from dlcore.ui.widgets import run_cache

if TYPE_CHECKING:
    Pairs = Mapping[tuple[str, str], SeedDifference]
MANY_METRICS = 40
"""With this many metrics (one per variable), only those with a title are in the table."""


@dataclass(frozen=True)
class TestedVariant:
    """The finished runs of one variant; all have the same test samples."""

    name: str
    records: tuple[Record, ...]
    bundles: tuple[Bundle, ...]

    @property
    def correct(self) -> list[np.ndarray]:
        """Return for each run which test samples it classifies correctly, (N,) bool."""
        stored = [(bundle, run_cache.predictions(bundle)) for bundle in self.bundles]
        return [
            run_cache.predicted_classes(bundle, predictions["test_scores"]) == predictions["test_targets"]
            for bundle, predictions in stored
        ]


def tested_variants(variants: Mapping[str, Sequence[Record]]) -> list[TestedVariant]:
    """Return the variants with a finished run, in order."""
    tested = []
    for variant, records in variants.items():
        pairs = [(record, bundle) for record in records if (bundle := runs.open_run(record.run_id).bundle) is not None]
        if pairs:
            tested.append(
                TestedVariant(variant, tuple(record for record, _ in pairs), tuple(bundle for _, bundle in pairs))
            )
    return tested


def classifiers(variants: Sequence[TestedVariant]) -> bool:
    """Return whether all runs predict a score per class."""
    stored = [run_cache.predictions(bundle) for variant in variants for bundle in variant.bundles]
    return all("test_targets" in arrays and arrays["test_scores"].ndim == 2 for arrays in stored)


def metrics(variants: Sequence[TestedVariant]) -> None:
    """Render the metrics of runs that are not classifiers: mean, lowest and highest over seeds."""
    rows = []
    for variant in variants:
        metrics_of_runs = [run_cache.evaluation(bundle).metrics for bundle in variant.bundles]
        row = {
            "Model": variant.name,
            "Seeds": str(len(metrics_of_runs)),
            "Parameters": f"{variant.records[0].parameters:,}",
        }
        for name in metrics_of_runs[0]:
            has_title = name in METRICS or len(metrics_of_runs[0]) < MANY_METRICS
            if has_title and all(name in values for values in metrics_of_runs) and not name.endswith(("_low", "_high")):
                row[metric_title(name)] = format_range([values[name] for values in metrics_of_runs])
        rows.append(row)
    st.dataframe(pd.DataFrame(rows).fillna("–"), hide_index=True, width="stretch", alt="Metrics of the models compared")
    st.caption("Test split. Mean over seeds; in brackets the lowest and highest.")


def format_range(values: Sequence[float]) -> str:
    """Format mean, lowest and highest; 'to' joins them, since a dash would read as a minus."""
    mean, low, high = (_signed(value) for value in (float(np.mean(values)), min(values), max(values)))
    return mean if len(values) == 1 else f"{mean} ({low} to {high})"


def _signed(value: float) -> str:
    """Format three significant digits, with a typographic minus."""
    return f"{value:.3g}".replace("-", "−", 1) if value < 0 else f"{value:.3g}"


def has_same_samples(variants: Sequence[TestedVariant]) -> bool:
    """Return whether all runs have the same test samples."""
    first: dict[str, np.ndarray] = {}
    for bundle in (bundle for variant in variants for bundle in variant.bundles):
        stored = run_cache.predictions(bundle)
        first = first or stored
        if not all(np.array_equal(first[name], stored[name]) for name in ("test_ids", "test_targets")):
            return False
    return bool(first)


def summarize(variants: Sequence[TestedVariant]) -> None:
    """Render which model wins at equal epochs and at equal time, and the pairwise tests."""
    if len(variants) < 2:
        st.caption("The winner appears when two models have a finished run.")
        return
    correct = {variant.name: variant.correct for variant in variants}
    epochs = {record.epochs for variant in variants for record in variant.records}
    means = {name: float(np.mean([run.mean() for run in masks])) for name, masks in correct.items()}
    pairs = seeds.compare_all_pairs(correct)
    equal_epochs = len(epochs) == 1
    where = f"at equal epochs ({epochs.pop()} each)" if equal_epochs else "with different numbers of epochs"
    n = len(next(iter(correct.values()))[0])
    st.markdown(f"{winner_sentence(means, pairs, where=where)} On {n:,} test samples, at the best epoch of each run.")
    if not equal_epochs:
        _equal_epochs(variants)
    _equal_time(variants)
    with st.expander("Statistical tests"):
        _pairs(pairs)
        one_seed_each = all(gap.seeds == (1, 1) for gap in pairs.values())
        st.caption(
            "McNemar's exact test on the samples that only one of the two classifies correctly. One seed each: another "
            "seed may change the result."
            if one_seed_each
            else "Mean accuracy over seeds on the same samples, with the variance over samples and seeds (Student's t, "
            "Welch's degrees of freedom)."
        )
        st.caption("p-values are Holm-corrected for the number of pairs, intervals are not. Significance level: 0.05.")


def winner_sentence(means: Mapping[str, float], pairs: "Pairs", *, where: str) -> str:
    """Return a sentence: one model wins, several tie and beat the others, or all tie."""
    top = max(means, key=lambda name: means[name])
    beaten = [other for other in means if other != top and _is_better(top, other, pairs)]
    tied = [other for other in means if other != top and other not in beaten]
    numbers = "; ".join(f"{name}: {value:.1%}" for name, value in sorted(means.items(), key=lambda pair: -pair[1]))
    if not tied:
        return f"**{top} wins** {where}. Accuracy {numbers}."
    if not beaten:
        return f"**No difference** {where}. Accuracy {numbers}. More seeds may reveal one."
    equals = _join_names([top, *tied])
    return f"**No difference between {equals}** {where}; {top} beats {_join_names(beaten)}. Accuracy {numbers}."


def _is_better(name: str, other: str, pairs: "Pairs") -> bool:
    if (name, other) in pairs:
        return pairs[name, other].verdict == "first"
    return pairs[other, name].verdict == "second"


def _join_names(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _equal_time(variants: Sequence[TestedVariant]) -> None:
    """Render which model leads when the fastest is finished, by validation accuracy, not by test accuracy."""
    if len({record.device for variant in variants for record in variant.records}) > 1:
        st.markdown("At equal time: not comparable, since the runs used different devices.")
        return
    ends = {
        variant.name: max(_elapsed(bundle, record) for bundle, record in _bundles_and_records(variant))
        for variant in variants
    }
    limit = min(ends.values())
    reached = {
        variant.name: [best_within_seconds(bundle, record, limit) for bundle, record in _bundles_and_records(variant)]
        for variant in variants
    }
    _by_validation(variants, reached, where=f"at equal time ({format_seconds(limit)}, when the fastest is finished)")


def _equal_epochs(variants: Sequence[TestedVariant]) -> None:
    """Render which model leads after the epochs of the shortest training, by validation."""
    limit = min(record.epochs for variant in variants for record in variant.records)
    reached = {
        variant.name: [best_until_epoch(bundle, record, limit) for bundle, record in _bundles_and_records(variant)]
        for variant in variants
    }
    epochs = "the first epoch" if limit == 1 else f"the first {limit} epochs"
    _by_validation(variants, reached, where=f"at equal epochs ({epochs} of each)")
    if any(bundle.config.training.schedule != "constant" for variant in variants for bundle in variant.bundles):
        st.caption(
            "Learning rate schedules depend on the number of epochs, so a longer training has not converged by then. "
            "For a fair comparison, use equal epochs."
        )


def _by_validation(
    variants: Sequence[TestedVariant], reached: "Mapping[str, list[float | None]]", *, where: str
) -> None:
    """Render a sentence on the best validation accuracies `reached` by the runs of each variant."""
    late = [name for name, values in reached.items() if None in values]
    shares = {
        name: [value for value in values if value is not None] for name, values in reached.items() if None not in values
    }
    unfinished = f"{_join_names(late)} had not finished an epoch by then." if late else ""
    if len(shares) < 2:
        st.markdown(f"**{where[:1].upper()}{where[1:]}**: {unfinished}")
        return
    n = int(variants[0].bundles[0].run["sizes"]["validation"])
    names = list(shares)
    gaps = {
        (a, b): seeds.compare_shares(shares[a], shares[b], n=n) for i, a in enumerate(names) for b in names[i + 1 :]
    }
    means = {name: float(np.mean(values)) for name, values in shares.items()}
    sentence = winner_sentence(means, seeds.holm_correction(gaps), where=where)
    st.markdown(f"{sentence} By validation, at the best epoch until then. {unfinished}")


def _bundles_and_records(variant: TestedVariant) -> list[tuple[Bundle, Record]]:
    return list(zip(variant.bundles, variant.records, strict=True))


def best_within_seconds(bundle: Bundle, record: Record, seconds: float) -> float | None:
    """Return the best validation accuracy within `seconds` of training; None before the first finished epoch."""
    history = run_cache.history(bundle)
    curve, clock = history.get("validation_accuracy"), history.get("epoch_s")
    if curve is None or clock is None or not len(clock.steps):
        return None
    at = np.interp(curve.steps, clock.steps, np.cumsum(clock.values))
    reached = curve.values[at <= seconds * (1 + 1e-9)]
    return float(reached.max()) if len(reached) else None


def best_until_epoch(bundle: Bundle, record: Record, epochs: int) -> float | None:
    """Return the best validation accuracy in the first `epochs` epochs; None before the first."""
    curve = run_cache.history(bundle).get("validation_accuracy")
    if curve is None:
        return None
    reached = curve.values[curve.steps <= epochs * record.steps_per_epoch]
    return float(reached.max()) if len(reached) else None


def format_seconds(seconds: float) -> str:
    """Format a duration; below ten seconds with two significant digits."""
    return f"{seconds:.2g} s" if 0 < seconds < 10 else format_duration(seconds)


def _elapsed(bundle: Bundle, record: Record) -> float:
    clock = run_cache.history(bundle).get("epoch_s")
    return float(clock.values.sum()) if clock is not None and len(clock.values) else record.duration_s


def _pairs(pairs: "Pairs") -> None:
    rows = [
        {
            "Pair": f"{first} − {second}",
            "Gap, points": f"{100 * gap.value:+.2f}",
            "95 % interval": f"{100 * gap.low:+.2f} to {100 * gap.high:+.2f}",
            "p": f"{gap.p_value:.3g}",
            "Verdict": {"first": f"{first} is better", "second": f"{second} is better"}.get(gap.verdict, gap.verdict),
        }
        for (first, second), gap in pairs.items()
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")
