"""Table of a comparison: scores and costs of each model, baselines below."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from dlcore.evaluation import seeds
from dlcore.evaluation.metrics import baseline_title
from dlcore.runs import Bundle
from dlcore.ui.compare.tests import TestedVariant, format_seconds
from dlcore.ui.train import preset
from dlcore.ui.widgets import run_cache

if TYPE_CHECKING:
    from dlcore.projects.project import Project


def table(project: "Project", variants: Sequence[TestedVariant]) -> None:
    """Render scores and costs, one row per model, baselines below."""
    rows = [_row(project, variant) for variant in variants]
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
        f"batch. Latency: median per sample on this machine, {_machine()}. "
    )
    st.caption(
        "Accuracy and loss: test split; in brackets the 95 % interval over samples and seeds. "
        f"{costs if any('Multiply-adds' in row for row in rows) else ''}Epoch: duration in the run, on its device."
    )
    differences = {
        variant.name: preset.differences_from_full(variant.bundles[0].config)
        for variant in variants
        if variant.records[0].preset == "full"
    }
    if any(differences.values()):
        st.caption(
            "Differs from the full preset: "
            f"{'; '.join(f'{name}: {text}' for name, text in differences.items() if text)}."
        )


def _row(project: "Project", variant: TestedVariant) -> dict[str, str]:
    mean, low, high = seeds.interval(variant.correct)
    losses = [run_cache.evaluation(bundle).metrics["loss"] for bundle in variant.bundles]
    epoch_s = [
        float(curve.values.mean())
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
    cost = _cost(project.slug, variant.bundles[0])
    if cost:
        row |= {
            "Multiply-adds": f"{cost['multiply_adds'] / 1e6:,.{1 if cost['multiply_adds'] < 1e8 else 0}f} M",
            "Training memory": f"{cost['training_bytes'] / 2**20:,.0f} MB",
            "Latency": f"{1e3 * cost['latency']:.{1 if cost['latency'] >= 1e-3 else 2}f} ms",
        }
    return row | {
        "Epoch": format_seconds(float(np.mean(epoch_s))) if epoch_s else "–",
        "Best epoch": ", ".join(str(record.best.epoch) for record in variant.records if record.best),
        "Device": record.device,
    }


def _format_interval(value: float, low: float, high: float) -> str:
    return f"{value:.1%} ({100 * low:.1f}–{100 * high:.1f})"


def _cost(slug: str, bundle: Bundle) -> dict[str, float]:
    config, facts = bundle.config, bundle.facts
    options = json.dumps(config.model_options.model_dump(), sort_keys=True)
    return _measure_cost(
        slug, config.model, options, tuple(sorted(facts.items())), config.training.batch_size, config.training.optimizer
    )


@st.cache_data(max_entries=64, show_spinner="Counting multiply-adds and measuring latency")
def _measure_cost(
    slug: str, model: str, options: str, facts: tuple[tuple[str, int], ...], batch_size: int, optimizer: Any
) -> dict[str, float]:
    """Return the costs of a model; empty if the facts of the data do not give the shape of its input."""
    import torch

    from dlcore import projects
    from dlcore.inference import cost

    sizes = dict(facts)
    entry, shape = projects.get(slug).models[model], sample_shape(sizes)
    if shape is None:
        return {}
    config = entry.config.model_validate(json.loads(options))
    model_cost = cost.count_cost(lambda: entry.build(config, sizes), shape, batch_size=batch_size, optimizer=optimizer)
    seconds = cost.latency(entry.build(config, sizes).eval(), torch.zeros(1, *shape))
    return {"multiply_adds": model_cost.multiply_adds, "training_bytes": model_cost.training_bytes, "latency": seconds}


def sample_shape(facts: Mapping[str, int]) -> tuple[int, ...] | None:
    """Return the shape of one float input; None if the facts of the data do not give it."""
    for names in (("channels", "height", "width"), ("height", "width"), ("window", "features")):
        if all(name in facts for name in names):
            return tuple(facts[name] for name in names)
    return None


@st.cache_data(max_entries=1, show_spinner=False)
def _machine() -> str:
    import torch

    from dlcore.core import devices

    threads = torch.get_num_threads()
    return f"{devices.describe()['processor']}, {threads} thread{'s' if threads > 1 else ''}"
