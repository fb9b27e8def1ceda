"""Draw settings as widgets; bounds, unit and help come from the config's fields."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import streamlit as st

from dlcore.core.config import Field

_ACRONYMS = {"lr": "LR", "id": "ID", "mlp": "MLP"}


def setting_widget(field: Field, value: Any, *, key: str, keep: bool = False) -> Any:
    """Draw the widget of one setting, starting from `value`, and return its current value; `keep` preserves it
    while another panel is open.
    """
    text, note = setting_label(field), setting_help(field)
    hold: Literal["session"] | None = "session" if keep else None
    if field.kind == "choice":
        index = field.choices.index(str(value)) if str(value) in field.choices else 0
        return st.selectbox(text, field.choices, index=index, key=key, help=note, persist_state=hold)
    if field.kind == "bool":
        return st.toggle(text, value=bool(value), key=key, help=note, persist_state=hold)
    if field.kind == "int":
        low, high = _whole(field.low), _whole(field.high)
        return st.number_input(
            text, low, high, None if value is None else int(value), 1, key=key, help=note, persist_state=hold
        )
    if field.kind == "float":
        start = None if value is None else float(value)
        return st.number_input(
            text, field.low, field.high, start, _step(field, start), format="%g", key=key, help=note, persist_state=hold
        )
    return st.text_input(text, value=str(value), key=key, help=note, persist_state=hold)


def setting_widgets(fields: Sequence[Field], values: Mapping[str, Any], *, key: str) -> dict[str, Any]:
    """Draw several settings; returns those that differ from `values`."""
    changed = {}
    for field in fields:
        start = values.get(field.name, field.default)
        now = setting_widget(field, start, key=f"{key}-{field.name}")
        if now != start and (now is not None or field.optional):
            changed[field.name] = now
    return changed


def setting_label(field: Field) -> str:
    """Return a setting's display name with its unit."""
    words = [_ACRONYMS.get(word, word) for word in field.name.split("_")]
    name = " ".join(words)
    name = name[0].upper() + name[1:]
    return f"{name} ({field.unit})" if field.unit else name


def setting_help(field: Field) -> str:
    """Return a setting's help with its bounds."""
    if field.low is None or field.high is None:
        return field.help
    return f"{field.help} From {field.low:g} to {field.high:g}{f' {field.unit}' if field.unit else ''}."


def _whole(bound: float | None) -> int | None:
    return None if bound is None else int(bound)


def _step(field: Field, value: float | None) -> float:
    if field.log and value:
        return value
    reach = (field.high or 1.0) - (field.low or 0.0)
    return 0.05 if reach <= 2 else 1.0
