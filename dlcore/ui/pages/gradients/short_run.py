"""A short run of the gradients page: fifty steps of a network with chosen settings."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from dlcore import projects
from dlcore.evaluation import gradient_flow
from dlcore.projects.vision import gradients as deep
from dlcore.runs.short_run import ShortRun, run_short
from dlcore.ui.pages.gradients import flow
from dlcore.ui.shell.cache import cache_resource

if TYPE_CHECKING:
    from dlcore.data.splits import Prepared
    from dlcore.projects.project import RunConfig

STEPS, EVERY = 50, 2
GUESSING = 2.3
"""Cross-entropy of random guessing with ten classes."""


@dataclass(frozen=True)
class NetworkRun:
    """A short run and the gradient flow of its network."""

    short_run: ShortRun
    network: flow.Network

    @property
    def loss(self) -> str:
        """The mean loss of the last five steps, formatted."""
        if self.short_run.failed_step:
            return f"diverged at step {self.short_run.failed_step}"
        return gradient_flow.format_number(float(self.short_run.losses.values[-5:].mean()))


def run_network(slug: str, dataset: str, changed: Mapping[str, Any], *, prefix: str = "") -> NetworkRun:
    """Return the short run with these settings, cached; `prefix` precedes the name of its network."""
    settings = json.dumps(changed, sort_keys=True)
    short_run = _run(slug, dataset, settings)
    name = prefix + deep.describe_network(_config(slug, dataset, settings))
    return NetworkRun(short_run, flow.build_network(short_run.gradients, name, broke_at=short_run.failed_step))


def prefetch(slug: str, dataset: str) -> None:
    """Load and cache the images before the first run."""
    _prepared(slug, dataset, _config(slug, dataset, "{}"))


def describe_loss(short_run: ShortRun) -> str:
    """Describe the loss in one sentence."""
    values = short_run.losses.values
    if not len(values):
        return ""
    last = gradient_flow.format_number(float(values[-5:].mean()))
    return (
        f"{len(values)} steps in {short_run.seconds:.1f} s; loss "
        f"{gradient_flow.format_number(float(values[0]))} to "
        f"{last} (random guessing: {GUESSING})."
    )


def show_table(results: Sequence[NetworkRun]) -> None:
    """Render diagnosis and loss of each short run."""
    rows = [
        {
            "Network": result.network.name,
            "Gradient": result.network.diagnosis.kind,
            "First quarter / last quarter": flow.ratio(result.network),
            "Loss": result.loss,
        }
        for result in results
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", alt="Diagnosis and loss of each short run")


@cache_resource(max_entries=64, show_spinner="Training a few steps")
def _run(slug: str, dataset: str, changed: str) -> ShortRun:
    config = _config(slug, dataset, changed)
    return run_short(config, _prepared(slug, dataset, config), steps=STEPS, every=EVERY)


def _config(slug: str, dataset: str, changed: str) -> "RunConfig":
    return projects.configure(slug, dataset=dataset, preset="quick", settings=json.loads(changed))


@cache_resource(max_entries=2, show_spinner=False)
def _prepared(slug: str, dataset: str, _config: "RunConfig") -> "Prepared":
    return projects.get(slug).prepare(_config)
