"""A run as it trains: state, progress, curves, gradients, log, and actions."""

import html
from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from dlcore import runs
from dlcore.runs import ACTIVE, Record, Run
from dlcore.runs.views.curves import run_curves
from dlcore.ui.components.curves.component import show_curves, show_gradients
from dlcore.ui.shell.error_boundary import fragment, with_error_boundary
from dlcore.ui.shell.jobs_bar import fraction, progress_text
from dlcore.ui.shell.run_picker import forget_run, list_records, remember_run
from dlcore.ui.shell.states import describe_state, short_id, state_style
from dlcore.ui.shell.times import format_duration
from dlcore.ui.shell.titles import model_title
from dlcore.ui.train import diagnosis
from dlcore.ui.train.new_run import begin_fork
from dlcore.ui.widgets import export_import, run_actions

if TYPE_CHECKING:
    from dlcore.projects.project import Project

_FORK_HELP = "Start a new run with these settings, some of them changed."
REFRESH_SECONDS = 1.0
"""Interval between two reads of an active run."""


def show(project: "Project", run: Run, *, more: Callable[[Run], None] | None = None) -> None:
    """Render the run, and refresh it while it is active; `more` renders its gradients in place of the heat map."""
    state = run.record.state
    fragment(_follow, run_every=REFRESH_SECONDS if state in ACTIVE else None)(project.slug, run.run_id, state, more)
    export_import.export_run_panel(run)


def _follow(slug: str, run_id: str, previous_state: str, more: Callable[[Run], None] | None) -> None:
    run = runs.open_run(run_id)
    record = run.record
    if record.state != previous_state:
        st.rerun()
    with_error_boundary(lambda: _state(slug, record, run))
    with_error_boundary(lambda: _curves(slug, run, record))
    if not record.is_watched:  # their page shows it with the gradients
        with_error_boundary(lambda: diagnosis.show(slug, run))
    with_error_boundary(lambda: more(run) if more else _gradients(slug, run))
    if not record.is_watched:
        with_error_boundary(lambda: _log(run))


def _state(slug: str, record: Record, run: Run) -> None:
    state = state_style(record)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.badge(state.word, icon=state.icon, color=state.color)
        st.html(f'<p class="dl-state">{html.escape(describe_state(record))}</p>', width="stretch")
        _next_steps(slug, record, run)
    if record.doing:
        st.progress(record.doing_share, text=_capital(record.doing))
    elif record.steps and record.state not in ("finished", "stopped"):
        st.progress(fraction(record), text=_capital(progress_text(record)))


def _next_steps(slug: str, record: Record, run: Run) -> None:
    is_out_of_memory = record.state == "failed" and "out of memory" in record.reason.lower()
    if is_out_of_memory:
        _retry(slug, run)
    run_actions.action_buttons(record, key="live", first=not is_out_of_memory)
    if not record.is_watched and st.button(
        "Fork",
        icon=":material/call_split:",
        key=f"fork-{record.run_id}",
        help=_FORK_HELP,
    ):
        begin_fork(slug, record.run_id)
        st.rerun()
    run_actions.delete_button(record, lambda: _forget(slug))


def _forget(slug: str) -> None:
    forget_run(slug)
    st.toast("Deleted.", icon=":material/delete:")
    st.rerun()


def _retry(slug: str, run: Run) -> None:
    half = max(2, run.config.training.batch_size // 2)
    if st.button(
        "Retry with half the batch size",
        type="primary",
        icon=":material/replay:",
        key=f"half-{run.run_id}",
        help=f"Fork this run with batch size {half}.",
    ):
        forked = run_actions.launch_run(lambda: runs.fork(run.run_id, {"batch_size": half}))
        if forked:
            remember_run(slug, forked)
            st.rerun()


def _competitors(slug: str, record: Record) -> tuple[str, ...]:
    records = {each.run_id: each for each in list_records(slug) if each.run_id != record.run_id and each.epoch}
    if not records:
        return ()
    return tuple(
        st.multiselect(
            "Compare with",
            list(records),
            key=f"compare-{slug}",
            bind="query-params",
            max_selections=5,
            placeholder="Other runs",
            format_func=lambda run_id: _name(records[run_id]),
        )
    )


def _curves(slug: str, run: Run, record: Record) -> None:
    figure = st.container()
    competitors = [runs.open_run(run_id) for run_id in _competitors(slug, record)]
    curves = [run_curves(each.record, each.history(), label=_name(each.record)) for each in (run, *competitors)]
    with figure:
        show_curves(curves, key=f"curves-{slug}")


def _name(record: Record) -> str:
    """Return the name of a run in a legend."""
    name = "reference" if record.is_reference else short_id(record.run_id)
    return f"{model_title(record.project, record.model)} · {name}"


def _gradients(slug: str, run: Run) -> None:
    norms = run.gradients()
    if norms is None or not len(norms.steps):
        return
    st.markdown("**Gradient norm per layer**")
    st.caption("First layer on top. Dark layers: vanishing gradient. A column that turns bright: exploding gradient.")
    show_gradients(norms, key=f"gradients-{slug}")


def _log(run: Run) -> None:
    with st.expander("Log", icon=":material/article:"):
        text = run.log_tail(200)
        st.code(text or "The log is empty.", language=None, wrap_lines=True, height=260 if text else "content")
        record = run.record
        st.caption(
            f"Trained {format_duration(record.duration_s)} on {record.device}, seed {record.seed}. {run.config.sharing}"
        )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
