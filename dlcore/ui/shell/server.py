"""Server start: serve plotly.js and import in the background what pages will need."""

import importlib
import threading
from contextlib import suppress

from streamlit.runtime.pages_manager import PagesManager

from dlcore.ui.components.mount import serve_plotly

_FIRST = ("dlcore.runs", "plotly.graph_objects", "torch", "dlcore.projects")
_PANELS = ("train.train", "pages.anomaly.panels", "modalities.classification", "modalities.explain")


def prepare() -> threading.Thread:
    """Prepare the server; returns the thread that imports torch and other packages before the first visit.

    A failing import fails again, with a message, where it is used.
    """
    # With a folder named pages/, Streamlit handles a server's first visit with its old page discovery, which answers a
    # deep link with "Page not found". st.navigation disables that, but only from the second visit on.
    PagesManager.uses_pages_directory = False
    serve_plotly()
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
