"""Every state of a run in an icon, a word, and plain words on what it means and what can be done."""

from dataclasses import dataclass
from typing import Literal

from dlcore.runs.record import Record, State

Colour = Literal["gray", "blue", "orange", "green", "red", "violet"]


@dataclass(frozen=True)
class StateStyle:
    """How a state is shown: never by its colour alone. `sign` is for plain text, `icon` for badges."""

    word: str
    sign: str
    icon: str
    colour: Colour
    meaning: str


STATE_STYLE: dict[State, StateStyle] = {
    "queued": StateStyle("Queued", "◷", ":material/schedule:", "gray", "Starts by itself when its device is free."),
    "running": StateStyle("Running", "▶", ":material/play_arrow:", "blue", "Training in its own process."),
    "paused": StateStyle("Paused", "‖", ":material/pause:", "orange", "Put aside with everything it needs to go on."),
    "stopped": StateStyle(
        "Stopped", "■", ":material/stop:", "orange", "Ended before its time; its best epoch was kept."
    ),
    "finished": StateStyle("Finished", "✓", ":material/check_circle:", "green", "Trained to its end and tested once."),
    "failed": StateStyle("Failed", "✕", ":material/error:", "red", "Could not go on."),
    "interrupted": StateStyle(
        "Interrupted", "⚡", ":material/power_off:", "orange", "Its process ended without a word. Resume it."
    ),
}
REFERENCE = StateStyle(
    "Reference run", "★", ":material/bookmark:", "violet", "Came with the workbench; measured by us on real data."
)


def state_style(record: Record) -> StateStyle:
    """How this run is shown."""
    return REFERENCE if record.is_reference else STATE_STYLE[record.state]


def describe_state(record: Record) -> str:
    """What its state means for this run, with the reason where there is one, in a sentence or two."""
    meaning = state_style(record).meaning
    if not record.reason or record.state in ("running", "finished", "queued"):
        return meaning
    reason = record.reason[0].upper() + record.reason[1:]
    return reason if reason.endswith((".", "!", ")")) else f"{reason}."


def short_id(run_id: str) -> str:
    """A run's id as a person can read it out."""
    return run_id.removeprefix("reference:") if run_id.startswith("reference:") else run_id[:8]
