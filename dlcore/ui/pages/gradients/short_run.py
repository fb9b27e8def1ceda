"""One attempt on the page on gradients: fifty steps of a network with settings of one's choice."""

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
"""Loss of guessing one of ten."""


@dataclass(frozen=True)
class ShownRun:
    """What fifty steps of a network told, and the network as it is shown."""

    trial: ShortRun
    shown: flow.Network

    @property
    def loss(self) -> str:
        """The loss of the last few steps, in words."""
        if self.trial.failed_step:
            return f"broke off at step {self.trial.failed_step}"
        return gradient_flow.format_number(float(self.trial.losses.values[-5:].mean()))


def run_attempt(slug: str, dataset: str, changed: Mapping[str, Any], *, number: str = "") -> ShownRun:
    """The attempt with these settings, trained now unless it was before; `number` comes before its name."""
    settings = json.dumps(changed, sort_keys=True)
    trial = _attempt(slug, dataset, settings)
    name = number + deep.describe_network(_config(slug, dataset, settings))
    return ShownRun(trial, flow.network(trial.gradients, name, broke_at=trial.failed_step))


def prefetch(slug: str, dataset: str) -> None:
    """Read the pictures, while the reader reads."""
    _prepared(slug, dataset, _config(slug, dataset, "{}"))


def describe_loss(trial: ShortRun) -> str:
    """How the loss went, in a sentence."""
    values = trial.losses.values
    if not len(values):
        return ""
    last = gradient_flow.format_number(float(values[-5:].mean()))
    return (
        f"{len(values)} steps in {trial.seconds:.1f} s; the loss went from "
        f"{gradient_flow.format_number(float(values[0]))} to "
        f"{last} (guessing one of ten: {GUESSING})."
    )


def table(attempts: Sequence[ShownRun]) -> None:
    """Verdict and loss of each attempt."""
    rows = [
        {
            "Network": one.shown.name,
            "Gradient": one.shown.verdict.kind,
            "First quarter / last quarter": flow.ratio(one.shown),
            "Loss": one.loss,
        }
        for one in attempts
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", alt="Verdict and loss of each attempt")


@st.cache_resource(max_entries=64, show_spinner="Training a few steps")
def _attempt(slug: str, dataset: str, changed: str) -> ShortRun:
    config = _config(slug, dataset, changed)
    return run_short(config, _prepared(slug, dataset, config), steps=STEPS, every=EVERY)


def _config(slug: str, dataset: str, changed: str) -> "RunConfig":
    return projects.configure(slug, dataset=dataset, preset="quick", settings=json.loads(changed))


@st.cache_resource(max_entries=2, show_spinner=False)
def _prepared(slug: str, dataset: str, _config: "RunConfig") -> "Prepared":
    return projects.get(slug).prepare(_config)
