"""Links between places of the workbench."""

from collections.abc import Iterable, Mapping

import streamlit as st

from dlcore.runs.record import Record
from dlcore.ui.shell.menu import page_of, workspace_pages
from dlcore.ui.shell.states import state_style

PANEL = "panel"
"""Query parameter with the id of the open panel."""
OPEN = "open"
"""Query parameter that opens a panel. `panel` itself is bound to the panel that is open."""


def link_to_run(record: Record, *, label: str, panel: str = "train") -> None:
    """Draw a link to the run on its page; plain text if its project has no page."""
    page = page_of(record.project)
    if page is None:
        st.markdown(label)
        return
    st.page_link(str(page.path), label=label, icon=state_style(record).icon, query_params=_query(record, panel))


def open_run_page(record: Record, *, panel: str) -> None:
    """Open the run on its page; nothing happens if its project has no page."""
    page = page_of(record.project)
    if page is not None:
        st.switch_page(str(page.path), query_params=_query(record, panel))


def link_to_runs(run_ids: Iterable[str], *, label: str) -> None:
    """Draw a link to the page of all runs with these selected."""
    page = next(page for page in workspace_pages() if page.slug == "runs")
    st.page_link(str(page.path), label=label, icon=page.icon, query_params={"runs": ",".join(run_ids)})


def link_to_search(slug: str, search_id: str, *, label: str, icon: str) -> None:
    """Draw a link to a search on its project's page; plain text if that has no page."""
    page = page_of(slug)
    if page is None:
        st.markdown(label)
        return
    query = {"search": search_id, PANEL: "train", OPEN: "train"}
    st.page_link(str(page.path), label=label, icon=icon, query_params=query)


def link_to_page(slug: str, *, label: str, icon: str | None = None, query: Mapping[str, str] | None = None) -> None:
    """Draw a link to a project's page, with query parameters."""
    page = page_of(slug)
    if page is not None:
        st.page_link(str(page.path), label=label, icon=icon, query_params=dict(query or {}))


def _query(record: Record, panel: str) -> dict[str, str]:
    return {"run": record.run_id, PANEL: panel, OPEN: panel}
