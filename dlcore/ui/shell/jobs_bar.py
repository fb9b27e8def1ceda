"""The jobs bar on every page: running, queued and paused jobs with progress and buttons to pause, resume or stop."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from dlcore import runs
from dlcore.runs.record import Record
from dlcore.runs.search import searches
from dlcore.runs.search.searches import Search
from dlcore.ui.shell.error_boundary import fragment
from dlcore.ui.shell.links import link_to_run, link_to_search
from dlcore.ui.shell.menu import title_of
from dlcore.ui.shell.states import STATE_STYLE, state_style
from dlcore.ui.shell.times import format_remaining
from dlcore.ui.shell.titles import model_title
from dlcore.ui.widgets import run_actions

EVERY = 1.5
"""Seconds between updates while a job is active."""
_MOST, _MOST_PAUSED = 4, 2


@dataclass(frozen=True)
class Jobs:
    """Active runs, paused runs, and active searches."""

    active: list[Record]
    paused: list[Record]
    searches: list[Search]


def show() -> None:
    """Draw the bar; without jobs, nothing is drawn, and without active ones no timer runs."""
    jobs = _read_jobs()
    first = [jobs]  # a timer reads them again
    count = len(jobs.active) + len(jobs.searches)

    def draw() -> None:
        _draw_jobs(first.pop() if first else _read_jobs(), before=count)

    fragment(draw, run_every=EVERY if count else None)()


def active_jobs() -> list[Record]:
    """Return the running runs, then the queued ones."""
    return runs.list_active()


def _read_jobs() -> Jobs:
    return Jobs(*runs.list_jobs(), searches.active())


def _draw_jobs(jobs: Jobs, *, before: int) -> None:
    active, paused, searching = jobs.active, jobs.paused, jobs.searches
    if before and not (active or searching):
        st.rerun()
    if not (active or searching or paused):
        return
    with st.container(key="jobs-bar", gap="small"):
        for search in searching:
            _search(search)
        for record in active[:_MOST]:
            _job(record)
        if len(active) > _MOST:
            st.caption(_describe_more(active[_MOST:]))
        for record in paused[:_MOST_PAUSED]:
            _job(record)
        if len(paused) > _MOST_PAUSED:
            st.caption(f"and {len(paused) - _MOST_PAUSED} more paused")


def _describe_more(records: Sequence[Record]) -> str:
    running = sum(record.state == "running" for record in records)
    counts = {"running": running, "queued": len(records) - running}
    return f"and {' and '.join(f'{count} more {state}' for state, count in counts.items() if count)}"


def _job(record: Record) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        link_to_run(record, label=f"{state_style(record).word}: {_title(record)}")
        if record.doing:
            st.progress(record.doing_share, text=record.doing)
        elif record.state == "running":
            st.progress(fraction(record), text=progress_text(record))
        else:
            st.html(f'<span class="dl-job">{html.escape(state_style(record).meaning)}</span>')
        run_actions.action_buttons(record, key="jobs-bar", compact=True)


def _search(search: Search) -> None:
    """Draw a search; it is paused on its own page, next to its trials."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        state, config = STATE_STYLE[search.state], search.config
        title = f"Search: {title_of(config.project)} · {model_title(config.project, config.model)}"
        link_to_search(config.project, search.search_id, label=title, icon=state.icon)
        if search.state == "running":
            st.progress(
                min(1.0, search.n_finished / search.n_trials), text=f"{search.n_finished} of {search.n_trials} trials"
            )
        else:
            st.html(f'<span class="dl-job">{html.escape(state.meaning)}</span>')


def _title(record: Record) -> str:
    return f"{title_of(record.project)} · {model_title(record.project, record.model)}"


def fraction(record: Record) -> float:
    """Return the completed share of the run, between 0 and 1."""
    return min(1.0, max(0.0, record.step / record.steps)) if record.steps else 0.0


def progress_text(record: Record) -> str:
    """Return the current epoch, or the completed ones, and the time left."""
    if record.state != "running":
        return f"{record.epoch} of {record.epochs} epochs done"
    remaining = format_remaining(record.step, record.steps, record.duration_s)
    epoch = f"epoch {min(record.epoch + 1, record.epochs)} of {record.epochs}"
    return f"{epoch}, {remaining}" if remaining else epoch
