"""Buttons to pause, resume, stop and delete a run, depending on its state."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from dlcore import runs
from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import error_line
from dlcore.runs import trash
from dlcore.runs.record import RESUMABLE, Record
from dlcore.ui.shell.states import short_id


@dataclass(frozen=True)
class Action:
    """An action on a run. `message` is shown immediately; the state changes when the worker responds."""

    name: str
    icon: str
    help: str
    message: str
    perform: Callable[[str], Record]


PAUSE = Action(
    "Pause",
    ":material/pause:",
    "Save a checkpoint and free the device; resume any time.",
    "Pausing: the worker saves a checkpoint first.",
    lambda run_id: runs.pause(run_id),
)
RESUME = Action(
    "Resume",
    ":material/play_arrow:",
    "Continue from the last checkpoint.",
    "Resuming from the last checkpoint.",
    lambda run_id: runs.resume(run_id),
)
STOP = Action(
    "Stop",
    ":material/stop:",
    "End training, test the best epoch so far and save its bundle.",
    "Stopping: the best epoch is tested and saved.",
    lambda run_id: runs.stop(run_id),
)


def actions(record: Record) -> list[Action]:
    """Return the actions available for this run; none until its worker has obeyed the last one."""
    if record.is_reference or record.is_watched or record.command or not runs.editable_runs([record]):
        return []
    if record.state in runs.ACTIVE:
        return [PAUSE, STOP]
    if record.state in ("paused", "interrupted") and record.best is not None:
        return [RESUME, STOP]
    return [RESUME] if record.state in RESUMABLE else []


def action_buttons(record: Record, *, key: str, compact: bool = False, first: bool = True) -> None:
    """Draw a button for each action.

    `compact` shows icons only, with help; `first` highlights Resume as the next step.
    """
    for action in actions(record):
        label = action.icon if compact else action.name
        icon = None if compact else action.icon
        help_text = f"{action.name}: {action.help}" if compact else action.help
        kind: Literal["primary", "secondary"] = "primary" if action is RESUME and first and not compact else "secondary"
        st.button(
            label,
            icon=icon,
            help=help_text,
            key=f"{key}-{action.name}-{record.run_id}",
            type=kind,
            on_click=perform_action,
            args=(action, record.run_id),
        )


def perform_action(action: Action, run_id: str) -> None:
    """Perform the action before the page, or its fragment, is drawn again; an error is shown in one line."""
    try:
        action.perform(run_id)
    except WorkbenchError as error:
        st.toast(error_line(error), icon=":material/error:")
        return
    st.toast(action.message, icon=action.icon)


def launch_run(make: Callable[[], Record], *, start: bool = True) -> str | None:
    """Create a run and start it; returns its id, or None after showing the error."""
    try:
        record = make()
        if start:
            runs.start(record.run_id)
    except WorkbenchError as error:
        st.error(error_line(error), icon=":material/error:")
        return None
    return record.run_id


def delete_button(record: Record, on_delete: Callable[[], None]) -> None:
    """Draw a button that moves a run which is not active to the trash; then call `on_delete`."""
    if record.is_reference or record.state in runs.ACTIVE:
        return
    with st.popover("Delete", icon=":material/delete:", help="Move the run to the trash, with its bundle."):
        st.markdown(f"Move run **{short_id(record.run_id)}** to the trash? The page **Runs** restores it.")
        if st.button("Delete run", type="primary", icon=":material/delete:", key=f"delete-{record.run_id}"):
            try:
                trash.move_to_trash(record.run_id)
            except WorkbenchError as error:
                st.error(error_line(error), icon=":material/error:")
                return
            on_delete()
