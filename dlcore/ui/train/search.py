"""A hyperparameter search as it runs: best trial, all trials, importances, and a run trained from the best."""

import html
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from dlcore import runs
from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import error_line
from dlcore.plots import search as plots
from dlcore.projects.command import command_line
from dlcore.runs.search import searches
from dlcore.runs.search.searches import Search
from dlcore.runs.search.study import Trial
from dlcore.ui.shell import style
from dlcore.ui.shell.cache import cache_data
from dlcore.ui.shell.error_boundary import fragment, with_error_boundary
from dlcore.ui.shell.run_picker import remember_run
from dlcore.ui.shell.states import COMMAND_STYLE, STATE_STYLE
from dlcore.ui.shell.times import format_age, format_duration
from dlcore.ui.train import search_form
from dlcore.ui.train.search_form import ADDRESS
from dlcore.ui.widgets import run_actions
from dlcore.ui.widgets.figure import show_figure

if TYPE_CHECKING:
    from dlcore.projects.project import Project

REFRESH_SECONDS = 2.0
"""Interval between two reads of an active search."""
MORE_TRIALS = 10
STATE_HELP = {
    "finished": "All trials are finished.",
    "running": "Trials run in the background. You may close this tab.",
}


def show(project: "Project") -> None:
    """Render the chosen search, and the form of a new one beside it."""
    view, form = st.columns([2, 1], gap="large")
    with form, st.container(border=True, key="new-search"):
        with_error_boundary(lambda: search_form.show(project))
    with view:
        with_error_boundary(lambda: _choose(project))


def _choose(project: "Project") -> None:
    searches_by_id = {search.search_id: search for search in searches.list_searches(project.slug)}
    if not searches_by_id:
        st.info(
            "No hyperparameter search yet. A search trains the model with many settings and learns which to try next. "
            "It compares trials on validation data only; no trial sees test data.",
            icon=":material/travel_explore:",
        )
        return
    ids, requested = list(searches_by_id), st.query_params.get(ADDRESS, "")
    search_id = st.selectbox(
        "Search",
        ids,
        index=ids.index(requested) if requested in ids else 0,
        key=f"searches-{project.slug}-{requested}-{len(ids)}",
        format_func=lambda key: _title(project, searches_by_id[key]),
    )
    is_active = searches_by_id[search_id].is_active
    fragment(_follow, run_every=REFRESH_SECONDS if is_active else None)(project, search_id, is_active)


def _title(project: "Project", search: Search) -> str:
    model = project.models[search.config.model].title
    return f"{model}, {search.n_finished} of {search.n_trials} trials · {format_age(search.created)}"


def _follow(project: "Project", search_id: str, was_active: bool) -> None:
    search = searches.open_search(search_id)
    if search.is_active != was_active:
        st.rerun()
    _state(search)
    if search.best is not None:
        _best(project, search)
    if search.trials:
        with_error_boundary(lambda: _figures(search))
        _table(search)


def _state(search: Search) -> None:
    state_style = COMMAND_STYLE["pause"] if search.is_pausing else STATE_STYLE[search.state]
    reason = search.reason[:1].upper() + search.reason[1:]
    text = STATE_HELP.get(search.state, "" if search.reason else state_style.meaning) or reason
    if search.is_pausing:
        text = "The workers save checkpoints first."
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.badge(state_style.word, icon=state_style.icon, color=state_style.color)
        st.html(f'<p class="dl-state">{html.escape(text)}</p>', width="stretch")
        _actions(search)
    counts = {state: sum(trial.state == state for trial in search.trials) for state in ("pruned", "failed")}
    details = "".join(f", {count} {state}" for state, count in counts.items() if count or state == "pruned")
    st.progress(
        min(1.0, search.n_finished / search.n_trials), text=f"{search.n_finished} of {search.n_trials} trials{details}"
    )


def _actions(search: Search) -> None:
    key = search.search_id
    if search.is_pausing:
        return
    if search.is_active:
        _button("Pause", ":material/pause:", f"pause-{key}", lambda: searches.pause(key))
        return
    if search.n_finished < search.n_trials:
        _button("Resume", ":material/play_arrow:", f"resume-{key}", lambda: searches.resume(key))
    elif (total := search.n_trials + MORE_TRIALS) <= searches.MAX_TRIALS:
        label = f"Add {MORE_TRIALS} trials"
        _button(label, ":material/add:", f"more-{key}", lambda: searches.resume(key, n_trials=total))
    _button("Delete", ":material/delete:", f"delete-{key}", lambda: searches.delete(key))


def _button(label: str, icon: str, key: str, perform: Callable[[], object]) -> None:
    if st.button(label, icon=icon, key=key):
        try:
            perform()
        except WorkbenchError as error:
            st.toast(error_line(error), icon=":material/error:")
            return
        st.rerun()


def _best(project: "Project", search: Search) -> None:
    best = search.best
    assert best is not None and best.value is not None
    params = [(name.replace("_", " "), format_setting(value), "") for name, value in best.params.items()]
    note = f"{search.metric.replace('_', ' ')}, trial {best.number}{_preset_value(search)}"
    style.summary_row([("Best value", f"{best.value:.4g}", note), *params])
    mixed = (
        " Trials used different validation samples: ignore small differences." if search.has_mixed_validation else ""
    )
    st.caption(
        f"Chosen on validation data ({'higher' if search.mode == 'max' else 'lower'} is better). The best of many "
        "trials is partly luck, and no trial saw test data. Train it as a run to measure it on test data."
        f"{mixed}"
    )
    if st.button("Train best trial", icon=":material/model_training:", key=f"best-{search.search_id}"):
        run_id = run_actions.launch_run(lambda: runs.create(searches.best_config(search)))
        if run_id:
            remember_run(project.slug, run_id)
            st.query_params.pop(ADDRESS, None)
            st.rerun()
    with st.expander("Command to train the best trial", icon=":material/terminal:"):
        st.code(command_line(searches.best_config(search)), language="bash", wrap_lines=True)


def _preset_value(search: Search) -> str:
    """Return the value of the first trial for the note, if it has exactly the settings of the preset."""
    first, settings = search.trials[0], search.config.flat
    is_preset = (
        first.number == 0
        and first.state == "complete"
        and all(parameter.holds(settings[parameter.name]) for parameter in search.search_space)
    )
    return f"; preset {first.value:.4g}" if is_preset and first.value is not None else ""


def _figures(search: Search) -> None:
    trials = [trial for trial in search.trials if trial.value is not None and np.isfinite(trial.value)]
    if not trials:
        st.caption("The first figure appears when the first trial is finished.")
        return
    values = np.array([trial.value for trial in trials], dtype=np.float64)
    is_complete = np.array([trial.state == "complete" for trial in trials])
    metric, maximize, key = search.metric.replace("_", " "), search.mode == "max", search.search_id
    numbers = np.array([trial.number for trial in trials])
    log = bool((values > 0).all() and values.max() > 20 * values.min())
    figure = plots.history(numbers, values, is_complete=is_complete, metric=metric, maximize=maximize, log=log)
    show_figure(
        figure, key=f"trials-{key}", alt=f"Optimization history: {metric} of {len(trials)} trials, and the best"
    )
    if outliers := plots.count_outliers(values, maximize=maximize, log=log):
        st.caption(f"{outliers} outliers are drawn at the edge. Hover to read their values.")
    if len(search.search_space) > 1 and is_complete.any():
        complete = [trial for trial in trials if trial.state == "complete"]
        axes = [plots.Axis(p.name, p.low, p.high, p.log, p.choices) for p in search.search_space]
        params = [dict(trial.params) for trial in complete]
        figure = plots.parallel(axes, params, values[is_complete], metric=metric, maximize=maximize)
        show_figure(
            figure, key=f"parallel-{key}", alt="Parallel coordinates of the complete trials, the best one thick"
        )
        st.caption(
            "Complete trials; better ones are stronger, the best one thick. Parameters that fan out matter little."
        )
    _importances(search, int(is_complete.sum()))


def _importances(search: Search, n_complete: int) -> None:
    shares = _cached_importances(search.search_id, n_complete, search)
    if not shares:
        st.caption("Hyperparameter importances need more complete trials than parameters, with different values.")
        return
    figure = plots.importances({name.replace("_", " "): share for name, share in shares.items()})
    alt = f"Hyperparameter importances; the largest is {next(iter(shares))}"
    show_figure(figure, key=f"matters-{search.search_id}", alt=alt)
    st.caption(
        f"Share of the variance between {n_complete} complete trials that a parameter explains, alone and in "
        "interactions (fANOVA). A rough estimate with few trials."
    )


@cache_data(max_entries=32, show_spinner=False)
def _cached_importances(search_id: str, n_complete: int, _search: Search) -> dict[str, float]:
    return searches.importances(_search)


def _table(search: Search) -> None:
    with st.expander("All trials", icon=":material/table_rows:"):
        rows = pd.DataFrame([_row(search, trial) for trial in search.trials])
        st.dataframe(rows, hide_index=True, width="stretch", alt="State, value and params of every trial")


def _row(search: Search, trial: Trial) -> dict[str, object]:
    return {
        "Trial": trial.number,
        search.metric.replace("_", " "): f"{trial.value:.5g}" if trial.value is not None else "–",
        "State": f"{trial.state}{': ' + trial.reason if trial.state == 'failed' else ''}",
        "Epochs": len(trial.intermediate_values),
        "Time": format_duration(trial.seconds) if trial.seconds else "–",
        **{
            parameter.name: format_setting(trial.params[parameter.name]) if parameter.name in trial.params else "–"
            for parameter in search.search_space
        },
    }


def format_setting(value: object) -> str:
    """Format a setting with three significant digits."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
