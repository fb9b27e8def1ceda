"""Text input that reports when typing pauses; its tokens can be masked one by one."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from dlcore.ui.components.mount import drawing_component, mount_reporting

_TYPED = drawing_component("typed")
MAX_TOKEN_LETTERS = 60
"""Display limit for one token: a pasted text may have no spaces."""


@dataclass(frozen=True)
class TypedText:
    """The text and the indices of masked tokens, for the tokenization that `version` identifies."""

    text: str
    hidden: tuple[int, ...] = ()
    version: str = ""


def current_text(key: str, start: str, hidden: Sequence[int] = ()) -> TypedText:
    """Return the latest reported text with its masks, or `start` with `hidden`."""
    saved = st.session_state.get(key)
    if not saved:
        return TypedText(start, tuple(hidden))
    try:
        state = json.loads(saved["typed"])
        return TypedText(
            str(state.get("text", start)),
            tuple(int(index) for index in state.get("hidden", ())),
            str(state.get("version", "")),
        )
    except (KeyError, TypeError, ValueError):
        return TypedText(start)


def show_typed(
    words_of: Callable[[str], tuple[Sequence[str], Sequence[bool]]],
    *,
    start: str,
    label: str,
    key: str,
    marks: int = 0,
    hidden: Sequence[int] = (),
) -> TypedText:
    """Render the text box and its tokens, and return the current text.

    `words_of` returns the tokens of a text and whether each is unknown; it must not raise. `marks` special tokens at
    each end cannot be masked; those of `hidden` are masked at first. Masks are reset if another model tokenizes
    the same text differently.
    """
    now = current_text(key, start, hidden)
    words, unknown = words_of(now.text)
    version = hashlib.sha256(json.dumps([now.text, list(words)]).encode()).hexdigest()[:16]
    if now.version not in ("", version):
        now = TypedText(now.text)
    now = replace(now, hidden=tuple(index for index in now.hidden if marks <= index < len(words) - marks))
    data = {
        "text": now.text,
        "hidden": list(now.hidden),
        "label": label,
        "words": [shorten(word) for word in words],
        "marks": marks,
        "unknown": [bool(flag) for flag in unknown],
        "note": "Press a token to mask it. Dashed: not in the vocabulary." if words else "",
        "version": version,
    }
    mount_reporting(_TYPED, data, key=key, defaults={"typed": json.dumps({"text": start, "hidden": list(now.hidden)})})
    return now


def shorten(word: str) -> str:
    """Return a token cut to the display limit."""
    return word if len(word) <= MAX_TOKEN_LETTERS else word[: MAX_TOKEN_LETTERS - 2] + " …"
