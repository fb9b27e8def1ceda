"""The table of all runs, what can be done with the selected ones, their comparison, trash and disk use."""

import contextlib
from collections.abc import Sequence
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dlcore.ui.pages.runs import actions, compare, storage, table
from dlcore.ui.shell import first_paint
from dlcore.ui.shell.error_boundary import fragment, with_error_boundary


def show() -> None:
    """Draw everything below the title, as a fragment: a filter does not draw the rest of the page again."""
    fragment(_runs)()


def _runs() -> None:
    linked = table.selection()
    place = st.container()
    if len(linked) > 1 and table.is_first_visit():  # the curves of a link come before the table
        first_paint.defer(partial(_choose, place, is_low=True))
        _compare(linked)
        first_paint.draw_deferred()
    else:
        _compare(_choose(place, is_low=len(linked) > 1))
    with_error_boundary(storage.show)


def _choose(place: DeltaGenerator, *, is_low: bool) -> list[str]:
    """Draw filters, table and actions in `place`; return the ids of the selected runs."""
    rows = table.list_rows()
    by_id = {row.record.run_id: row for row in rows}
    with place:
        filters = st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="run-filters")
        if not is_low and table.is_first_visit() and not table.has_filter():  # the first rows come before the filters
            visible = table.visible_rows(rows)
            first_paint.defer(lambda: table.filter_rows(filters, rows))
        else:
            visible = table.filter_rows(filters, rows)
        picture: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
        if not is_low:
            picture = first_paint.main_picture(table.first_frame(visible), height=table.HEIGHT, is_html=True)
        with picture:
            selected = table.select_rows(visible, low=is_low)
        if is_low != (len(selected) > 1):
            st.rerun(scope="fragment")
        actions.show([by_id[run_id] for run_id in selected if run_id in by_id], total=len(rows), visible=len(visible))
    return selected


def _compare(run_ids: Sequence[str]) -> None:
    if len(run_ids) > 1:
        with_error_boundary(lambda: compare.show(run_ids))
