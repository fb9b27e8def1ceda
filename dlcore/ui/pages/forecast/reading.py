"""What the forecast page's panels read, each thing once: tables, and the data of a run cut as its model takes them."""

from typing import Any

import pandas as pd
import streamlit as st

from dlcore.data.series import air_quality
from dlcore.data.series.tables import Table
from dlcore.data.splits import Prepared
from dlcore.projects.project import Project, RunConfig
from dlcore.runs import Bundle, Run
from dlcore.ui.widgets import run_cache


def load_table(config: RunConfig) -> Table:
    """The very table that a run was made from.

    Raises:
        DataError: it is not here, or not what it was.
    """
    return _table(config.dataset, config.data_checksum)


def load_prepared(project: Project, run: Run, bundle: Bundle) -> Prepared:
    """The run's data as its model takes them, cut once for all sessions.

    Raises:
        DataError: the table is not here, or not what it was.
    """
    return _prepared(run_cache.bundle_key(bundle), project, run.config)


def moment_name(moment: int) -> str:
    """Epoch milliseconds as a day and a time that people read."""
    return pd.Timestamp(moment, unit="ms").strftime("%a %d %b %Y, %H:%M")


@st.cache_resource(max_entries=3, show_spinner="Reading the table")
def _table(dataset: str, checksum: str) -> Table:
    return air_quality.load_table(dataset, checksum=checksum)


@st.cache_resource(max_entries=3, show_spinner="Cutting the table into the model's inputs")
def _prepared(key: str, _project: Project, _config: Any) -> Prepared:
    return _project.prepare(_config)
