"""The run picker of a page: reference runs and your runs, newest first; the choice is in the URL as `?run=`."""

from collections.abc import Collection, Sequence

import streamlit as st

from dlcore import runs
from dlcore.core.errors import WorkbenchError
from dlcore.runs import Record, Run
from dlcore.ui.shell.states import short_id, state_style
from dlcore.ui.shell.times import format_age
from dlcore.ui.shell.titles import data_title, model_title


def choose_run(slug: str, *, opens_on: str = "") -> Run | None:
    """Draw the picker of a project's runs and return the chosen run; None if there is none.

    `opens_on` names the reference run that is selected first.
    """
    records = list_records(slug)
    if not records:
        return None
    labels = {record.run_id: label(record) for record in records}
    run_id = _from_url(labels) or st.session_state.get(f"last-run-of-{slug}", "")
    if run_id not in labels:
        run_id = first_choice(records, opens_on)
    _warn_if_unknown(st.query_params.get("run", ""), labels)
    # The browser reports the label, and labels change with state and age: new labels need a new widget.
    key = f"run-of-{slug}-{hash(tuple(labels.items()))}"
    if st.session_state.get(key) != run_id:  # the browser's back and forward change the URL only
        st.session_state[key] = run_id
    st.selectbox(
        "Run",
        list(labels),
        key=key,
        format_func=labels.__getitem__,
        on_change=_follow,
        args=(slug, key),
        label_visibility="collapsed",
    )
    st.session_state[_current_picker(slug)] = key
    remember_run(slug, run_id)
    return runs.open_run(run_id)


def list_records(slug: str) -> list[Record]:
    """Return a project's runs: running and queued ones, then reference runs, then all others, newest first.

    Runs that the user hides are left out, unless the URL names them.
    """
    requested = st.query_params.get("run", "")
    records = [record for record in runs.list_runs(slug) if not record.is_hidden or record.run_id == requested]
    references = [run.record for run in runs.references(slug)]
    running = [record for record in records if record.state == "running"]
    queued = [record for record in records if record.state == "queued"]
    return [*running, *queued, *references, *(record for record in records if record.state not in runs.ACTIVE)]


def first_choice(records: Sequence[Record], opens_on: str = "") -> str:
    """Return the run a page opens on: a running run, else a queued one, the named reference run, or the first one."""
    named = (record.run_id for record in records if opens_on and record.run_id.endswith(f"/{opens_on}"))
    return records[0].run_id if records[0].state in runs.ACTIVE else next(named, records[0].run_id)


def remember_run(slug: str, run_id: str) -> None:
    """Store the choice in the URL and for the next visit to this page."""
    st.session_state[f"last-run-of-{slug}"] = run_id
    if st.query_params.get("run") != run_id:
        st.query_params["run"] = run_id


def forget_run(slug: str) -> None:
    """Remove the choice, so that the page opens on its first run again."""
    st.session_state.pop(f"last-run-of-{slug}", None)
    st.query_params.pop("run", None)


def label(record: Record) -> str:
    """Return a run in one line: state, model, score, age and id, data. A narrow picker cuts the end off."""
    state = state_style(record)
    model = model_title(record.project, record.model)
    parts = [f"{state.sign} {state.word}", record.name, model, record.score]
    if not record.is_reference:
        parts += [format_age(record.created), short_id(record.run_id), record.preset]
    parts.append(data_title(record.dataset))
    return " · ".join(part for part in parts if part)


def _from_url(known: Collection[str]) -> str:
    prefix = st.query_params.get("run", "")
    if prefix in known or not prefix:
        return prefix
    matches = [run_id for run_id in known if run_id.startswith(prefix)]
    return matches[0] if len(matches) == 1 else ""


def _warn_if_unknown(run_id: str, known: Collection[str]) -> None:
    """Warn if `?run=` names an unknown run; ignore runs of another part of the page."""
    if not run_id or _from_url(known):
        return
    try:
        runs.open_run(run_id)
    except WorkbenchError:
        st.toast(
            "The run in the URL does not exist here: it was created elsewhere or deleted. Another run is shown.",
            icon=":material/link_off:",
            duration="long",
        )


def _follow(slug: str, key: str) -> None:
    """Update the URL; ignore pickers that are no longer drawn: they may report their old value once more."""
    if st.session_state.get(_current_picker(slug)) == key:
        st.query_params["run"] = st.session_state[key]


def _current_picker(slug: str) -> str:
    return f"run-picker-of-{slug}"
