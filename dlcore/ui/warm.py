"""Heavy imports, begun while the first page is being read: torch takes seconds, and nobody should wait for it."""

import importlib
import threading
from contextlib import suppress


def start() -> threading.Thread:
    """Import what pages will need, in a thread. What fails here fails again, and says so, where it is used."""
    thread = threading.Thread(target=_import_all, name="warm-up", daemon=True)
    thread.start()
    return thread


def _import_all() -> None:
    for module in ("dlcore.runs", "plotly.graph_objects", "torch", "dlcore.projects"):
        with suppress(Exception):
            importlib.import_module(module)
    with suppress(Exception):
        from dlcore import projects

        projects.every()
    for panel in ("train", "series", "classification", "explain"):
        with suppress(Exception):
            importlib.import_module(f"dlcore.ui.panels.{panel}")
    with suppress(Exception):
        from dlcore import runs

        runs.list_runs(limit=1)
