"""Table of a comparison: scores and costs of each model, baselines below."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from dlcore import runs
from dlcore.evaluation import seeds
from dlcore.evaluation.metrics import baseline_title
from dlcore.runs import Bundle, budgets
from dlcore.runs.search import searches
from dlcore.ui.compare.tests import TestedVariant, format_seconds, join_names
from dlcore.ui.train import preset
from dlcore.ui.widgets import run_cache

if TYPE_CHECKING:
    from dlcore.inference.cost import Latencies


def table(variants: Sequence[TestedVariant]) -> None:
    """Render scores and costs, one row per model, baselines below."""
    latencies, remark = _latencies(variants)
    rows = [_row(variant, latencies.get(variant.name)) for variant in variants]
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
    st.dataframe(
        pd.DataFrame(rows).fillna("–"), hide_index=True, width="stretch", alt="Scores and costs of the models compared"
    )
    costs = (
        "Multiply-adds: per sample. Memory: lower bound of weights, gradients, optimizer state and activations of a "
        "batch. Latency: processor time of the fastest of several rounds, one sample, one thread of "
        f"{_processor()}. "
    )
    st.caption(
        f"Test split; in brackets the 95 % interval over samples and seeds. {remark}",
        help=f"{costs if any('Multiply-adds' in row for row in rows) else ''}"
        "Epoch: median duration in the run, other work on its device included.",
    )
    differences = {
        variant.name: preset.differences_from_full(variant.bundles[0].config)
        for variant in variants
        if variant.records[0].preset == "full"
    }
    if any(differences.values()):
        with st.expander(
            f"Differs from the full preset: {join_names([name for name in differences if differences[name]])}"
        ):
            st.markdown("\n".join(f"- **{name}**: {text}" for name, text in differences.items() if text))


def _row(variant: TestedVariant, latency: float | None) -> dict[str, str]:
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
    }
    cost = budgets.model_cost(variant.bundles[0])
    if cost is not None:
        row |= {
            "Multiply-adds": f"{cost.multiply_adds / 1e6:,.{1 if cost.multiply_adds < 1e8 else 0}f} M",
            "Training memory": f"{cost.training_bytes / 2**20:,.0f} MB",
            "Latency": "–" if latency is None else f"{1e3 * latency:.{1 if latency >= 1e-3 else 2}f} ms",
        }
    return row | {
        "Epoch": format_seconds(float(np.mean(epoch_s))) if epoch_s else "–",
        "Best epoch": ", ".join(str(record.best.epoch) for record in variant.records if record.best),
        "Device": record.device,
    }


def _format_interval(value: float, low: float, high: float) -> str:
    return f"{value:.1%} ({100 * low:.1f}–{100 * high:.1f})"


@st.cache_resource(show_spinner=False)
def _quiet_latencies() -> dict[str, float]:
    """Return the latencies measured so far, by model; shared by all sessions. Those measured under load are not."""
    return {}


def _latencies(variants: Sequence[TestedVariant]) -> tuple[dict[str, float], str]:
    """Return the latency of the models by variant, and a remark. Nothing is measured while a run is active."""
    countable = [variant for variant in variants if budgets.model_cost(variant.bundles[0]) is not None]
    keys = {variant.name: _model_key(variant.bundles[0]) for variant in countable}
    known, remark = _quiet_latencies(), ""
    if not all(key in known for key in keys.values()):
        if is_machine_in_use():
            remark = "No latency is measured while a run is active."
        else:
            measured = _measure({keys[variant.name]: variant.bundles[0] for variant in countable})
            if not measured.is_quiet or is_machine_in_use():
                remark = "Other programs were busy: latency is measured again at the next visit."
                known = {**known, **measured.seconds}
            else:
                known.update(measured.seconds)
    return {name: known[key] for name, key in keys.items() if key in known}, remark


def is_machine_in_use() -> bool:
    """Return whether a run or search is running, or its worker is starting."""
    records = runs.list_active()
    return any(record.state == "running" or record.pid for record in records) or bool(searches.active())


def _measure(bundles: Mapping[str, Bundle]) -> "Latencies":
    import torch

    from dlcore import projects
    from dlcore.inference import cost

    models = {}
    with st.spinner("Measuring latency"):
        for key, bundle in bundles.items():
            config, shape = bundle.config, budgets.sample_shape(bundle.facts)
            if shape is not None:
                model = projects.get(config.project).models[config.model].build(config.model_options, bundle.facts)
                models[key] = (model, torch.zeros(1, *shape))
        return cost.measure_latencies(models)


def _model_key(bundle: Bundle) -> str:
    config = bundle.config
    facts = sorted(bundle.facts.items())
    return json.dumps([config.project, config.model, config.model_options.model_dump(), facts], sort_keys=True)


@st.cache_data(max_entries=1, show_spinner=False)
def _processor() -> str:
    from dlcore.core import devices

    return str(devices.describe()["processor"])
