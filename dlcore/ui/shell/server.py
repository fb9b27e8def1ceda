"""Server start-up: fix Streamlit's page discovery and import in the background what pages will need."""

import gc
import importlib
import os
import threading
from contextlib import suppress

from streamlit.config import get_option
from streamlit.runtime.pages_manager import PagesManager

from dlcore.ui.shell import sign_in

_FIRST = ("dlcore.runs", "plotly.graph_objects", "torch", "dlcore.projects")
_PANELS = (
    *("pages.anomaly.panels", "pages.forecast.results", "pages.gradients.panels", "pages.backprop.walk"),
    *("pages.rnn.walk", "pages.attention.step_by_step", "pages.anatomy.step_by_step", "compare.comparison"),
    *("modalities.results", "modalities.predict", "modalities.explain", "train.train"),
)


def prepare() -> threading.Thread:
    """Prepare the server; return the background thread that imports torch and the other heavy modules.

    Modules are then excluded from garbage collection.

    An import that fails here fails again, with its message, where it is used.
    """
    # A folder named pages/ triggers Streamlit's old page discovery on the first visit, which answers a deep link with
    # "Page not found". st.navigation disables it, but only from the second visit on.
    PagesManager.uses_pages_directory = False
    os.environ["DLCORE_ADDRESS"] = get_option("server.address") or "0.0.0.0"  # custom code: on localhost only
    sign_in.prepare()
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
    gc.collect()
    gc.freeze()  # Streamlit collects garbage after each script: without modules, 450,000 objects, that takes no time
