"""One run as it trains: state in plain words, progress, curves, gradients, log, and what can be done next."""

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from dlcore import runs
from dlcore.runs import ACTIVE, Curve, Record, Run
from dlcore.ui.components.curves.component import Mark, RunCurves, learning_rate_marks, show_curves, show_gradients
from dlcore.ui.shell.error_boundary import fragment, with_error_boundary
from dlcore.ui.shell.jobs_bar import fraction, progress_text
from dlcore.ui.shell.run_picker import list_records, remember_run
from dlcore.ui.shell.states import describe_state, short_id, state_style
from dlcore.ui.shell.times import format_duration
from dlcore.ui.train.new_run import begin_fork
from dlcore.ui.widgets import export_import, run_actions

if TYPE_CHECKING:
    from dlcore.projects.project import Project

_FORK = "Start a new run from this one's settings, with some of them changed."
EVERY = 1.0
"""Seconds between two looks at a run that trains."""


def show(project: "Project", run: Run) -> None:
    """Draw the run; while it is active the drawing follows it."""
    state = run.record.state
    fragment(_watch, run_every=EVERY if state in ACTIVE else None)(project.slug, run.run_id, state)
    export_import.export_run_panel(run)


def _watch(slug: str, run_id: str, before: str) -> None:
    run = runs.open_run(run_id)
    record = run.record
    if record.state != before:
        st.rerun()
    with_error_boundary(lambda: _state(slug, record, run))
    with_error_boundary(lambda: _curves(slug, run, record))
    with_error_boundary(lambda: _gradients(slug, run))
    with_error_boundary(lambda: _log(run))


def _state(slug: str, record: Record, run: Run) -> None:
    state = state_style(record)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.badge(state.word, icon=state.icon, color=state.colour)
        st.html(f'<p class="dl-state">{html.escape(describe_state(record))}</p>', width="stretch")
        _next_steps(slug, record, run)
    if record.doing and record.state == "running":
        st.progress(0.0, text=record.doing)
    elif record.steps and record.state not in ("finished", "stopped"):
        st.progress(fraction(record), text=_capital(progress_text(record)))


def _next_steps(slug: str, record: Record, run: Run) -> None:
    memory = record.state == "failed" and "out of memory" in record.reason.lower()
    if memory:
        _retry(slug, run)
    run_actions.action_buttons(record, key="live", first=not memory)
    if st.button("Fork", icon=":material/call_split:", key=f"fork-{record.run_id}", help=_FORK):
        begin_fork(slug, record.run_id)
        st.rerun()


def _retry(slug: str, run: Run) -> None:
    half = max(1, run.config.training.batch_size // 2)
    if st.button(
        "Retry with half the batch",
        type="primary",
        icon=":material/replay:",
        key=f"half-{run.run_id}",
        help=f"Fork this run with a batch of {half}.",
    ):
        forked = run_actions.launch_run(lambda: runs.fork(run.run_id, {"batch_size": half}))
        if forked:
            remember_run(slug, forked)
            st.rerun()


def _compared(slug: str, record: Record) -> tuple[str, ...]:
    others = {other.run_id: other for other in list_records(slug) if other.run_id != record.run_id and other.epoch}
    if not others:
        return ()
    return tuple(
        st.multiselect(
            "Compare with",
            list(others),
            key=f"compare-{slug}",
            max_selections=5,
            placeholder="Other runs",
            format_func=lambda run_id: _name(others[run_id]),
        )
    )


def _curves(slug: str, run: Run, record: Record) -> None:
    place = st.container()
    others = [runs.open_run(other) for other in _compared(slug, record)]
    drawn = [_drawn(record, run.history()), *(_drawn(other.record, other.history()) for other in others)]
    with place:
        show_curves(drawn, key=f"curves-{slug}")


def _name(record: Record) -> str:
    """A run in a legend: short, and the same whatever its state."""
    return f"{record.model.replace('_', ' ')} · {'reference' if record.is_reference else short_id(record.run_id)}"


def _drawn(record: Record, history: Mapping[str, Curve]) -> RunCurves:
    return RunCurves(
        run_id=record.run_id,
        label=_name(record),
        history=history,
        steps_per_epoch=record.steps_per_epoch,
        batch_size=record.batch_size,
        best=record.best,
        marks=(*learning_rate_marks(history), *_resumed(history), *_early_stop(record)),
    )


def _resumed(history: Mapping[str, Curve]) -> tuple[Mark, ...]:
    curve = history.get("resumed")
    return tuple(Mark(int(step), "resumed") for step in curve.steps) if curve else ()


def _early_stop(record: Record) -> tuple[Mark, ...]:
    ended = record.state == "finished" and 0 < record.epoch < record.epochs
    return (Mark(record.epoch * record.steps_per_epoch, "early stop"),) if ended else ()


def _gradients(slug: str, run: Run) -> None:
    norms = run.gradients()
    if norms is None or not len(norms.steps):
        return
    st.markdown("**Norm of the gradient by layer**")
    st.caption(
        "How strongly each layer is told to change, first layer on top. Dark layers hardly learn (the gradient "
        "vanishes); a column that turns bright all at once is a step that went too far."
    )
    show_gradients(norms, key=f"gradients-{slug}")


def _log(run: Run) -> None:
    with st.expander("Log", icon=":material/article:"):
        text = run.log_tail(200)
        st.code(text or "The log is empty so far.", language=None, wrap_lines=True, height=260 if text else "content")
        record = run.record
        st.caption(f"Trained {format_duration(record.duration_s)} on {record.device}, seed {record.seed}.")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
