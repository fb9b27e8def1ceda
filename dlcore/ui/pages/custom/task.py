"""The tasks of a network of the user's code: each is a project with the panels of its kind of data."""

import streamlit as st

from dlcore import runs
from dlcore.core.errors import WorkbenchError
from dlcore.ui.shell.run_picker import forget_run

TASK = "task"
"""Query parameter with the project."""
TASKS = {
    "custom": "Image classification",
    "custom_text": "Text classification",
    "custom_forecast": "Forecasting",
    "custom_anomaly": "Anomaly detection",
}

_NAMES = ("code", "data", "results", "predict", "explain")
_DATA, _RESULTS, _EXPLAIN = "modalities.overview:data", "compare.comparison:results", "modalities.explain:explain"
PANELS = {
    task: {
        name: f"dlcore.ui.{address}"
        for name, address in zip(_NAMES, ("pages.custom.code:code", *addresses), strict=True)
    }
    for task, addresses in {
        "custom": (_DATA, _RESULTS, "modalities.gallery:predict", _EXPLAIN),
        "custom_text": (_DATA, _RESULTS, "modalities.predict:predict", _EXPLAIN),
        "custom_forecast": [f"pages.forecast.{name}:{name}" for name in _NAMES[1:]],
        "custom_anomaly": (*(f"pages.anomaly.panels:{name}" for name in _NAMES[1:-1]), _EXPLAIN),
    }.items()
}
"""Panels of each task: those of the pages with its kind of data."""


def find_task() -> str:
    """The project of the run or task in the URL, else that of the last visit."""
    task = _task_of_run(st.query_params.get("run", "")) or st.query_params.get(TASK, "")
    if task not in TASKS:
        task = st.session_state.get(f"last-{TASK}", next(iter(TASKS)))
    _remember(task)
    return task


def choose_task(slug: str) -> None:
    """Draw the selection of the task; another one opens its runs and code."""
    key = f"{TASK}-of-{slug}"
    st.selectbox(
        "Task",
        list(TASKS),
        index=list(TASKS).index(slug),
        format_func=TASKS.__getitem__,
        key=key,
        on_change=lambda: _switch(slug, st.session_state[key]),
    )


def _switch(former: str, task: str) -> None:
    forget_run(former)
    _remember(task)


def _remember(task: str) -> None:
    st.session_state[f"last-{TASK}"] = task
    if task == next(iter(TASKS)):
        st.query_params.pop(TASK, None)
    else:
        st.query_params[TASK] = task


def _task_of_run(run_id: str) -> str:
    try:
        return runs.open_run(run_id).record.project if run_id else ""
    except WorkbenchError:
        return ""
