"""Links from one place of the workbench to another."""

import streamlit as st

from dlcore.runs.record import Record
from dlcore.ui.shell.menu import PageFile, page_of
from dlcore.ui.shell.states import state_style

PANEL = "panel"
"""Query parameter with the id of the open panel."""
OPEN = "open"
"""Query parameter of a link that opens a panel; it wins over the one that is open already."""
OPEN_PART = "of"
"""The same of a page's part: the project whose run or search the link leads to."""


def link_to_run(record: Record, *, label: str, panel: str = "train") -> None:
    """A link to the run's page with that run chosen; plain text where its project has no page here."""
    page = page_of(record.project)
    if page is None:
        st.markdown(label)
        return
    st.page_link(
        str(page.path),
        label=label,
        icon=state_style(record).icon,
        query_params={"run": record.run_id, PANEL: panel, OPEN: panel, **_part(page, record.project)},
    )


def link_to_search(slug: str, search_id: str, *, label: str, icon: str) -> None:
    """A link to a search on its project's page; plain text where that has no page here."""
    page = page_of(slug)
    if page is None:
        st.markdown(label)
        return
    asked = {"search": search_id, PANEL: "train", OPEN: "train", **_part(page, slug)}
    st.page_link(str(page.path), label=label, icon=icon, query_params=asked)


def link_to_page(slug: str, *, label: str) -> None:
    """A link to a project's page."""
    page = page_of(slug)
    if page is not None:
        st.page_link(str(page.path), label=label)


def _part(page: PageFile, slug: str) -> dict[str, str]:
    """What the address of a page in parts says besides."""
    return {OPEN_PART: slug} if page.part(slug) else {}
