"""The table of all runs, what can be done with the selected ones, their comparison, trash and disk use."""

import contextlib
from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dlcore.ui.pages.runs import actions, compare, storage, table
from dlcore.ui.pages.runs.table import Row
from dlcore.ui.shell import first_paint
from dlcore.ui.shell.error_boundary import fragment, with_error_boundary


def show() -> None:
    """Draw everything below the title, as a fragment: a filter does not draw the rest of the page again."""
    fragment(_runs)()


def _runs() -> None:
    rows = table.list_rows()
    by_id = {row.record.run_id: row for row in rows}
    linked = table.selection(list(by_id))
    place = st.container()
    if len(linked) > 1 and table.is_first_visit():  # the curves of a link come before the table
        first_paint.defer(partial(_draw_table, place, rows, by_id))
        _compare(linked)
        first_paint.draw_deferred()
    else:
        _compare(_choose(place, rows, by_id, is_low=len(linked) > 1))
    with_error_boundary(storage.show)


def _draw_table(place: DeltaGenerator, rows: Sequence[Row], by_id: Mapping[str, Row]) -> None:
    _choose(place, rows, by_id, is_low=True)


def _choose(place: DeltaGenerator, rows: Sequence[Row], by_id: Mapping[str, Row], *, is_low: bool) -> list[str]:
    """Draw filters, table and actions in `place`; return the ids of the selected runs."""
    with place:
        visible = table.filter_rows(rows)
        picture: contextlib.AbstractContextManager[None]
        picture = contextlib.nullcontext() if is_low else first_paint.main_picture()
        with picture:
            selected = table.select_rows(visible, list(by_id), low=is_low)
        if is_low != (len(selected) > 1):
            st.rerun(scope="fragment")
        actions.show([by_id[run_id] for run_id in selected if run_id in by_id], total=len(rows), visible=len(visible))
    return selected


def _compare(run_ids: Sequence[str]) -> None:
    if len(run_ids) > 1:
        with_error_boundary(lambda: compare.show(run_ids))
