"""The problems of a file as a list, each once, with a selection of its repairs."""

from typing import Any

import streamlit as st

from dlcore.core.markdown import as_text
from dlcore.data.repairs import Problem


def show_problems(problems: tuple[Problem, ...], *, store: str, key: str) -> None:
    """Draw the problems that have choices; a choice is written to the dict in the session at `store`.

    A problem starts on its default, one without a default on "Choose".
    """
    undecided = sum(not problem.default and not problem.selected for problem in problems if problem.choices)
    st.caption(
        "Saving applies the repairs that are selected here. Each is named in the receipt."
        + (f" {undecided} to decide." if undecided else "")
    )
    for problem in problems:
        if problem.choices:
            with st.container(border=True):
                _show_problem(problem, store=store, key=f"{key}-repair-{problem.kind}")


def _show_problem(problem: Problem, *, store: str, key: str) -> None:
    left, right = st.columns([3, 2], vertical_alignment="center")
    with left, st.container(gap="xxsmall"):
        st.text(problem.message)
        facts = [f"{problem.count:,} {'case' if problem.count == 1 else 'cases'}"]
        facts += [f"first: {problem.where}"] if problem.where else []
        facts += [f"for example “{problem.example}”"] if problem.example else []
        facts += [] if problem.repair else [f"the preview shows {problem.choices[0]}"]
        st.caption(as_text(", ".join(facts)))
    with right:
        _choose_repair(problem, store=store, key=key)


def _choose_repair(problem: Problem, *, store: str, key: str) -> None:
    choices = [*problem.choices]
    current = problem.repair
    start = next((choice for choice in choices if _name(choice) == _name(current)), None) if current else None
    if start is None and current:
        choices.append(current)  # a free text
        start = current
    choice = st.selectbox(
        f"Repair of {problem.kind.replace('_', ' ')}",
        choices,
        index=None if start is None else choices.index(start),
        key=key,
        placeholder="Choose or type" if problem.free else "Choose",
        format_func=lambda choice: _label(choice, problem),
        accept_new_options=problem.free,
        on_change=_remember,
        args=(store, problem.kind, key),
    )
    if choice in problem.choices and ":" in choice:
        _choose_value(problem, choice, store=store, key=key)


def _choose_value(problem: Problem, choice: str, *, store: str, key: str) -> None:
    """Draw the value of a repair, such as 6 of `interpolate:6`."""
    value = problem.repair.partition(":")[2] if _name(problem.repair) == _name(choice) else ""
    value = value or choice.partition(":")[2]
    title, value_key = f"Value of {_name(choice)}", _value_key(key, choice)
    remember: dict[str, Any] = {"on_change": _remember, "args": (store, problem.kind, key)}
    if value.isdigit():
        st.number_input(title, min_value=0, value=int(value), step=1, key=value_key, **remember)
    else:
        st.text_input(title, value, key=value_key, **remember)


def _remember(store: str, kind: str, key: str) -> None:
    """Write the repair that the widgets show to the session."""
    choice = st.session_state.get(key)
    if choice and ":" in choice:
        value = st.session_state.get(_value_key(key, choice))
        choice = choice if value in (None, "") else f"{_name(choice)}:{value}"
    _, choices = st.session_state[store]
    choices[kind] = choice or ""


def _value_key(key: str, choice: str) -> str:
    return f"{key}-{_name(choice)}"


def _name(choice: str) -> str:
    return choice.partition(":")[0]


def _label(choice: str, problem: Problem) -> str:
    name = _name(choice) if choice in problem.choices else choice
    return f"{name} (default)" if choice == problem.default else name
