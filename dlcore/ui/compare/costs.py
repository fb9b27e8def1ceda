"""Table of a comparison: scores and costs of each model, baselines below."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from dlcore.evaluation import seeds
from dlcore.evaluation.metrics import baseline_title, format_interval, format_percent
from dlcore.runs import budgets, latency
from dlcore.runs.paired_tests import join_names
from dlcore.ui.compare.tests import TestedVariant, format_seconds
from dlcore.ui.shell.cache import cache_data
from dlcore.ui.shell.times import format_age
from dlcore.ui.train import preset
from dlcore.ui.widgets import run_cache


def table(variants: Sequence[TestedVariant]) -> None:
    """Render scores and costs, one row per model, baselines below."""
    with st.spinner("Measuring latency"):
        latencies = latency.measure_or_recall({variant.name: variant.bundles[0] for variant in variants})
    rows = [_row(variant, latencies.seconds.get(variant.name)) for variant in variants]
    first = run_cache.evaluation(variants[0].bundles[0])
    for name, values in first.baselines.items():
        if "accuracy" in values:
            rows.append(
                {
                    "Model": baseline_title(name),
                    "Accuracy": _format_interval(
                        *(values.get(f"accuracy{end}", values["accuracy"]) for end in ("", "_low", "_high"))
                    ),
                }
            )
    devices = {row["Device"] for row in rows if "Device" in row}
    redundant = ["Device"] if len(devices) == 1 else []
    if all(row.get("Trained") == row.get("Parameters") for row in rows):
        redundant.append("Trained")
    table = pd.DataFrame(rows).drop(columns=redundant).fillna("–")
    st.dataframe(table, hide_index=True, width="stretch", alt="Scores and costs of the models compared")
    costs = (
        "Multiply-adds: per sample. Memory: in training, at least that of weights, gradients, optimizer state and "
        "activations of a batch. Latency: processor time of the fastest of several rounds, one sample, one thread of "
        f"{_processor()}{_when(latencies)}. "
    )
    st.caption(
        f"Test split; in brackets the 95 % interval over samples and seeds. {latencies.remark}",
        help=f"{costs if any('Multiply-adds' in row for row in rows) else ''}"
        f"Epoch: median duration in the run on {', '.join(sorted(devices))}, other work on its device included.",
    )
    cached = [variant.name for variant in variants if budgets.has_cached_states(variant.bundles[0].config)]
    if cached:
        st.caption(f"Epoch of {join_names(cached)}: without the frozen BERT, which reads every text once before.")
    differences = {
        variant.name: preset.differences_from_full(variant.bundles[0].config)
        for variant in variants
        if variant.records[0].preset == "full"
    }
    if text := describe_differences(differences):
        with st.expander("Differences from the full preset"):
            st.markdown(text)


def describe_differences(differences: Mapping[str, str]) -> str:
    """Join the differences of the variants; those with the same one are named together."""
    names: dict[str, list[str]] = {}
    for name, text in differences.items():
        names.setdefault(text, []).append(name)
    return "; ".join(f"{', '.join(same)}: {text}" for text, same in names.items() if text)


def _when(latencies: latency.ModelLatencies) -> str:
    """Say when the latencies were measured."""
    if latencies.measured is None:
        return ""
    return f", {format_age(latencies.measured)}{'' if latencies.remark == latency.BUSY else ' while no run was active'}"


def _row(variant: TestedVariant, seconds: float | None) -> dict[str, str]:
    mean, low, high = seeds.interval(variant.correct)
    losses = [run_cache.evaluation(bundle).metrics["loss"] for bundle in variant.bundles]
    epoch_s = [
        float(np.median(curve.values))
        for bundle in variant.bundles
        if (curve := run_cache.history(bundle).get("epoch_s")) is not None and len(curve.values)
    ]
    record = variant.records[0]
    row = {
        "Model": variant.name,
        "Seeds": str(len(variant.records)),
        "Accuracy": _format_interval(mean, low, high),
        "Loss": f"{np.mean(losses):.3f}",
        "Parameters": f"{record.parameters:,}",
        "Trained": f"{record.trainable or record.parameters:,}",
    }
    cost = budgets.model_cost(variant.bundles[0])
    if cost is not None:
        row |= {
            "Multiply-adds": f"{cost.multiply_adds / 1e6:,.{1 if cost.multiply_adds < 1e8 else 0}f} M",
            "Memory": f"{cost.training_bytes / 2**20:,.0f} MB",
            "Latency": "–" if seconds is None else f"{1e3 * seconds:.{1 if seconds >= 1e-3 else 2}f} ms",
        }
    return row | {
        "Epoch": format_seconds(float(np.mean(epoch_s))) if epoch_s else "–",
        "Best epoch": ", ".join(str(record.best.epoch) for record in variant.records if record.best),
        "Device": record.device,
    }


def _format_interval(value: float, low: float, high: float) -> str:
    return f"{format_percent(value)} {format_interval('accuracy', low, high)}"


@cache_data(max_entries=1, show_spinner=False)
def _processor() -> str:
    from dlcore.core import devices

    return str(devices.describe()["processor"])
