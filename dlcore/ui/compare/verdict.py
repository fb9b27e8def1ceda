"""Which model wins a comparison: on test samples at the end, and by validation at equal epochs and equal compute."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from dlcore.evaluation import seeds
from dlcore.runs import Bundle, Record, budgets
from dlcore.runs.paired_tests import Pairs, format_means, join_names, name_winner, winner_sentence
from dlcore.ui.compare.tests import TestedVariant
from dlcore.ui.widgets import run_cache

UNFINISHED = frozenset({"queued", "running", "paused", "interrupted"})
"""States of runs that can still be tested."""
SAME_COMPUTE = 0.05
"""Largest relative difference in multiply-adds that counts as equal compute."""
COMPUTE = (
    "Compute: multiply-adds of a forward pass, frozen layers included, times the training samples seen. It is counted, "
    "not timed: seconds depend on what else the machine did."
)


def is_done(records: Sequence[Record]) -> bool:
    """Return whether no run of a comparison can still change its result."""
    return not any(record.state in UNFINISHED for record in records)


def headline(variants: Sequence[TestedVariant], *, records: Sequence[Record]) -> str:
    """Return which model wins on test; no winner while one of the comparison's `records` is not done."""
    correct = {variant.name: variant.correct for variant in variants}
    means = {name: float(np.mean([run.mean() for run in masks])) for name, masks in correct.items()}
    if not is_done(records):
        tested = sum(len(variant.records) for variant in variants)
        return f"**So far, of {tested} of {len(records)} runs:** {format_means(means)}."
    if len(variants) < 2:
        return "The winner appears when two models have a finished run."
    return name_winner(means, seeds.compare_all_pairs(correct), where=_describe_epochs(variants))


def summarize(variants: Sequence[TestedVariant], *, records: Sequence[Record]) -> None:
    """Render the leader by budget and the pairwise tests, once all of the comparison's `records` are done."""
    if not is_done(records):
        st.caption("The winner is named when all runs are done.")
        return
    if len(variants) < 2:
        return
    pairs = seeds.compare_all_pairs({variant.name: variant.correct for variant in variants})
    with st.expander("Equal compute, and statistical tests"):
        _by_budget(variants)
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


def _describe_epochs(variants: Sequence[TestedVariant]) -> str:
    """Say whether all runs trained for the same number of epochs."""
    trained = {record.epoch for variant in variants for record in variant.records}
    planned = {record.epochs for variant in variants for record in variant.records}
    if len(trained) == 1:
        return f"at equal epochs ({trained.pop()} each)"
    if len(planned) == 1:
        return f"at equal epochs (at most {planned.pop()} each; some ended early)"
    return "with different numbers of epochs"


def _by_budget(variants: Sequence[TestedVariant]) -> None:
    """Render who leads at equal epochs, unless all runs have them, and at equal compute."""
    if len({record.epochs for variant in variants for record in variant.records}) > 1:
        _equal_epochs(variants)
    _equal_compute(variants)


def _equal_epochs(variants: Sequence[TestedVariant]) -> None:
    """Render which model leads after the epochs of the shortest training."""
    limit = min(record.epoch for variant in variants for record in variant.records)
    reached = _reached(variants, lambda variant: limit)
    epochs = "the first epoch" if limit == 1 else f"the first {limit} epochs"
    _by_validation(variants, reached, where=f"at equal epochs ({epochs} of each)")
    if any(bundle.config.training.schedule != "constant" for variant in variants for bundle in variant.bundles):
        st.caption(
            "Learning rate schedules depend on the number of epochs, so a longer training has not converged by then. "
            "For a fair comparison, use equal epochs."
        )


def _equal_compute(variants: Sequence[TestedVariant]) -> None:
    """Render which model leads after the compute of the cheapest training."""
    counted = {variant.name: budgets.multiply_adds_per_epoch(variant.bundles[0]) for variant in variants}
    per_epoch = {name: count for name, count in counted.items() if count is not None}
    if len(per_epoch) < len(variants):
        st.caption("At equal compute: not compared, since the multiply-adds of these models cannot be counted.")
        return
    totals = {
        variant.name: per_epoch[variant.name] * max(record.epoch for record in variant.records) for variant in variants
    }
    limit = min(totals.values())
    if (excess := max(totals.values()) / limit - 1) <= SAME_COMPUTE:
        within = f", equal within {100 * excess:.1f} %" if excess else ""
        st.caption(f"Equal compute, too: {format_count(limit)} multiply-adds each{within}. {COMPUTE}")
        return
    reached = _reached(variants, lambda variant: limit / per_epoch[variant.name])
    _by_validation(
        variants,
        reached,
        where=f"at equal compute ({format_count(limit)} multiply-adds, all of the cheapest)",
    )
    st.caption(COMPUTE)


def _reached(
    variants: Sequence[TestedVariant], epochs: Callable[[TestedVariant], float]
) -> dict[str, list[float | None]]:
    """Return the validation accuracy of each run at its best epoch within its budget of epochs."""
    return {
        variant.name: [
            budgets.accuracy_at_best_epoch(record, run_cache.history(bundle), epochs=epochs(variant))
            for bundle, record in _bundles_and_records(variant)
        ]
        for variant in variants
    }


def _by_validation(variants: Sequence[TestedVariant], reached: Mapping[str, list[float | None]], *, where: str) -> None:
    """Render a sentence on the validation accuracies `reached` by the runs of each variant."""
    late = [name for name, values in reached.items() if None in values]
    shares = {
        name: [value for value in values if value is not None] for name, values in reached.items() if None not in values
    }
    unfinished = f"{join_names(late)} had not finished an epoch by then." if late else ""
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
    st.markdown(f"{sentence} Validation accuracy at the best epoch until then. {unfinished}")


def _bundles_and_records(variant: TestedVariant) -> list[tuple[Bundle, Record]]:
    return list(zip(variant.bundles, variant.records, strict=True))


def format_count(number: float) -> str:
    """Format a large count in words, with two significant digits."""
    for size, word in ((1e15, "quadrillion"), (1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if number >= size:
            value = number / size
            return f"{value:,.{0 if value >= 10 else 1}f} {word}"
    return f"{number:,.0f}"


def _pairs(pairs: Pairs) -> None:
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
