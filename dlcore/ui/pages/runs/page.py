"""Page Runs: its title, then the table and the comparison, whose modules import torch."""

import streamlit as st

from dlcore.ui.shell import first_paint
from dlcore.ui.shell.error_boundary import with_error_boundary
from dlcore.ui.shell.page import load


def show() -> None:
    """Draw the page."""
    st.title("Runs", anchor=False)
    with_error_boundary(_view)
    first_paint.draw_deferred()


def _view() -> None:
    from dlcore import projects  # noqa: F401  (another thread may be importing it: wait until it is complete)

    load("dlcore.ui.pages.runs.view:show")()  # type: ignore[call-arg]
