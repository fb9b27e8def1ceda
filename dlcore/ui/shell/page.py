"""One page of the workbench: a project, a run of it, and five panels of which only the visible one does work."""

import importlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from dlcore.evaluation.metrics import (
    baseline_title,
    format_interval,
    format_metric,
    lower_first,
    metric_title,
    summarize,
)
from dlcore.runs import ACTIVE, Record, Run
from dlcore.ui.shell import style
from dlcore.ui.shell.error_boundary import with_error_boundary
from dlcore.ui.shell.links import OPEN, OPEN_PART
from dlcore.ui.shell.menu import PageFile, page_of
from dlcore.ui.shell.preload import read_plotly
from dlcore.ui.shell.run_picker import choose_run

if TYPE_CHECKING:
    from dlcore.projects.project import Project

    Panel = Callable[[Project, Run | None], None]
    Address = Panel | str

PANELS = {
    "Data": ":material/database:",
    "Train": ":material/model_training:",
    "Results": ":material/query_stats:",
    "Try it": ":material/touch_app:",
    "Explain": ":material/lightbulb:",
}
FIRST = "Results"
"""What a page opens on: a finished run's results are there at once."""
STEPS = "Step by step"
"""The panel that only some pages have, before the others, and then open on: every number opened to its formula."""


def show(
    slug: str,
    *,
    data: "Panel | str",
    results: "Panel | str",
    try_it: "Panel | str",
    explain: "Panel | str",
    step_by_step: "Panel | str | None" = None,
    opens_on: str = "",
) -> None:
    """Draw the page of a project.

    Each panel is a function `panel(project, run)` or its address `module:function`, imported when it is first seen.
    `opens_on` names the reference run that is shown at first; by default the first in the order of their names.
    """
    first: dict[str, Address] = {STEPS: step_by_step} if step_by_step else {}
    panels = {**first, "Data": data, "Results": results, "Try it": try_it, "Explain": explain}
    with_error_boundary(partial(_page, slug, panels, opens_on))


def chosen_part(slug: str) -> str:
    """The project chosen at the top of a page in parts, the page's own at first; the choice is in the URL as `?part=`.

    `slug` is the page's own; the page then calls `show` for the project chosen.
    """
    page = page_of(slug)
    parts = page.parts if page else ()
    titles = {part.title: part.slug for part in parts}
    asked = st.query_params.pop(OPEN_PART, "")
    for part in parts:
        if part.slug == asked:
            st.session_state["part"] = part.title
    if st.session_state.get("part") not in titles:
        st.session_state.pop("part", None)
    chosen = st.segmented_control(
        "Part of the page",
        list(titles),
        default=None if "part" in st.session_state else next(iter(titles)),
        required=True,
        key="part",
        bind="query-params",
        label_visibility="collapsed",
    )
    return titles.get(chosen or "", slug)


def _page(slug: str, panels: "dict[str, Address]", opens_on: str) -> None:
    page = page_of(slug)
    title, chooser = st.columns([3, 2], gap="large", vertical_alignment="bottom")
    with title:
        _head(page, slug)
    with chooser:
        run = choose_run(slug, opens_on=opens_on)
    if run is not None:
        with_error_boundary(partial(_facts, run))
    names = [name for name in (STEPS, *PANELS) if name in panels or name == "Train"]
    first = STEPS if STEPS in panels else FIRST
    asked = st.query_params.pop(OPEN, "")
    if st.session_state.get("panel", first) not in names:  # another page had it open, and this one has none
        asked = first
    if asked in names:
        st.session_state["panel"] = asked
    chosen = st.segmented_control(
        "Panel",
        names,
        default=None if asked in names else first,
        required=True,
        key="panel",
        bind="query-params",
        label_visibility="collapsed",
    )
    read_plotly(ours=chosen == "Train")
    panel = panels.get(chosen or first, "dlcore.ui.train.train:train")
    with st.container(key=f"panel-of-{slug}"):
        with_error_boundary(partial(_panel, slug, panel, run))


def _head(page: PageFile | None, slug: str) -> None:
    """Title and what the page is about; of a page in parts, what the one that is open is about."""
    st.title(page.title if page else slug, anchor=False)
    part = page.part(slug) if page else None
    style.subtitle(part.summary if part else page.summary if page else "")


def _panel(slug: str, panel: "Address", run: Run | None) -> None:
    from dlcore import projects  # torch comes with it: after the head of the page is drawn

    draw = panel if callable(panel) else load(panel)
    draw(projects.get(slug), run)


def load(address: str) -> "Panel":
    """The function at `module:function`."""
    module, _, name = address.partition(":")
    found: Panel = getattr(importlib.import_module(module), name)
    return found


def _facts(run: Run) -> None:
    """What the chosen run is and how well it did, whichever panel is open."""
    record = run.record
    size = f"{record.parameters:,} parameters" if record.parameters else ""
    rows = [("Model", record.model.replace("_", " "), size)]
    if record.state in ACTIVE:
        rows.append(("Preset", record.preset, ""))
        rows.append(("Seed", str(record.seed), f"on {record.device}"))
        style.summary_row(rows)
        return
    bundle = run.bundle
    evaluation = bundle.evaluation if bundle else None
    top = summarize(evaluation.metrics, evaluation.baselines) if evaluation else None
    if top is not None:
        rows.append(
            (
                metric_title(top.metric),
                format_metric(top.metric, top.value),
                format_interval(top.metric, top.low, top.high),
            )
        )
        if top.baseline_value is not None:
            name = f"Best baseline: {lower_first(baseline_title(top.baseline))}"
            rows.append((name, format_metric(top.metric, top.baseline_value), top.note))
    rows.append(("Best epoch", *_epoch(record)))
    style.summary_row(rows)


def _epoch(record: Record) -> tuple[str, str]:
    if record.best is None:
        return "none yet", ""
    return str(record.best.epoch), f"of {record.epochs}, by {record.best.metric.replace('_', ' ')}"
