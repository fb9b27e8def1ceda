"""Cached tables and model inputs of the forecast page."""

from typing import Any

import pandas as pd

from dlcore.data.series import air_quality
from dlcore.data.series.tables import Table
from dlcore.data.splits import Prepared
from dlcore.projects.project import Project
from dlcore.projects.run_config import RunConfig
from dlcore.runs import Bundle, Run
from dlcore.ui.shell.cache import cache_resource
from dlcore.ui.widgets import run_cache


def load_table(config: RunConfig) -> Table:
    """Return the table that a run was trained on.

    Raises:
        DataError: it is not available, or has changed.
    """
    return _table(config.dataset, config.data_checksum)


def load_prepared(project: Project, run: Run, bundle: Bundle) -> Prepared:
    """Return the run's prepared data, cached for all sessions.

    Raises:
        DataError: the table is not available, or has changed.
    """
    return _prepared(run_cache.bundle_key(bundle), project, run.config)


def moment_name(moment: int) -> str:
    """Format epoch milliseconds as day and time."""
    return pd.Timestamp(moment, unit="ms").strftime("%a %d %b %Y, %H:%M")


@cache_resource(max_entries=3, show_spinner="Reading the table")
def _table(dataset: str, checksum: str) -> Table:
    return air_quality.load_table(dataset, checksum=checksum)


@cache_resource(max_entries=3, show_spinner="Preparing the model's inputs")
def _prepared(key: str, _project: Project, _config: Any) -> Prepared:
    return _project.prepare(_config)
