"""Buttons that pause, resume, stop and fork a run; which ones there are depends on its state."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from dlcore import runs
from dlcore.core.errors import WorkbenchError, one_line
from dlcore.runs.record import RESUMABLE, Record


@dataclass(frozen=True)
class Action:
    """Something that can be asked of a run. `said` is told at once; the state follows when the worker obeyed."""

    name: str
    icon: str
    help: str
    said: str
    perform: Callable[[str], Record]


PAUSE = Action(
    "Pause",
    ":material/pause:",
    "Keep a checkpoint and free the device; resume whenever you like.",
    "Pausing: the worker keeps a checkpoint first.",
    lambda run_id: runs.pause(run_id),
)
RESUME = Action(
    "Resume",
    ":material/play_arrow:",
    "Go on from the last checkpoint.",
    "Resuming from the last checkpoint.",
    lambda run_id: runs.resume(run_id),
)
STOP = Action(
    "Stop",
    ":material/stop:",
    "End here, test the best epoch so far and keep its bundle.",
    "Stopping: the best epoch is tested and kept.",
    lambda run_id: runs.stop(run_id),
)


def actions(record: Record) -> list[Action]:
    """What can be asked of this run now."""
    if record.is_reference:
        return []
    if record.state in runs.ACTIVE:
        return [PAUSE, STOP]
    if record.state in ("paused", "interrupted") and record.best is not None:
        return [RESUME, STOP]
    return [RESUME] if record.state in RESUMABLE else []


def action_buttons(record: Record, *, key: str, compact: bool = False, first: bool = True) -> None:
    """Draw a button for each action.

    `compact` shows icons alone, whose help says what they do; `first` lets Resume stand out as the next step.
    """
    for action in actions(record):
        label = action.icon if compact else action.name
        icon = None if compact else action.icon
        help_text = f"{action.name}: {action.help}" if compact else action.help
        kind: Literal["primary", "secondary"] = "primary" if action is RESUME and first and not compact else "secondary"
        if st.button(label, icon=icon, help=help_text, key=f"{key}-{action.name}-{record.run_id}", type=kind):
            perform_action(action, record.run_id)


def perform_action(action: Action, run_id: str) -> None:
    """Do it, tell it, and draw the page again; a refusal is told in its one line."""
    try:
        action.perform(run_id)
    except WorkbenchError as error:
        st.toast(one_line(error), icon=":material/error:")
        return
    st.toast(action.said, icon=action.icon)
    st.rerun()


def launch_run(make: Callable[[], Record], *, start: bool = True) -> str | None:
    """Make a run and start it; gives its id, or None after saying in one line why there is none."""
    try:
        record = make()
        if start:
            runs.start(record.run_id)
    except WorkbenchError as error:
        st.error(one_line(error), icon=":material/error:")
        return None
    return record.run_id


def active_records(records: Sequence[Record]) -> list[Record]:
    """Those that run or wait, in the order in which they were asked for."""
    return sorted((record for record in records if record.state in runs.ACTIVE), key=lambda record: record.created)
