"""The tested runs of a comparison."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from dlcore import runs
from dlcore.evaluation.metrics import METRICS, metric_title
from dlcore.runs import Bundle, Record
from dlcore.ui.shell.times import format_duration
from dlcore.ui.widgets import run_cache

MANY_METRICS = 40
"""With this many metrics (one per variable), only those with a title are in the table."""


@dataclass(frozen=True)
class TestedVariant:
    """The finished runs of one variant; all have the same test samples.

    `color` is its position among all variants of the comparison, so that it has one color in every figure.
    """

    name: str
    records: tuple[Record, ...]
    bundles: tuple[Bundle, ...]
    color: int = 0

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
    for color, (variant, records) in enumerate(variants.items()):
        pairs = [(record, bundle) for record in records if (bundle := runs.open_run(record.run_id).bundle) is not None]
        if pairs:
            tested.append(
                TestedVariant(
                    variant, tuple(record for record, _ in pairs), tuple(bundle for _, bundle in pairs), color
                )
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
            "Parameters": variant.records[0].parameter_text.removesuffix(" parameters"),
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


def format_seconds(seconds: float) -> str:
    """Format a duration; below ten seconds with two significant digits."""
    return f"{seconds:.2g} s" if 0 < seconds < 10 else format_duration(seconds)
