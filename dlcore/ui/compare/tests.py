"""Who wins a comparison, in words and numbers: paired tests over samples and seeds, at equal epochs and equal time."""

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
MANY = 40
"""Runs with so many metrics show those alone that have a name in words: not each variable's."""


@dataclass(frozen=True)
class TestedVariant:
    """The finished runs of one arm: right (N,) true or false for each, on the same test samples for all."""

    arm: str
    records: tuple[Record, ...]
    bundles: tuple[Bundle, ...]

    @property
    def right(self) -> list[np.ndarray]:
        """Which test samples each run got right, (N,)."""
        stored = [(bundle, run_cache.predictions(bundle)) for bundle in self.bundles]
        return [
            run_cache.predicted_classes(bundle, found["test_scores"]) == found["test_targets"]
            for bundle, found in stored
        ]


def tested_variants(arms: Mapping[str, Sequence[Record]]) -> list[TestedVariant]:
    """The arms that have a finished classifier, in order."""
    found = []
    for arm, records in arms.items():
        pairs = [(record, bundle) for record in records if (bundle := runs.open_run(record.run_id).bundle) is not None]
        if pairs:
            found.append(TestedVariant(arm, tuple(record for record, _ in pairs), tuple(bundle for _, bundle in pairs)))
    return found


def classifiers(arms: Sequence[TestedVariant]) -> bool:
    """Whether all runs gave a probability for each class."""
    stored = [run_cache.predictions(bundle) for arm in arms for bundle in arm.bundles]
    return all("test_targets" in found and found["test_scores"].ndim == 2 for found in stored)


def metrics(arms: Sequence[TestedVariant]) -> None:
    """The metrics of runs that are no classifiers: mean, lowest and highest of the seeds."""
    rows = []
    for arm in arms:
        found = [run_cache.evaluation(bundle).metrics for bundle in arm.bundles]
        row = {"Model": arm.arm, "Seeds": str(len(found)), "Parameters": f"{arm.records[0].parameters:,}"}
        for name in found[0]:
            named = name in METRICS or len(found[0]) < MANY
            if named and all(name in one for one in found) and not name.endswith(("_low", "_high")):
                row[metric_title(name)] = format_range([one[name] for one in found])
        rows.append(row)
    st.dataframe(pd.DataFrame(rows).fillna("–"), hide_index=True, width="stretch", alt="Metrics of the models compared")
    st.caption("Test part. Of several seeds: their mean, and in brackets the lowest and the highest.")


def format_range(values: Sequence[float]) -> str:
    """Mean, and in brackets lowest and highest; joined by a word, since a dash would read as a minus."""
    mean, low, high = (_signed(value) for value in (float(np.mean(values)), min(values), max(values)))
    return mean if len(values) == 1 else f"{mean} ({low} to {high})"


def _signed(value: float) -> str:
    """Three figures, with a true minus."""
    return f"{value:.3g}".replace("-", "−", 1) if value < 0 else f"{value:.3g}"


def has_same_samples(arms: Sequence[TestedVariant]) -> bool:
    """Whether all runs were tested on the very same samples."""
    first: dict[str, np.ndarray] = {}
    for bundle in (bundle for arm in arms for bundle in arm.bundles):
        stored = run_cache.predictions(bundle)
        first = first or stored
        if not all(np.array_equal(first[name], stored[name]) for name in ("test_ids", "test_targets")):
            return False
    return bool(first)


def summarize(arms: Sequence[TestedVariant]) -> None:
    """Sentences: who wins at equal epochs, who at equal time, and the pairs behind them."""
    if len(arms) < 2:
        st.caption("A winner is named once two models have a finished run each.")
        return
    right = {arm.arm: arm.right for arm in arms}
    epochs = {record.epochs for arm in arms for record in arm.records}
    means = {name: float(np.mean([run.mean() for run in found])) for name, found in right.items()}
    pairs = seeds.compare_all_pairs(right)
    alike = len(epochs) == 1
    where = f"at equal epochs ({epochs.pop()} each)" if alike else "each with its own number of epochs"
    n = len(next(iter(right.values()))[0])
    st.markdown(
        f"{winner_sentence(means, pairs, where=where)} Measured on {n:,} test samples, each model at its best epoch."
    )
    if not alike:
        _equal_epochs(arms)
    _equal_time(arms)
    with st.expander("The tests behind this"):
        _pairs(pairs)
        one = all(gap.seeds == (1, 1) for gap in pairs.values())
        st.caption(
            "McNemar's exact test on the samples that only one of the two got right; one seed each, so another start "
            "may turn out otherwise."
            if one
            else "Mean accuracy over seeds, compared on the same samples: chance in the samples and in the seeds both "
            "count (Student's t, Welch's degrees of freedom)."
        )
        st.caption(
            "p-values are corrected for the number of pairs (Holm), intervals are not. Below 0.05 is a difference."
        )


def winner_sentence(means: Mapping[str, float], pairs: "Pairs", *, where: str) -> str:
    """A sentence: one wins, or several are not told apart and beat the rest, or there is no difference at all."""
    top = max(means, key=lambda name: means[name])
    beaten = [other for other in means if other != top and _better(top, other, pairs)]
    tied = [other for other in means if other != top and other not in beaten]
    numbers = "; ".join(f"{name}: {value:.1%}" for name, value in sorted(means.items(), key=lambda pair: -pair[1]))
    if not tied:
        return f"**{top} wins** {where}. Accuracy {numbers}."
    if not beaten:
        return f"**No difference** {where}. Accuracy {numbers}. Chance alone may explain that; more seeds tell more."
    equals = _listed([top, *tied])
    return f"**No difference between {equals}** {where}; {top} beats {_listed(beaten)}. Accuracy {numbers}."


def _better(one: str, other: str, pairs: "Pairs") -> bool:
    if (one, other) in pairs:
        return pairs[one, other].verdict == "first"
    return pairs[other, one].verdict == "second"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _equal_time(arms: Sequence[TestedVariant]) -> None:
    """Who leads when the quickest is done, by validation: there is no test at that moment, and there shall be none."""
    if len({record.device for arm in arms for record in arm.records}) > 1:
        st.markdown("At equal time: they ran on different devices, so their times are not compared.")
        return
    ends = {arm.arm: max(_elapsed(bundle, record) for bundle, record in _both(arm)) for arm in arms}
    limit = min(ends.values())
    reached = {arm.arm: [best_within_seconds(bundle, record, limit) for bundle, record in _both(arm)] for arm in arms}
    _by_validation(arms, reached, where=f"at equal time ({format_seconds(limit)}, when the quickest is done)")


def _equal_epochs(arms: Sequence[TestedVariant]) -> None:
    """Who leads once the shortest training is over, by validation for the same reason."""
    limit = min(record.epochs for arm in arms for record in arm.records)
    reached = {arm.arm: [best_until_epoch(bundle, record, limit) for bundle, record in _both(arm)] for arm in arms}
    said = "the first epoch" if limit == 1 else f"the first {limit} epochs"
    _by_validation(arms, reached, where=f"at equal epochs ({said} of each)")
    if any(bundle.config.training.schedule != "constant" for arm in arms for bundle in arm.bundles):
        st.caption(
            "Learning rates fall towards the end of each one's own schedule, so a longer training has not come to rest "
            "by then: start a comparison with the same number of epochs for a fair answer."
        )


def _by_validation(arms: Sequence[TestedVariant], reached: "Mapping[str, list[float | None]]", *, where: str) -> None:
    """A sentence on the best validation accuracies `reached` so far by each run of each arm."""
    late = [name for name, found in reached.items() if None in found]
    shares = {
        name: [value for value in found if value is not None] for name, found in reached.items() if None not in found
    }
    behind = f"{_listed(late)} had not finished an epoch by then." if late else ""
    if len(shares) < 2:
        st.markdown(f"**{where[:1].upper()}{where[1:]}**: {behind}")
        return
    n = int(arms[0].bundles[0].run["sizes"]["validation"])
    names = list(shares)
    gaps = {
        (a, b): seeds.compare_shares(shares[a], shares[b], n=n) for i, a in enumerate(names) for b in names[i + 1 :]
    }
    means = {name: float(np.mean(found)) for name, found in shares.items()}
    sentence = winner_sentence(means, seeds.holm_correction(gaps), where=where)
    st.markdown(f"{sentence} Measured on validation, at each one's best epoch by then. {behind}")


def _both(arm: TestedVariant) -> list[tuple[Bundle, Record]]:
    return list(zip(arm.bundles, arm.records, strict=True))


def best_within_seconds(bundle: Bundle, record: Record, seconds: float) -> float | None:
    """The best validation accuracy reached in so many seconds of training; None where no epoch had ended by then."""
    history = run_cache.history(bundle)
    curve, clock = history.get("validation_accuracy"), history.get("epoch_s")
    if curve is None or clock is None or not len(clock.steps):
        return None
    at = np.interp(curve.steps, clock.steps, np.cumsum(clock.values))
    reached = curve.values[at <= seconds * (1 + 1e-9)]
    return float(reached.max()) if len(reached) else None


def best_until_epoch(bundle: Bundle, record: Record, epochs: int) -> float | None:
    """The best validation accuracy in the first so many epochs; None where there was none."""
    curve = run_cache.history(bundle).get("validation_accuracy")
    if curve is None:
        return None
    reached = curve.values[curve.steps <= epochs * record.steps_per_epoch]
    return float(reached.max()) if len(reached) else None


def format_seconds(seconds: float) -> str:
    """A length of time, of a few seconds with what comes after the point."""
    return f"{seconds:.2g} s" if 0 < seconds < 10 else format_duration(seconds)


def _elapsed(bundle: Bundle, record: Record) -> float:
    clock = run_cache.history(bundle).get("epoch_s")
    return float(clock.values.sum()) if clock is not None and len(clock.values) else record.duration_s


def _pairs(pairs: "Pairs") -> None:
    rows = [
        {
            "Pair": f"{one} − {other}",
            "Gap, points": f"{100 * gap.value:+.2f}",
            "95 % interval": f"{100 * gap.low:+.2f} to {100 * gap.high:+.2f}",
            "p": f"{gap.p_value:.3g}",
            "Verdict": {"first": f"{one} is better", "second": f"{other} is better"}.get(gap.verdict, gap.verdict),
        }
        for (one, other), gap in pairs.items()
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")
