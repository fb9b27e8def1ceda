"""The table of all runs, what can be done with the selected ones, their comparison, trash and disk use."""

import streamlit as st

from dlcore.ui.pages.runs import actions, compare, storage, table
from dlcore.ui.shell import first_paint
from dlcore.ui.shell.error_boundary import fragment, with_error_boundary


def show() -> None:
    """Draw everything below the title, as a fragment: a filter does not draw the rest of the page again."""
    fragment(_runs)()


def _runs() -> None:
    rows = table.list_rows()
    by_id = {row.record.run_id: row for row in rows}
    visible = table.filter_rows(rows)
    is_compared = len(table.selection(list(by_id))) > 1
    if is_compared:
        selected = table.select_rows(visible, list(by_id), low=True)
    else:
        with first_paint.main_picture():
            selected = table.select_rows(visible, list(by_id), low=False)
    if is_compared != (len(selected) > 1):
        st.rerun(scope="fragment")
    actions.show([by_id[run_id] for run_id in selected if run_id in by_id], total=len(rows), visible=len(visible))
    if len(selected) > 1:
        with_error_boundary(lambda: compare.show(selected))
    with_error_boundary(storage.show)
