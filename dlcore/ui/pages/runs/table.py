"""The table of all runs: its rows, filters and selection."""

import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.elements.lib.column_types import ColumnConfig

from dlcore import runs
from dlcore.core import access
from dlcore.core.errors import RunError
from dlcore.evaluation.metrics import HEADLINE, METRICS
from dlcore.runs import Record
from dlcore.runs.annotations import Annotation, list_annotated
from dlcore.ui.shell.address import write_param
from dlcore.ui.shell.cache import cache_data
from dlcore.ui.shell.menu import title_of
from dlcore.ui.shell.states import short_id, state_style
from dlcore.ui.shell.titles import data_title, model_title

RUNS = "runs"
"""Query parameter with the ids of the selected runs, separated by commas."""
FAVORITES, HIDDEN = "Favorites", "Hidden"
HEIGHT, LOW_HEIGHT = 420, 141
"""Pixels of the table without and with a comparison below it."""
_ONLY = "only"
_WIDTHS = {"search": 150, "projects": 150, "models": 150, "states": 120, "tags": 100}
"""Pixels of the filters: one line on a laptop, two or three to a line on a phone."""
_COLUMNS = {"★": 30, "Run": 135, "Project": 140, "Model": 150, "State": 125, "Metric": 100, "Score": 75}
"""First columns of the table with their widths in pixels."""
_FIRST_ROWS = 11
"""Rows that are visible without scrolling."""


@dataclass(frozen=True)
class Row:
    """One run with its annotation, and the titles that filters and columns show."""

    record: Record
    annotation: Annotation
    project: str
    model: str
    data: str
    state: str

    @property
    def text(self) -> str:
        """Return the text that the search looks through."""
        annotation, record = self.annotation, self.record
        words = (annotation.name, self.project, self.model, self.data, record.run_id, annotation.note, record.preset)
        return " ".join((*words, *annotation.tags)).lower()


def list_rows() -> list[Row]:
    """Return every run: favorites, then newest first, then the reference runs."""
    annotated = [*list_annotated(), *((record, Annotation()) for record in _reference_records())]
    records = [record for record, _ in annotated]
    models = {key: model_title(*key) for key in {(record.project, record.model) for record in records}}
    data = {name: data_title(name) for name in {record.dataset for record in records}}
    projects = {slug: title_of(slug) for slug in {record.project for record in records}}
    rows = [
        Row(
            record,
            annotation,
            projects[record.project],
            models[record.project, record.model],
            data[record.dataset],
            state_style(record).word,
        )
        for record, annotation in annotated
    ]
    return sorted(rows, key=lambda row: not row.annotation.is_favorite)


@cache_data(show_spinner=False, max_entries=1)
def _reference_records() -> list[Record]:
    """Return the records of the reference runs, which do not change."""
    return [run.record for run in runs.references()]


def has_filter() -> bool:
    """Return whether the URL holds a filter."""
    return any(name in st.query_params for name in (*_WIDTHS, _ONLY))


def visible_rows(rows: Sequence[Row]) -> list[Row]:
    """Return the rows that pass when there is no filter."""
    return [row for row in rows if not row.annotation.is_hidden]


def filter_rows(place: DeltaGenerator, rows: Sequence[Row]) -> list[Row]:
    """Draw the filters, which are in the URL, in `place` and return the rows that pass all of them."""
    with place:
        text = st.text_input(
            "Search",
            key="search",
            bind="query-params",
            placeholder="Search",
            label_visibility="collapsed",
            live=True,
            width=_WIDTHS["search"],
        )
        choices = {
            "projects": _choose("Project", "projects", {row.project for row in rows}),
            "models": _choose("Model", "models", {row.model for row in rows}),
            "states": _choose("State", "states", {row.state for row in rows}),
            "tags": _choose("Tag", "tags", {tag for row in rows for tag in row.annotation.tags}),
        }
        only = st.pills(
            "Show",
            [FAVORITES, HIDDEN],
            selection_mode="multi",
            key=_ONLY,
            bind="query-params",
            label_visibility="collapsed",
        )
    words = (text or "").lower().split()
    return [row for row in rows if _passes(row, choices, only) and all(word in row.text for word in words)]


def _choose(title: str, key: str, values: set[str]) -> list[str]:
    choice: list[str] = st.multiselect(
        title,
        sorted(values),
        key=key,
        bind="query-params",
        placeholder=title,
        label_visibility="collapsed",
        width=_WIDTHS[key],
    )
    return choice


def _passes(row: Row, choices: dict[str, list[str]], only: Sequence[str]) -> bool:
    if row.annotation.is_hidden != (HIDDEN in only):
        return False
    if FAVORITES in only and not row.annotation.is_favorite:
        return False
    if choices["tags"] and not set(choices["tags"]) & set(row.annotation.tags):
        return False
    fields = {"projects": row.project, "models": row.model, "states": row.state}
    return all(not choices[name] or value in choices[name] for name, value in fields.items())


def select_rows(rows: Sequence[Row], *, low: bool) -> list[str]:
    """Draw the table and return the ids of the selected runs; those that the filter hides stay selected.

    The selection is in the URL.
    """
    selected = selection()
    if st.query_params.get(RUNS, "") != st.session_state.get("runs-in-url", ""):  # a link, or the browser's back
        reset_selection()
        st.session_state["runs-first"] = tuple(selected)
    first = st.session_state.get("runs-first", ())
    rows = sorted(rows, key=lambda row: row.record.run_id not in first)  # runs of a link come first
    visible = [row.record.run_id for row in rows]
    key = f"runs-table-{st.session_state.get('runs-reset', 0)}-{hash(tuple(visible))}"
    positions = {run_id: place for place, run_id in enumerate(visible)}
    default = st.session_state.setdefault(
        f"{key}-default", [positions[run_id] for run_id in selected if run_id in positions]
    )
    event = st.dataframe(
        _frame(rows),
        key=key,
        height=LOW_HEIGHT if low else HEIGHT,
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": list(default), "columns": [], "cells": []}},
        column_config=_columns(),
        alt=f"{len(rows)} runs, one per row",
    )
    checked = [visible[place] for place in event["selection"]["rows"] if place < len(visible)]
    remaining = [run_id for run_id in selected if run_id in checked or run_id not in positions]
    return remember([*remaining, *(run_id for run_id in checked if run_id not in remaining)])


def first_frame(rows: Sequence[Row]) -> str:
    """Return the first rows as HTML, which the browser shows before it has drawn the live table."""
    table = _frame(rows[:_FIRST_ROWS])[list(_COLUMNS)]
    widths = "".join(f'<col style="width:{width}px">' for width in _COLUMNS.values())
    text = table.to_html(index=False, border=0, na_rep="", float_format="{:.4g}".format)
    return text.replace("<thead>", f"<colgroup>{widths}</colgroup><thead>", 1)


def is_first_visit() -> bool:
    """Return whether this session has not drawn the table yet."""
    return "runs-in-url" not in st.session_state


def selection() -> list[str]:
    """Return the ids in the URL of runs that exist; a unique prefix of an id is enough."""
    ids = []
    for prefix in st.query_params.get(RUNS, "").split(","):
        with contextlib.suppress(RunError):
            ids.append(runs.open_run(prefix).run_id)
    return list(dict.fromkeys(ids))


def remember(run_ids: Sequence[str]) -> list[str]:
    """Write the selection into the URL and return it."""
    value = ",".join(run_ids)
    write_param(RUNS, value)
    st.session_state["runs-in-url"] = value
    return list(run_ids)


def reset_selection() -> None:
    """Draw a new table, which begins with the selection in the URL."""
    st.session_state["runs-reset"] = st.session_state.get("runs-reset", 0) + 1


def _frame(rows: Sequence[Row]) -> pd.DataFrame:
    metrics = [next((name for name in HEADLINE if name in row.record.metrics), "") for row in rows]
    return pd.DataFrame(
        {
            "★": ["★" if row.annotation.is_favorite else "" for row in rows],
            "Run": [row.annotation.name or short_id(row.record.run_id) for row in rows],
            "Project": [row.project for row in rows],
            "Model": [row.model for row in rows],
            "State": [f"{state_style(row.record).sign} {row.state}" for row in rows],
            "Metric": [_title(name) for name in metrics],
            "Score": [_score(row.record, name) for row, name in zip(rows, metrics, strict=True)],
            "Data": [row.data for row in rows],
            "Seed": [row.record.seed for row in rows],
            "Epochs": [row.record.epoch for row in rows],
            "Duration": [row.record.duration_s for row in rows],
            **_people([row.record for row in rows]),
            "Created": pd.to_datetime([row.record.created or math.nan for row in rows], unit="s", utc=True),
            "Tags": [list(row.annotation.tags) for row in rows],
            "Note": [row.annotation.note for row in rows],
            "Preset": [row.record.preset for row in rows],
        }
    )


def _people(records: Sequence[Record]) -> dict[str, list[str]]:
    """Return the column that says whose runs they are on a shared server, and which are shared."""
    if not access.is_shared():
        return {}
    signs = {(True, True): "you, shared", (True, False): "you"}
    changeable = {record.run_id for record in runs.editable_runs(records)}
    return {"Owner": [signs.get((record.run_id in changeable, record.is_shared), record.owner) for record in records]}


def _title(metric: str) -> str:
    """Return the title of a metric with the unit of its score."""
    if not metric:
        return ""
    return f"{METRICS[metric].title} (%)" if METRICS[metric].form == "percent" else METRICS[metric].title


def _score(record: Record, metric: str) -> float | None:
    """Return a test metric as the table shows it, a share in percent."""
    if not metric:
        return None
    return record.metrics[metric] * (100 if METRICS[metric].form == "percent" else 1)


def _columns() -> dict[str, ColumnConfig | str | None]:
    column = st.column_config
    return {
        **{name: column.TextColumn(width=width) for name, width in _COLUMNS.items()},
        "★": column.TextColumn(width=_COLUMNS["★"], help="Favorite"),
        "Score": column.NumberColumn(width=_COLUMNS["Score"], format="%.4g", help="Main metric on the test split."),
        "Duration": column.NumberColumn(format="%d s"),
        "Created": column.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
    }
