"""What the server does once, before its first visitor: serve plotly.js, and begin to import what pages will need."""

import importlib
import threading
from contextlib import suppress

from streamlit.runtime.pages_manager import PagesManager

from dlcore.ui.components.mount import serve_plotly, serve_scripts

_FIRST = ("dlcore.runs", "plotly.graph_objects", "torch", "dlcore.projects")
_PANELS = ("train.train", "pages.anomaly.panels", "modalities.classification", "modalities.explain")


def prepare() -> threading.Thread:
    """Make the server ready; gives the thread that imports torch and the like, so that no visitor waits for it.

    What fails to import here fails again, and says so, where it is used.
    """
    # A folder named pages/ makes Streamlit take the first visit of a server for its old page discovery, which greets a
    # deep link with "Page not found". st.navigation switches that off, but only from the second visit on.
    PagesManager.uses_pages_directory = False
    serve_plotly()
    serve_scripts()
    thread = threading.Thread(target=_import_all, name="warm-up", daemon=True)
    thread.start()
    return thread


def _import_all() -> None:
    for module in _FIRST:
        with suppress(Exception):
            importlib.import_module(module)
    with suppress(Exception):
        importlib.import_module("dlcore.projects").list_projects()
    for panel in _PANELS:
        with suppress(Exception):
            importlib.import_module(f"dlcore.ui.{panel}")
    with suppress(Exception):
        importlib.import_module("dlcore.ui.shell.jobs_bar").active_jobs()
