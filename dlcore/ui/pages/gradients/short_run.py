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

if TYPE_CHECKING:
    from dlcore.data.splits import Prepared
    from dlcore.projects.project import RunConfig

STEPS, EVERY = 50, 2
GUESSING = 2.3
"""Cross-entropy of random guessing with ten classes."""


@dataclass(frozen=True)
class ShownRun:
    """Result of a short run, and its network."""

    trial: ShortRun
    shown: flow.Network

    @property
    def loss(self) -> str:
        """The mean loss of the last five steps, formatted."""
        if self.trial.failed_step:
            return f"diverged at step {self.trial.failed_step}"
        return gradient_flow.format_number(float(self.trial.losses.values[-5:].mean()))


def run_attempt(slug: str, dataset: str, changed: Mapping[str, Any], *, number: str = "") -> ShownRun:
    """Return the short run with these settings, cached; `number` is a prefix of its name."""
    settings = json.dumps(changed, sort_keys=True)
    trial = _run(slug, dataset, settings)
    name = number + deep.describe_network(_config(slug, dataset, settings))
    return ShownRun(trial, flow.network(trial.gradients, name, broke_at=trial.failed_step))


def prefetch(slug: str, dataset: str) -> None:
    """Load the images ahead of the first run."""
    _prepared(slug, dataset, _config(slug, dataset, "{}"))


def describe_loss(trial: ShortRun) -> str:
    """Describe the loss in one sentence."""
    values = trial.losses.values
    if not len(values):
        return ""
    last = gradient_flow.format_number(float(values[-5:].mean()))
    return (
        f"{len(values)} steps in {trial.seconds:.1f} s; loss "
        f"{gradient_flow.format_number(float(values[0]))} to "
        f"{last} (random guessing: {GUESSING})."
    )


def table(attempts: Sequence[ShownRun]) -> None:
    """Render diagnosis and loss of each short run."""
    rows = [
        {
            "Network": run.shown.name,
            "Gradient": run.shown.verdict.kind,
            "First quarter / last quarter": flow.ratio(run.shown),
            "Loss": run.loss,
        }
        for run in attempts
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", alt="Diagnosis and loss of each short run")


@st.cache_resource(max_entries=64, show_spinner="Training a few steps")
def _run(slug: str, dataset: str, changed: str) -> ShortRun:
    config = _config(slug, dataset, changed)
    return run_short(config, _prepared(slug, dataset, config), steps=STEPS, every=EVERY)


def _config(slug: str, dataset: str, changed: str) -> "RunConfig":
    return projects.configure(slug, dataset=dataset, preset="quick", settings=json.loads(changed))


@st.cache_resource(max_entries=2, show_spinner=False)
def _prepared(slug: str, dataset: str, _config: "RunConfig") -> "Prepared":
    return projects.get(slug).prepare(_config)
