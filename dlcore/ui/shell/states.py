"""Icon, word and explanation of every run state."""

from dataclasses import dataclass
from typing import Literal

from dlcore.runs import record as record_module
from dlcore.runs.folder import Command
from dlcore.runs.record import Record, State

Color = Literal["gray", "blue", "orange", "green", "red", "violet"]


@dataclass(frozen=True)
class StateStyle:
    """How a state is shown, never by color alone. `sign` is for plain text, `icon` for badges."""

    word: str
    sign: str
    icon: str
    color: Color
    meaning: str


STATE_STYLE: dict[State, StateStyle] = {
    "queued": StateStyle("Queued", "◷", ":material/schedule:", "gray", "Starts as soon as its device is free."),
    "running": StateStyle("Running", "▶", ":material/play_arrow:", "blue", "Training in a worker process."),
    "paused": StateStyle("Paused", "‖", ":material/pause:", "orange", "Paused. Resume any time."),
    "stopped": StateStyle("Stopped", "■", ":material/stop:", "orange", "Stopped early; the best epoch was evaluated."),
    "finished": StateStyle("Finished", "✓", ":material/check_circle:", "green", "Trained to the end and tested once."),
    "failed": StateStyle("Failed", "✕", ":material/error:", "red", "Training failed."),
    "interrupted": StateStyle(
        "Interrupted",
        "⚡",
        ":material/power_off:",
        "orange",
        "The worker process died. Resume from the last checkpoint.",
    ),
}
REFERENCE = StateStyle(
    "Reference run", "★", ":material/bookmark:", "violet", "Shipped with the workbench; measured on real data."
)


STARTING = StateStyle("Starting", "↻", ":material/hourglass_top:", "blue", "Starting the worker.")
COMMAND_STYLE: dict[Command, StateStyle] = {
    "pause": StateStyle("Pausing", "…", ":material/hourglass_top:", "orange", "The worker saves a checkpoint first."),
    "stop": StateStyle("Stopping", "…", ":material/hourglass_top:", "orange", "The best epoch is tested and saved."),
}
"""Shown from the click on, before the worker has noticed the command."""


def state_style(record: Record) -> StateStyle:
    """Return how this run is shown."""
    if record.is_reference:
        return REFERENCE
    if record.command:
        return COMMAND_STYLE["pause" if record.command == "pause" else "stop"]
    return STARTING if record.doing == record_module.STARTING else STATE_STYLE[record.state]


def describe_state(record: Record) -> str:
    """Describe the run's state, with its reason if there is one."""
    meaning = state_style(record).meaning
    if not record.reason or record.state in ("running", "finished", "queued"):
        return meaning
    reason = record.reason[0].upper() + record.reason[1:]
    return reason if reason.endswith((".", "!", ")")) else f"{reason}."


def short_id(run_id: str) -> str:
    """Return a short form of a run's id."""
    return run_id.removeprefix("reference:") if run_id.startswith("reference:") else run_id[:8]
