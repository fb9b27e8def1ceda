"""Train a grid of networks, one per combination of settings, for fifty steps each."""

import itertools
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

import pandas as pd
import streamlit as st

from dlcore.core.config import describe
from dlcore.models.deep_network import DeepNetworkConfig
from dlcore.projects.vision import gradients as deep
from dlcore.ui.pages.gradients import flow, short_run
from dlcore.ui.pages.gradients.short_run import STEPS, NetworkRun
from dlcore.ui.shell.address import write_param

DEPTHS = (8, 14, 20, 38, 56)
AXES = ("depth", "skip_connections", "normalization", "initialization", "activation")
TITLES = {
    "depth": "Depth (layers)",
    "skip_connections": "Skip connections",
    "normalization": "Normalization",
    "initialization": "Weight initialization",
    "activation": "Activation",
}
DEFAULTS: dict[str, list[Any]] = {
    "depth": [8, 20],
    "skip_connections": [False, True],
    "normalization": ["none", "batch"],
    "initialization": ["torch"],
    "activation": ["relu"],
}
"""Setting -> initially selected values."""
MAX_NETWORKS = 16
SIGNS = {"healthy": "✓", "vanishing": "↘", "exploding": "↗", "dying units": "○", "not finite": "✗"}
LEARNING_RATE = 0.05
_GRID = "gradients-grid"
TRAINED = "grid-trained"
"""Query parameter of a trained grid with the settings on the screen."""


def settings() -> tuple[dict[str, list[Any]], float]:
    """Render the settings, each with several values; return the selected values by setting, and the learning rate."""
    st.caption(f"Each combination trains for {STEPS} steps; at most {MAX_NETWORKS} combinations.")
    options: dict[str, Sequence[Any]] = {"depth": DEPTHS, "skip_connections": (False, True)}
    options |= {field.name: field.choices for field in describe(DeepNetworkConfig) if field.choices}
    selected: dict[str, list[Any]] = {}
    for name in AXES:
        values = st.pills(
            TITLES[name],
            options[name],
            selection_mode="multi",
            default=DEFAULTS[name],
            key=f"grid-{name}",
            format_func=str if name == "depth" else partial(deep.describe_setting, name),
            wrap=True,
            bind="query-params",
            persist_state="session",
        )
        selected[name] = sorted(values, key=list(options[name]).index)
    return selected, learning_rate(LEARNING_RATE, key="grid-rate", bind="query-params")


def learning_rate(default: float, *, key: str, bind: Literal["query-params"] | None = None) -> float:
    """Render the learning rate's input field; return its value."""
    return st.number_input(
        "Learning rate",
        1e-6,
        1.0,
        default,
        format="%g",
        key=key,
        help="Step size of the optimizer.",
        bind=bind,
        persist_state="session",
    )


def cells(selected: Mapping[str, Sequence[Any]], rate: float) -> list[dict[str, Any]]:
    """Return the settings of every combination; empty if a setting has no value."""
    return [
        {**dict(zip(AXES, values, strict=True)), "learning_rate": rate}
        for values in itertools.product(*(selected[name] for name in AXES))
    ]


def button(cells: Sequence[Mapping[str, Any]]) -> bool:
    """Render the button that trains all networks, disabled with a reason if there are none or too many."""
    n = len(cells)
    is_pressed = st.button(
        f"Train {n} network{'' if n == 1 else 's'}",
        type="primary",
        icon=":material/bolt:",
        width="stretch",
        key="grid-run",
        disabled=not 0 < n <= MAX_NETWORKS,
    )
    if n > MAX_NETWORKS:
        st.caption(f"{n} networks are too many: deselect values until at most {MAX_NETWORKS} remain.")
    if not n:
        st.caption("Select at least one value of each setting.")
    return is_pressed


def save(cells: Sequence[Mapping[str, Any]]) -> None:
    """Store the grid to display in the session."""
    st.session_state[_GRID] = list(cells)


def restore(cells: Sequence[Mapping[str, Any]]) -> None:
    """Display the grid of a link; keep in the address whether the grid on display has these settings."""
    if _GRID not in st.session_state and st.query_params.get(TRAINED) and 0 < len(cells) <= MAX_NETWORKS:
        save(cells)
    write_param(TRAINED, "1" if st.session_state.get(_GRID) == list(cells) else "")


def view(slug: str, dataset: str) -> None:
    """Render the latest grid: diagnoses as a table, gradients of all networks as one heat map."""
    cells: list[dict[str, Any]] = st.session_state.get(_GRID, [])
    if not cells:
        short_run.prefetch(slug, dataset)
        st.info("Train the grid to see which depth needs which remedy.", icon=":material/touch_app:")
        return
    results = _train(slug, dataset, cells)
    healthy = sum(result.network.diagnosis.kind == "healthy" for result in results)
    st.markdown(f"Gradient flow is healthy in **{healthy} of {len(results)}** networks.")
    varied = [name for name in AXES if len({cell[name] for cell in cells}) > 1]
    _diagnoses(cells, results, varied)
    shared = [deep.describe_setting(name, cells[0][name]) for name in AXES if name not in varied]
    shared.append(f"rate {cells[0]['learning_rate']:g}")
    st.caption(
        f"Shared settings: {', '.join(shared)}; {STEPS} steps with batch size 32. In brackets: gradient of the first "
        f"quarter of the layers / that of the last, and final loss (random guessing: {short_run.GUESSING})."
    )
    networks = [
        flow.rename(network, f"{_label(cell, varied) or network.name}: {network.diagnosis.kind}")
        for cell, network in zip(cells, (result.network for result in results), strict=True)
    ]
    flow.show_map(networks, key="grid", until=STEPS)


def _train(slug: str, dataset: str, cells: Sequence[Mapping[str, Any]]) -> list[NetworkRun]:
    """Train the networks one by one, with a progress bar; cached networks are returned at once."""
    progress = st.empty()
    results = []
    for number, cell in enumerate(cells):
        progress.progress(number / len(cells), text=f"Network {number + 1} of {len(cells)}")
        results.append(short_run.run_network(slug, dataset, cell))
    progress.empty()
    return results


def _diagnoses(cells: Sequence[Mapping[str, Any]], results: Sequence[NetworkRun], varied: Sequence[str]) -> None:
    """Render a table: a column per value of the last varied setting, a row per combination of the others."""
    last = varied[-1] if varied else AXES[0]
    rows: dict[str, dict[str, str]] = {}
    for cell, result in zip(cells, results, strict=True):
        row = _label(cell, [name for name in varied if name != last]) or "Gradient"
        kind = result.network.diagnosis.kind
        numbers = result.loss if result.short_run.failed_step else f"{flow.ratio(result.network)}, loss {result.loss}"
        column = deep.describe_setting(last, cell[last])
        rows.setdefault(row, {"Network": row})[column] = f"{SIGNS[kind]} {kind} ({numbers})"
    st.dataframe(pd.DataFrame(list(rows.values())), hide_index=True, width="stretch", alt="Diagnoses of the grid")


def _label(cell: Mapping[str, Any], names: Sequence[str]) -> str:
    return ", ".join(deep.describe_setting(name, cell[name]) for name in names)
