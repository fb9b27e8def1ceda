"""One choice among a few options, all of them visible."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import streamlit as st

Option = TypeVar("Option")


def choose(
    label: str,
    options: Iterable[Option],
    *,
    key: str,
    default: Option | None = None,
    format_func: Callable[[Any], str] = str,
    in_url: bool = True,
    show_label: bool = False,
    **layout: Any,
) -> Option:
    """Draw the options in a row and return the selected one, at first `default` or the first option.

    The choice is kept in the address, unless `in_url` is false; screen readers read a hidden label. `layout` are
    further arguments of `st.segmented_control`.
    """
    names = list(options)
    first = names[0] if default is None else default
    selected = st.segmented_control(
        label,
        names,
        default=first,
        required=True,
        key=key,
        format_func=format_func,
        bind="query-params" if in_url else None,
        label_visibility="visible" if show_label else "collapsed",
        **layout,
    )
    return first if selected is None else selected
