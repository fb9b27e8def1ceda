"""Every state of a run in an icon, a word, and plain words on what it means and what can be done."""

from dataclasses import dataclass
from typing import Literal

from dlcore.runs.record import Record, State

Colour = Literal["gray", "blue", "orange", "green", "red", "violet"]


@dataclass(frozen=True)
class Look:
    """How a state is shown: never by its colour alone. `sign` is for plain text, `icon` for badges."""

    word: str
    sign: str
    icon: str
    colour: Colour
    meaning: str


LOOKS: dict[State, Look] = {
    "queued": Look("Queued", "◷", ":material/schedule:", "gray", "Starts by itself when its device is free."),
    "running": Look("Running", "▶", ":material/play_arrow:", "blue", "Training in its own process."),
    "paused": Look("Paused", "‖", ":material/pause:", "orange", "Put aside with everything it needs to go on."),
    "stopped": Look("Stopped", "■", ":material/stop:", "orange", "Ended before its time; its best epoch was kept."),
    "finished": Look("Finished", "✓", ":material/check_circle:", "green", "Trained to its end and tested once."),
    "failed": Look("Failed", "✕", ":material/error:", "red", "Could not go on."),
    "interrupted": Look(
        "Interrupted", "⚡", ":material/power_off:", "orange", "Its process ended without a word. Resume it."
    ),
}
REFERENCE = Look(
    "Reference run", "★", ":material/bookmark:", "violet", "Came with the workbench; measured by us on real data."
)


def look(record: Record) -> Look:
    """How this run is shown."""
    return REFERENCE if record.is_reference else LOOKS[record.state]


def plain_words(record: Record) -> str:
    """What its state means for this run, with the reason where there is one, in a sentence or two."""
    meaning = look(record).meaning
    if not record.reason or record.state in ("running", "finished", "queued"):
        return meaning
    reason = record.reason[0].upper() + record.reason[1:]
    return reason if reason.endswith((".", "!", ")")) else f"{reason}."


def short_id(run_id: str) -> str:
    """A run's id as a person can read it out."""
    return run_id.removeprefix("reference:") if run_id.startswith("reference:") else run_id[:8]
