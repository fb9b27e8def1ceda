"""A page of the workbench: a project, one of its runs, and panels; only the visible panel is computed."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from dlcore.evaluation.metrics import (
    baseline_title,
    format_interval,
    format_metric,
    lower_first,
    metric_title,
)
from dlcore.runs import ACTIVE, Record, Run
from dlcore.ui.shell import first_paint, preload, style
from dlcore.ui.shell.error_boundary import with_error_boundary
from dlcore.ui.shell.links import OPEN, PANEL
from dlcore.ui.shell.menu import PageFile, page_of
from dlcore.ui.shell.run_picker import choose_run
from dlcore.ui.shell.titles import model_title, summarize_run

if TYPE_CHECKING:
    from dlcore.projects.project import Project

    Panel = Callable[[Project, Run | None], None]
    Address = Panel | str

PANELS = {
    "step_by_step": "Step by step",
    "data": "Data",
    "train": "Train",
    "results": "Results",
    "predict": "Predict",
    "explain": "Explain",
}
"""Panel id -> label. Pages may add panels; their default label is the id in words."""
FORMER = {"try_it": "predict"}
"""Panel ids of old links -> current ids."""
OPENS_ON = ("step_by_step", "results")
"""A page opens on the first of these panels that it has."""
TRAIN = "dlcore.ui.train.train:train"


def show(
    slug: str,
    *,
    panels: "Mapping[str, Address]",
    labels: Mapping[str, str] | None = None,
    opens_on: str = "",
    first_panel: str = "",
) -> None:
    """Draw the page of a project.

    `panels` maps an id to a function `panel(project, run)` or its address `module:function`, which is imported when the
    panel is first opened; tabs keep this order. Every page has the panel "train", after "data". `labels` override
    those of `PANELS`. `opens_on` names the reference run to show first (default: the first by name), `first_panel` the
    panel that a URL without one opens (default: by `OPENS_ON`).
    """
    with_error_boundary(partial(_page, slug, _with_train(panels), {**PANELS, **(labels or {})}, opens_on, first_panel))


def panel_id(name: str) -> str:
    """Return the id of a panel from a current or former id or label."""
    slug = name.strip().lower().replace(" ", "_")
    return FORMER.get(slug, slug)


def _with_train(panels: "Mapping[str, Address]") -> "dict[str, Address]":
    """Return the panels with "train" after "data", or first without "data"."""
    if "train" in panels:
        return dict(panels)
    names = list(panels)
    names.insert(names.index("data") + 1 if "data" in names else 0, "train")
    return {name: panels.get(name, TRAIN) for name in names}


def _page(slug: str, panels: "dict[str, Address]", labels: Mapping[str, str], opens_on: str, first_panel: str) -> None:
    page = page_of(slug)
    title, picker = st.columns([3, 2], gap="small", vertical_alignment="bottom")
    with title:
        st.title(page.title if page else slug, anchor=False)
    with picker:
        run = choose_run(slug, opens_on=opens_on)
    with_error_boundary(partial(_head, page, run))
    panel = _choose_panel(list(panels), labels, first_panel)
    first_paint.defer(partial(preload.load_rest, st.sidebar.container(key="preload"), ours=panel == "train"))
    with st.container(key=f"panel-of-{slug}"):
        if st.session_state["panel-to-keep"]:  # not the page's first panel
            first_paint.draw_deferred()
        with_error_boundary(partial(_panel, slug, panels[panel], run))
    first_paint.draw_deferred()


def _choose_panel(names: Sequence[str], labels: Mapping[str, str], first_panel: str = "") -> str:
    """Return the id of the panel to show. Tabs show labels, the URL has the id.

    A panel that is not the page's first one stays open on the next page.
    """
    default = next((name for name in (first_panel, *OPENS_ON) if name in names), names[0])
    in_url = st.query_params.get(PANEL, "")
    requested = st.query_params.pop(OPEN, "")
    if not requested and in_url != st.session_state.get("panel-in-url"):  # a link or the browser's back button
        requested = in_url
    if not requested and "panel" not in st.session_state:  # Streamlit drops the keys of widgets on a page switch
        requested = st.session_state.get("panel-to-keep", "")
    if requested:
        st.session_state["panel"] = panel_id(requested)
    fallback = panel_id(in_url) if panel_id(in_url) in names else default
    if st.session_state.get("panel", default) not in names:  # of another page; None from a slow browser
        st.session_state["panel"] = fallback
    choice = st.segmented_control(
        "Panel",
        names,
        default=None if "panel" in st.session_state else default,
        required=True,
        format_func=lambda name: labels.get(name, name.replace("_", " ").capitalize()),
        key="panel",
        label_visibility="collapsed",
    )
    panel = choice or fallback
    if in_url != panel:
        st.query_params[PANEL] = panel
    st.session_state["panel-in-url"] = panel
    st.session_state["panel-to-keep"] = "" if panel == default else panel
    return panel


def _head(page: PageFile | None, run: Run | None) -> None:
    """Draw the summary of the page and the run in one line."""
    style.run_line(page.summary if page else "", [] if run is None else _summary(run))


def _panel(slug: str, panel: "Address", run: Run | None) -> None:
    from dlcore import projects  # imports torch, so it runs after the head is drawn

    draw = panel if callable(panel) else load(panel)
    draw(projects.get(slug), run)


def load(address: str) -> "Panel":
    """Import the function at `module:function`."""
    module, _, name = address.partition(":")
    panel: Panel = getattr(importlib.import_module(module), name)
    return panel


def _summary(run: Run) -> list[tuple[str, str, str]]:
    """Describe the run: model, main metric, best baseline, best epoch."""
    record = run.record
    rows = [("Model", model_title(record.project, record.model), record.parameter_text)]
    if record.state in ACTIVE:
        rows.append(("Preset", record.preset, ""))
        return [*rows, ("Seed", str(record.seed), f"on {record.device}")]
    bundle = run.bundle
    evaluation = bundle.evaluation if bundle else None
    top = summarize_run(run)
    if top is not None and evaluation is not None:
        rows.append(
            (
                metric_title(top.metric),
                format_metric(top.metric, top.value),
                format_interval(top.metric, top.low, top.high),
            )
        )
        if top.baseline_value is not None:
            name = f"Best baseline: {lower_first(baseline_title(top.baseline, season=evaluation.season))}"
            rows.append((name, format_metric(top.metric, top.baseline_value), top.note))
    return [*rows, ("Best epoch", *_epoch(record))]


def _epoch(record: Record) -> tuple[str, str]:
    if record.best is None:
        return "none yet", ""
    by = "" if record.best.metric == "validation_loss" else f", by {record.best.metric.replace('_', ' ')}"
    return str(record.best.epoch), f"of {record.epochs}{by}"
