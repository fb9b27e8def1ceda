"""A text that is answered as its writer pauses, and whose words can be hidden from the model one by one."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from dlcore.ui.components.mount import drawing_component, mount_reporting

_TYPED = drawing_component("typed")
MOST_LETTERS = 60
"""Of a word so many are shown: somebody may paste a megabyte without a space."""


@dataclass(frozen=True)
class TypedText:
    """What stands in the box, and the places of the words that are hidden, of those that `version` stands for."""

    text: str
    hidden: tuple[int, ...] = ()
    version: str = ""


def current_text(key: str, start: str) -> TypedText:
    """What was reported last, or the text to start with."""
    kept = st.session_state.get(key)
    try:
        found = json.loads(kept["typed"] if kept else "{}")
        return TypedText(
            str(found.get("text", start)),
            tuple(int(place) for place in found.get("hidden", ())),
            str(found.get("version", "")),
        )
    except (KeyError, TypeError, ValueError):
        return TypedText(start)


def show_typed(
    words_of: Callable[[str], tuple[Sequence[str], Sequence[bool]]], *, start: str, label: str, key: str, marks: int = 0
) -> TypedText:
    """Show the box and the words below it.

    `words_of` gives the words that the model reads of a text, and for each whether it is unknown; it is to raise
    nothing. So many `marks` of the model's own at each end cannot be hidden. Gives what was typed; nothing is hidden
    once the same text falls into other words, as those of another model.
    """
    now = current_text(key, start)
    words, unknown = words_of(now.text)
    version = hashlib.sha256(json.dumps([now.text, list(words)]).encode()).hexdigest()[:16]
    if now.version != version:
        now = TypedText(now.text)
    data = {
        "text": now.text,
        "hidden": list(now.hidden),
        "label": label,
        "words": [shorten(word) for word in words],
        "marks": marks,
        "unknown": [bool(each) for each in unknown],
        "note": "Press a word to hide it from the model. Dashed: not in its vocabulary." if words else "",
        "version": version,
    }
    mount_reporting(_TYPED, data, key=key, defaults={"typed": json.dumps({"text": start, "hidden": []})})
    return now


def shorten(word: str) -> str:
    """A word as it is shown: of one without an end its start."""
    return word if len(word) <= MOST_LETTERS else word[: MOST_LETTERS - 2] + " …"
