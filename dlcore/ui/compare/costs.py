"""What each model of a comparison scores and costs: a row each, simple methods below."""

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


def table(project: "Project", arms: Sequence[TestedVariant]) -> None:
    """Scores and costs, a row for each model, simple methods below."""
    rows = [_row(project, arm) for arm in arms]
    first = run_cache.evaluation(arms[0].bundles[0])
    for name, values in first.baselines.items():
        if "accuracy" in values:
            rows.append(
                {
                    "Model": baseline_title(name),
                    "Accuracy": _between(
                        *(values.get(f"accuracy{end}", values["accuracy"]) for end in ("", "_low", "_high"))
                    ),
                }
            )
    st.dataframe(
        pd.DataFrame(rows).fillna("–"), hide_index=True, width="stretch", alt="Scores and costs of the models compared"
    )
    costs = (
        "Multiply-adds: of one answer. Memory: weights, gradients, optimiser and what a batch leaves for the backward "
        f"pass, at the least. One answer: median on this machine, {_machine()}. "
    )
    st.caption(
        "Accuracy and loss: test part; in brackets the 95 % interval, over samples and seeds. "
        f"{costs if any('Multiply-adds' in row for row in rows) else ''}Epoch: as measured in the run, on its device."
    )
    other = {
        arm.arm: preset.differences_from_full(arm.bundles[0].config) for arm in arms if arm.records[0].preset == "full"
    }
    if any(other.values()):
        st.caption(
            f"Not quite the full recipe: {'; '.join(f'{name}: {said}' for name, said in other.items() if said)}."
        )


def _row(project: "Project", arm: TestedVariant) -> dict[str, str]:
    mean, low, high = seeds.interval(arm.right)
    losses = [run_cache.evaluation(bundle).metrics["loss"] for bundle in arm.bundles]
    epoch_s = [
        float(curve.values.mean())
        for bundle in arm.bundles
        if (curve := run_cache.history(bundle).get("epoch_s")) is not None and len(curve.values)
    ]
    record = arm.records[0]
    row = {
        "Model": arm.arm,
        "Seeds": str(len(arm.records)),
        "Accuracy": _between(mean, low, high),
        "Loss": f"{np.mean(losses):.3f}",
        "Parameters": f"{record.parameters:,}",
    }
    cost = _cost(project.slug, arm.bundles[0])
    if cost:
        row |= {
            "Multiply-adds": f"{cost['multiply_adds'] / 1e6:,.{1 if cost['multiply_adds'] < 1e8 else 0}f} M",
            "Memory to train": f"{cost['training_bytes'] / 2**20:,.0f} MB",
            "One answer": f"{1e3 * cost['latency']:.{1 if cost['latency'] >= 1e-3 else 2}f} ms",
        }
    return row | {
        "Epoch": format_seconds(float(np.mean(epoch_s))) if epoch_s else "–",
        "Best epoch": ", ".join(str(one.best.epoch) for one in arm.records if one.best),
        "Device": record.device,
    }


def _between(value: float, low: float, high: float) -> str:
    return f"{value:.1%} ({100 * low:.1f}–{100 * high:.1f})"


def _cost(slug: str, bundle: Bundle) -> dict[str, float]:
    config, facts = bundle.config, bundle.facts
    options = json.dumps(config.model_options, sort_keys=True)
    return _counted(
        slug, config.model, options, tuple(sorted(facts.items())), config.training.batch_size, config.training.optimiser
    )


@st.cache_data(max_entries=64, show_spinner="Counting multiply-adds and timing one answer")
def _counted(
    slug: str, model: str, options: str, facts: tuple[tuple[str, int], ...], batch_size: int, optimiser: Any
) -> dict[str, float]:
    """Costs of a model by its config and the data's facts; empty where its input's shape is not known from them."""
    import torch

    from dlcore import projects
    from dlcore.inference import cost

    known = dict(facts)
    entry, shape = projects.get(slug).models[model], sample_shape(known)
    if shape is None:
        return {}
    config = entry.config.model_validate(json.loads(options))
    counted = cost.count_cost(lambda: entry.build(config, known), shape, batch_size=batch_size, optimiser=optimiser)
    seconds = cost.latency(entry.build(config, known).eval(), torch.zeros(1, *shape))
    return {"multiply_adds": counted.multiply_adds, "training_bytes": counted.training_bytes, "latency": seconds}


def sample_shape(facts: Mapping[str, int]) -> tuple[int, ...] | None:
    """The shape of one input of floats, from the data's facts; None where these do not tell."""
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
