"""The frame around every page: menu, jobs bar, style and error boundary."""

import html
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path

import streamlit as st
from streamlit import Page
from streamlit.delta_generator import DeltaGenerator

from dlcore.core.settings import ASSETS
from dlcore.ui.components.mount import module_url
from dlcore.ui.shell import first_paint, home, jobs_bar, sign_in, style, tour
from dlcore.ui.shell.address import write_param
from dlcore.ui.shell.error_boundary import with_error_boundary
from dlcore.ui.shell.menu import PageFile, administration_page, find_pages, heading, workspace_pages
from dlcore.ui.shell.security import inline_script

NAME = "Deep Learning Workbench"
_CLOSE_ON_PHONES = inline_script("""
if (!window.dlMenuCloses) {
  window.dlMenuCloses = true;
  document.addEventListener("click", (event) => {
    if (innerWidth < 768 && event.target.closest(".st-key-menu a"))
      document.querySelector("[data-testid=stSidebarCollapseButton] button")?.click();
  });
}
""")
"""Close the menu after a choice on phones, where it covers the page."""
COPY = inline_script("""
if (!window.dlCopies) {
  window.dlCopies = true;
  const copy = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const field = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest(".dl-copy");
    if (!button) return;
    // a running script may draw the button again, or beside its former one: all of them show the same label
    const label = (text) => {
      for (const each of new Set([button, ...document.querySelectorAll(".dl-copy")])) each.textContent = text;
    };
    label(await copy(location.href).then(() => "Copied", () => "Not allowed"));
    clearTimeout(window.dlCopyReset);
    window.dlCopyReset = setTimeout(label, 2000, "Copy link");
  });
}
""")
"""Copy the address of the view: every control that changes it is in the URL."""
FIGURE_MENUS = inline_script(
    f"import(new URL({module_url('figure_menu')!r}, document.baseURI).href).then((module) => module.watchFigures());"
)
"""Give every figure its menu: PNG, SVG, CSV."""


PRESENT = "present"
"""Query parameter of the presentation mode: larger type, no menu."""
_SWITCH = inline_script("""
if (!window.dlPresents) {
  window.dlPresents = true;
  const change = () => {
    const url = new URL(location.href);
    if (url.searchParams.has("present")) url.searchParams.delete("present");
    else url.searchParams.set("present", "1");
    location.assign(url);
  };
  document.addEventListener("click", (event) => { if (event.target.closest(".dl-present")) change(); });
  document.addEventListener("keydown", (event) => { if (event.altKey && event.code === "KeyP") change(); });
}
""")
"""Enter or leave the presentation mode by a new visit of the address, which holds the view."""


def run(folder: Path) -> None:
    """Build the menu from the page files below `folder` and run the requested page."""
    st.set_page_config(page_title=NAME, page_icon=str(ASSETS / "icons" / "logo.svg"), layout="wide")
    is_presenting = _is_presenting()
    style.apply(presenting=is_presenting)
    st.logo(str(ASSETS / "icons" / "logo.svg"), size="large")
    start = Page(home.show, title="Home", icon=":material/home:", default=True)
    workspace = [*workspace_pages(folder), *([administration_page(folder)] if sign_in.is_administrator() else [])]
    menu = {"": [start, *map(_page, workspace)]} | {
        heading(section): [_page(page) for page in pages]
        for section, pages in groupby(find_pages(folder), key=lambda page: page.section)
    }
    navigation = st.navigation(menu, position="hidden")
    if not sign_in.require():
        return
    with st.sidebar:
        sign_in.show_person()
    place = st.sidebar.container(key="menu", gap=None)
    first_paint.defer(partial(_menu, place, menu))
    if navigation is start:
        first_paint.draw_deferred()
    st.set_page_config(page_title=NAME if navigation is start else f"{navigation.title} · {NAME}")
    first_paint.defer(partial(_buttons, st.container(key="copy-link"), is_presenting))
    with_error_boundary(jobs_bar.show)
    with_error_boundary(partial(navigation.run))
    first_paint.draw_deferred()
    tour.offer(navigation.url_path)


def _is_presenting() -> bool:
    """Return whether the session presents; a page without the query parameter gets it."""
    is_presenting = st.query_params.get(PRESENT) == "1" or bool(st.session_state.get(PRESENT))
    st.session_state[PRESENT] = is_presenting
    write_param(PRESENT, "1" if is_presenting else "")
    return is_presenting


def _buttons(place: DeltaGenerator, is_presenting: bool) -> None:
    """Draw the buttons in `place`, which is fixed beside Streamlit's menu."""
    label = "Leave presentation" if is_presenting else "Present"
    with place:
        st.html(
            f'<button type="button" class="dl-present" title="{label} (Alt+P)">{label}</button> '
            '<button type="button" class="dl-copy" aria-live="polite">Copy link</button>'
        )
        st.html(COPY + _SWITCH + FIGURE_MENUS, unsafe_allow_javascript=True)


def _page(page: PageFile) -> Page:
    return Page(page.path, title=page.title, icon=page.icon, url_path=page.slug)


def _menu(place: DeltaGenerator, menu: Mapping[str, Sequence[Page]]) -> None:
    """Draw the menu as page links: screen readers cannot count the entries of Streamlit's menu."""
    with place:
        for section, pages in menu.items():
            if section:
                st.html(f'<p class="dl-menu-section">{html.escape(section)}</p>')
            for page in pages:
                st.page_link(page)
        st.html(_CLOSE_ON_PHONES, unsafe_allow_javascript=True)
