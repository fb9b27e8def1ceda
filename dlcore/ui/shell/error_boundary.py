"""Error boundary of pages and panels: an error becomes one line, never a traceback."""

import logging
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import TypeVarTuple

import streamlit as st

from dlcore.core.errors import DataMissingError, WorkbenchError
from dlcore.core.markdown import error_line
from dlcore.core.settings import home
from dlcore.ui.shell import download_offer

Args = TypeVarTuple("Args")


def with_error_boundary(draw: Callable[[], None]) -> None:
    """Run `draw`; show an error in one line in its place."""
    try:
        draw()
    except Exception as error:
        show_error(error)


def fragment(draw: Callable[[*Args], None], *, run_every: float | None = None) -> Callable[[*Args], None]:
    """Streamlit's fragment with an error boundary: a fragment rerun has no other one."""

    @wraps(draw)
    def safe(*args: *Args) -> None:
        with_error_boundary(partial(draw, *args))

    return st.fragment(safe, run_every=run_every)


def show_error(error: Exception) -> bool:
    """Show an error in one line; unexpected errors are logged in full."""
    if isinstance(error, DataMissingError):
        download_offer.offer_download(error.dataset)
        return True
    if isinstance(error, WorkbenchError):
        st.error(error_line(error), icon=":material/error:")
        return True
    where = _record(error)
    st.error(
        f"This part of the page failed: {type(error).__name__}: {error_line(error)} "
        f"The rest of the workbench still works. The full traceback is in {where}.",
        icon=":material/error:",
    )
    return True


def log_file() -> Path:
    """Return the log file for unexpected errors of pages."""
    return home() / "pages.log"


def _record(error: Exception) -> str:
    logger = logging.getLogger("dlcore.ui")
    logger.error("A page failed", exc_info=error)
    try:
        log_file().parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(log_file(), encoding="utf-8")
    except OSError:
        return "the server's terminal"
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    account = (type(error), error, error.__traceback__)
    handler.handle(logger.makeRecord(logger.name, logging.ERROR, "", 0, "A page failed", (), account))
    handler.close()
    return str(log_file())
