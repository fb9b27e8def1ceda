"""The home page: the headline uses, recent runs, custom data, and one card per page with its best reference run."""

import base64
import html
import math
from collections.abc import Mapping
from itertools import groupby

import streamlit as st

from dlcore import runs
from dlcore.core import access, packs
from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import as_text
from dlcore.evaluation.metrics import (
    BaselineComparison,
    baseline_title,
    format_metric,
    lower_first,
    metric_title,
)
from dlcore.runs import Record, Run
from dlcore.ui.shell import style
from dlcore.ui.shell.cache import cache_data
from dlcore.ui.shell.error_boundary import with_error_boundary
from dlcore.ui.shell.links import link_to_page, link_to_run
from dlcore.ui.shell.menu import PageFile, find_pages, heading, page_of, title_of
from dlcore.ui.shell.states import state_style
from dlcore.ui.shell.thumbnails import project_thumbnail
from dlcore.ui.shell.times import format_age
from dlcore.ui.shell.titles import model_title, summarize_run

_RECENT = 4
_PER_ROW = 3


HEADLINES = {
    "anomaly": ("Drag an anomaly threshold", {"panel": "results"}),
    "architectures": ("Compare three networks", {"panel": "results", "view": "Compare"}),
    "food": ("Upload a food photo", {"panel": "predict"}),
}
"""Page -> what to do on it, and the query parameters of the view."""
CUSTOM_DATA = {
    "anomaly": "A time series",
    "forecast": "A table to forecast",
    "fashion": "Photos with classes",
    "questions": "Texts with classes",
    "seq2seq": "Pairs of sequences",
}
"""Page -> the data that can be added on its panel Data."""


def show() -> None:
    """Draw the home page: headline uses, runs, then every page in teaching order."""
    st.title("Watch a network learn", anchor=False)
    style.subtitle("Classic experiments on real data: train, watch live, compare with baselines, explain.")
    for column, (slug, (title, query)) in zip(st.columns(_PER_ROW, gap="medium"), HEADLINES.items(), strict=True):
        page = page_of(slug)
        if page is not None:
            with column, st.container(border=True, key=f"card-headline-{slug}", height="stretch"):
                _card(page, title=title, query=query)
    with_error_boundary(_recent)
    _offer_custom_data()
    sections = [list(pages) for _, pages in groupby(find_pages(), key=lambda page: page.section)]
    before = ""
    for row in page_rows(sections):
        _cards(row, before)
        before = row[-1].section
    with_error_boundary(_broken_packs)


def _broken_packs() -> None:
    """Draw one line per broken entry of a pack."""
    if packs.list_entries():
        from dlcore.projects import pack_check  # imports torch

        for fault in pack_check.list_faults():
            st.warning(as_text(str(fault)), icon=":material/extension_off:")


def _offer_custom_data() -> None:
    """Draw links to the panels that accept custom data."""
    st.html('<h2 class="dl-section">Your data</h2>')
    with st.container(horizontal=True, key="home-data"):
        for slug, title in CUSTOM_DATA.items():
            link_to_page(slug, label=title, icon=":material/upload:", query={"panel": "data", "open": "data"})


def page_rows(sections: list[list[PageFile]]) -> list[list[PageFile]]:
    """Return pages in rows of three; small sections share a row, and no section is split."""
    rows: list[list[PageFile]] = []
    for pages in sections:
        if rows and len(rows[-1]) + len(pages) <= _PER_ROW:
            rows[-1].extend(pages)
        else:
            rows.extend(pages[start : start + _PER_ROW] for start in range(0, len(pages), _PER_ROW))
    return rows


def _cards(row: list[PageFile], before: str) -> None:
    named_here = any(page.section != before for page in row)  # a continued section has no heading
    for column, page in zip(st.columns(_PER_ROW, gap="medium"), row, strict=False):
        with column:
            if page.section != before:
                st.html(f'<h2 class="dl-section">{html.escape(heading(page.section))}</h2>')
            elif named_here:
                st.html('<div class="dl-section dl-spacer"></div>')
            with st.container(border=True, key=f"card-{page.slug}", height="stretch"):
                _card(page)
        before = page.section


def _card(page: PageFile, *, title: str = "", query: Mapping[str, str] | None = None) -> None:
    reference = best_reference(page.slug, by_predictions=page.slug in HEADLINES and not title)
    st.html(_thumbnail(reference[1] if reference else ""))
    link_to_page(page.slug, label=title or page.title, query=query)
    st.html(f'<p class="dl-summary">{html.escape(page.summary)}</p>')
    st.html(_score(reference[0] if reference else None))


def best_reference(slug: str, *, by_predictions: bool = False) -> tuple[BaselineComparison | None, str] | None:
    """Return the summary of the project's best reference run, and a thumbnail, of its predictions on request.

    None if there is no readable one.
    """
    scores = {run.run_id: _read(run.run_id) for run in _references(slug)}
    if not scores:
        return None
    ranked = sorted(scores, key=lambda run_id: _rank(scores[run_id]), reverse=True)
    return scores[ranked[0]], _draw("" if by_predictions else slug, tuple(ranked))


def _rank(top: BaselineComparison | None) -> tuple[bool, float, float]:
    """Rank runs that beat their baseline first; among equals, the one with the stronger baseline."""
    return (top.outcome in (None, "better"), top.value, top.baseline_value or 0.0) if top else (False, -math.inf, 0.0)


def _references(slug: str) -> list[Run]:
    try:
        return runs.references(slug)
    except WorkbenchError:
        return []


@cache_data(show_spinner=False, max_entries=64)
def _read(run_id: str) -> BaselineComparison | None:
    run = runs.open_run(run_id)
    return None if run.bundle is None else summarize_run(run)


@cache_data(show_spinner=False, max_entries=64)
def _draw(slug: str, run_ids: tuple[str, ...]) -> str:
    return project_thumbnail(slug, [runs.open_run(run_id) for run_id in run_ids])


def _thumbnail(svg: str) -> str:
    """Return the thumbnail as an image: Streamlit removes inline SVG from HTML."""
    if not svg:
        return '<div class="dl-thumb"></div>'
    data = base64.b64encode(svg.encode()).decode("ascii")
    return f'<div class="dl-thumb"><img alt="" src="data:image/svg+xml;base64,{data}"></div>'


def _score(top: BaselineComparison | None) -> str:
    if top is None:
        return '<p class="dl-score"><span>No reference run yet</span></p>'
    value = (
        f"<strong>{format_metric(top.metric, top.value)}</strong> <span>{html.escape(metric_title(top.metric))}</span>"
    )
    if top.baseline_value is None:
        return f'<p class="dl-score">{value}</p>'
    against = (
        f"{html.escape(lower_first(baseline_title(top.baseline)))} {format_metric(top.metric, top.baseline_value)}"
    )
    return f'<p class="dl-score">{value}<span class="dl-baseline">baseline: {against}</span></p>'


def _recent() -> None:
    records = runs.editable_runs(runs.list_runs())[:_RECENT] if access.is_shared() else runs.list_runs(limit=_RECENT)
    st.html('<h2 class="dl-section">Your recent runs</h2>')
    if not records:
        st.caption("No runs yet. Open a page, go to Train, and start one: it continues when you close the tab.")
    for record in records:
        link_to_run(record, label=_line(record))


def _line(record: Record) -> str:
    parts = [state_style(record).word, title_of(record.project), model_title(record.project, record.model)]
    if record.best:
        parts.append(
            f"best {record.best.metric.replace('_', ' ')} {record.best.value:.4g} at epoch {record.best.epoch}"
        )
    return " · ".join([*parts, format_age(record.created)])
