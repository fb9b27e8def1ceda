"""Try it: a grid of networks, every combination of the switches chosen, trained fifty steps each and shown together."""

import itertools
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dlcore.core.config import describe
from dlcore.models.deep_network import DeepNetworkConfig
from dlcore.projects.vision import gradients as deep
from dlcore.ui.pages.gradients import flow
from dlcore.ui.pages.gradients import short_run as gradients_attempt
from dlcore.ui.pages.gradients.short_run import STEPS, ShownRun

DEPTHS = (8, 14, 20, 38, 56)
AXES = ("depth", "skip_connections", "normalization", "initialization", "activation")
TITLES = {
    "depth": "Depth (layers)",
    "skip_connections": "Ways around",
    "normalization": "Normalization",
    "initialization": "First weights",
    "activation": "Activation",
}
FIRST: dict[str, list[Any]] = {
    "depth": [8, 20],
    "skip_connections": [False, True],
    "normalization": ["none", "batch"],
    "initialization": ["torch"],
    "activation": ["relu"],
}
"""What is chosen when the page opens."""
MOST = 16
SIGNS = {"healthy": "✓", "vanishing": "↘", "exploding": "↗", "dying units": "○", "not finite": "✗"}
RATE = 0.05
_GRID = "gradients-grid"


def settings() -> tuple[dict[str, list[Any]], float]:
    """Draw the switches, each with as many values as one likes; gives them by name, and the learning rate."""
    st.caption(f"Choose one or more of each: every combination is trained {STEPS} steps, at most {MOST} of them.")
    options: dict[str, Sequence[Any]] = {"depth": DEPTHS, "skip_connections": (False, True)}
    options |= {field.name: field.choices for field in describe(DeepNetworkConfig) if field.choices}
    chosen: dict[str, list[Any]] = {}
    for name in AXES:
        picked = st.pills(
            TITLES[name],
            options[name],
            selection_mode="multi",
            default=FIRST[name],
            key=f"grid-{name}",
            format_func=str if name == "depth" else partial(_word, name),
            wrap=True,
            persist_state="session",
        )
        chosen[name] = sorted(picked, key=list(options[name]).index)
    rate = st.number_input(
        "Learning rate",
        1e-6,
        1.0,
        RATE,
        format="%g",
        key="grid-rate",
        help="Length of a step along the gradient.",
        persist_state="session",
    )
    return chosen, rate


def cells(chosen: Mapping[str, Sequence[Any]], rate: float) -> list[dict[str, Any]]:
    """The settings of every combination; none where a switch has no value."""
    return [
        {**dict(zip(AXES, values, strict=True)), "learning_rate": rate}
        for values in itertools.product(*(chosen[name] for name in AXES))
    ]


def button(wanted: Sequence[Mapping[str, Any]]) -> bool:
    """The button that trains them all, and why it cannot be pressed where it cannot."""
    n = len(wanted)
    pressed = st.button(
        f"Train {n} network{'' if n == 1 else 's'} now",
        type="primary",
        icon=":material/bolt:",
        width="stretch",
        key="grid-attempt",
        disabled=not 0 < n <= MOST,
    )
    if n > MOST:
        st.caption(f"{n} are too many at once: take some values away until {MOST} or fewer are left.")
    if not n:
        st.caption("Choose at least one value of each.")
    return pressed


def keep(wanted: Sequence[Mapping[str, Any]]) -> None:
    """Make these the grid that is shown."""
    st.session_state[_GRID] = list(wanted)


def view(slug: str, dataset: str) -> None:
    """The grid asked for last: its verdicts as a table, and the gradients of all of it as one heat map."""
    value: list[dict[str, Any]] = st.session_state.get(_GRID, [])
    if not value:
        gradients_attempt.prefetch(slug, dataset)
        st.info(
            "Press the button, and see at a glance which depth needs what. Then take away or add values.",
            icon=":material/touch_app:",
        )
        return
    trained = _trained(slug, dataset, value)
    healthy = sum(item.shown.verdict.kind == "healthy" for item in trained)
    st.markdown(f"In **{healthy} of {len(trained)}** networks the gradient arrives as it should.")
    varied = [name for name in AXES if len({item[name] for item in value}) > 1]
    _verdicts(value, trained, varied)
    same = [_word(name, value[0][name]) for name in AXES if name not in varied]
    same.append(f"rate {value[0]['learning_rate']:g}")
    st.caption(
        f"All of them: {', '.join(same)}; {STEPS} steps with 32 pictures "
        "each. Behind the verdict: the gradient of the first quarter of the layers over that of the last, and the loss "
        f"in the end (guessing one of ten: {gradients_attempt.GUESSING})."
    )
    named = [
        flow.rename(item.shown, f"{_words(cell, varied) or item.shown.name}: {item.shown.verdict.kind}")
        for cell, item in zip(value, trained, strict=True)
    ]
    flow.show_map(named, key="grid", until=STEPS)


def _trained(slug: str, dataset: str, wanted: Sequence[Mapping[str, Any]]) -> list[ShownRun]:
    """All of them, one after the other; those that were trained before are there at once."""
    progress = st.empty()
    found = []
    for number, cell in enumerate(wanted):
        progress.progress(number / len(wanted), text=f"Network {number + 1} of {len(wanted)}")
        found.append(gradients_attempt.run_attempt(slug, dataset, cell))
    progress.empty()
    return found


def _verdicts(wanted: Sequence[Mapping[str, Any]], shown_runs: Sequence[ShownRun], varied: Sequence[str]) -> None:
    """A row for each combination of all varied switches but the last, a column for each value of that one."""
    last = varied[-1] if varied else AXES[0]
    rows: dict[str, dict[str, str]] = {}
    for cell, item in zip(wanted, shown_runs, strict=True):
        row = _words(cell, [name for name in varied if name != last]) or "Gradient"
        verdict = item.shown.verdict
        text = f"{SIGNS[verdict.kind]} {verdict.kind}"
        numbers = f"{flow.ratio(item.shown)}, loss {item.loss}" if not item.trial.failed_step else item.loss
        rows.setdefault(row, {"Network": row})[_word(last, cell[last])] = f"{text} ({numbers})"
    st.dataframe(pd.DataFrame(list(rows.values())), hide_index=True, width="stretch", alt="Verdicts of the grid")


def _words(cell: Mapping[str, Any], names: Sequence[str]) -> str:
    return ", ".join(_word(name, cell[name]) for name in names)


def _word(name: str, value: Any) -> str:
    return deep.describe_setting(name, value)
