"""A search over settings as it goes on: the best so far, every trial, what matters, and a run made of the best."""

import html
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from dlcore import runs
from dlcore.core.errors import WorkbenchError, one_line
from dlcore.plots import search as plots
from dlcore.projects.command import command_line
from dlcore.runs.search import searches
from dlcore.runs.search.searches import Search
from dlcore.runs.search.study import Trial
from dlcore.ui.shell import style
from dlcore.ui.shell.error_boundary import fragment, with_error_boundary
from dlcore.ui.shell.run_picker import remember_run
from dlcore.ui.shell.states import STATE_STYLE
from dlcore.ui.shell.times import format_age, format_duration
from dlcore.ui.train import search_form
from dlcore.ui.train.search_form import ADDRESS
from dlcore.ui.widgets import run_actions
from dlcore.ui.widgets.figure import show_figure

if TYPE_CHECKING:
    from dlcore.projects.project import Project

EVERY = 2.0
"""Seconds between two looks at a search that goes on."""
MEANING = {
    "finished": "Every trial came to its end.",
    "running": "Trials are trained in processes of their own: you may close this tab.",
}


def show(project: "Project") -> None:
    """The chosen search, and beside it the form that starts one."""
    view, form = st.columns([2, 1], gap="large")
    with form, st.container(border=True, key="new-search"):
        with_error_boundary(lambda: search_form.show(project))
    with view:
        with_error_boundary(lambda: _chosen(project))


def _chosen(project: "Project") -> None:
    known = {search.search_id: search for search in searches.list_searches(project.slug)}
    if not known:
        st.info(
            "No search yet. One trains the model many times, each time with other settings, and learns from those "
            "before which to try next. It goes by validation alone: no trial looks at test data.",
            icon=":material/travel_explore:",
        )
        return
    asked = st.query_params.get(ADDRESS, "")
    search_id = st.selectbox(
        "Search",
        list(known),
        index=list(known).index(asked) if asked in known else 0,
        key=f"searches-{project.slug}-{asked}-{len(known)}",
        format_func=lambda key: _title(project, known[key]),
    )
    active = known[search_id].is_active
    fragment(_watch, run_every=EVERY if active else None)(project, search_id, active)


def _title(project: "Project", search: Search) -> str:
    model = project.models[search.config.model].title
    return f"{model}, {search.done} of {search.trials} trials · {format_age(search.created)}"


def _watch(project: "Project", search_id: str, before: bool) -> None:
    search = searches.open_search(search_id)
    if search.is_active != before:
        st.rerun()
    _state(search)
    if search.best is not None:
        _best(project, search)
    if search.attempts:
        with_error_boundary(lambda: _pictures(search))
        _table(search)


def _state(search: Search) -> None:
    look = STATE_STYLE[search.state]
    reason = search.reason[:1].upper() + search.reason[1:]
    said = MEANING.get(search.state, "" if search.reason else look.meaning) or reason
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.badge(look.word, icon=look.icon, color=look.colour)
        st.html(f'<p class="dl-state">{html.escape(said)}</p>', width="stretch")
        key = search.search_id
        if search.is_active:
            _button("Pause", ":material/pause:", f"pause-{key}", lambda: searches.pause(key))
        else:
            if search.done < search.trials:
                _button("Resume", ":material/play_arrow:", f"resume-{key}", lambda: searches.resume(key))
            elif search.trials + 10 <= searches.MOST_TRIALS:
                more = search.trials + 10
                _button("10 more", ":material/add:", f"more-{key}", lambda: searches.resume(key, trials=more))
            _button("Delete", ":material/delete:", f"delete-{key}", lambda: searches.delete(key))
    early = sum(one.state == "pruned" for one in search.attempts)
    failed = sum(one.state == "failed" for one in search.attempts)
    told = f"{search.done} of {search.trials} trials, {early} of them ended early" + (
        f", {failed} failed" if failed else ""
    )
    st.progress(min(1.0, search.done / search.trials), text=told)


def _button(label: str, icon: str, key: str, perform: Callable[[], object]) -> None:
    if st.button(label, icon=icon, key=key):
        try:
            perform()
        except WorkbenchError as error:
            st.toast(one_line(error), icon=":material/error:")
            return
        st.rerun()


def _best(project: "Project", search: Search) -> None:
    best, metric = search.best, search.metric.replace("_", " ")
    assert best is not None and best.value is not None
    first = search.attempts[0]
    as_it_stood = (
        first.number == 0
        and first.state == "finished"
        and all(knob.holds(search.config.flat[knob.name]) for knob in search.knobs)
    )
    stood = f"; as the preset stands {first.value:.4g}" if as_it_stood and first.value is not None else ""
    settings = [(name.replace("_", " "), format_setting(value), "") for name, value in best.settings.items()]
    style.summary_row([("Best so far", f"{best.value:.4g}", f"{metric}, trial {best.number}{stood}"), *settings])
    uneven = " Not all trials were validated on the same samples: small differences mean nothing."
    better = "higher" if search.mode == "max" else "lower"
    st.caption(
        f"Chosen by validation ({better} is better): the best of many is in part the luckiest, so expect "
        "a little less of it on the test part, which no trial looked at. Train it as a run to see."
        f"{uneven if search.uneven else ''}"
    )
    if st.button("Train the best as a run", icon=":material/model_training:", key=f"best-{search.search_id}"):
        run_id = run_actions.launch_run(lambda: runs.create(searches.best_config(search)))
        if run_id:
            remember_run(project.slug, run_id)
            st.query_params.pop(ADDRESS, None)
            st.rerun()
    with st.expander("The command that trains it", icon=":material/terminal:"):
        st.code(command_line(searches.best_config(search)), language="bash", wrap_lines=True)


def _pictures(search: Search) -> None:
    shown = [one for one in search.attempts if one.value is not None and np.isfinite(one.value)]
    if not shown:
        st.caption("The first picture appears with the first trial's end.")
        return
    values = np.array([one.value for one in shown], dtype=np.float64)
    whole = np.array([one.state == "finished" for one in shown])
    metric, highest, key = search.metric.replace("_", " "), search.mode == "max", search.search_id
    numbers = np.array([one.number for one in shown])
    wide = bool((values > 0).all() and values.max() > 20 * values.min())
    figure = plots.history(numbers, values, whole=whole, metric=metric, highest=highest, log=wide)
    show_figure(figure, key=f"trials-{key}", alt=f"The {metric} of each of {len(shown)} trials, and the best so far")
    if far := plots.beyond(values, highest=highest, log=wide):
        st.caption(f"{far} far worse than the others, drawn at the edge; hover over one to read what it was.")
    if len(search.knobs) > 1 and whole.any():
        ended = [one for one in shown if one.state == "finished"]
        axes = [plots.Axis(k.name, k.low, k.high, k.log, k.choices) for k in search.knobs]
        figure = plots.parallel(
            axes, [dict(one.settings) for one in ended], values[whole], metric=metric, highest=highest
        )
        show_figure(figure, key=f"parallel-{key}", alt="The settings of each trial as a line, the best one thick")
        st.caption(
            "Trials trained to their end. The thick line is the best; the stronger a line, the better its trial. "
            "Where strong lines meet lies what works; where they fan out, the setting matters little."
        )
    _importances(search, int(whole.sum()))


def _importances(search: Search, ended: int) -> None:
    shares = _shares(search.search_id, ended, search)
    if not shares:
        st.caption(
            "What matters is told once enough trials came to their end, with results that differ: more than one a knob."
        )
        return
    top = next(iter(shares))
    figure = plots.importances({name.replace("_", " "): share for name, share in shares.items()})
    show_figure(figure, key=f"matters-{search.search_id}", alt=f"Importance of each setting; most is {top}")
    st.caption(
        f"How much of the difference between the {ended} trials trained to their end a setting explains by itself and "
        "together with others (fANOVA). Few trials tell it roughly."
    )


@st.cache_data(max_entries=32, show_spinner=False)
def _shares(search_id: str, ended: int, _search: Search) -> dict[str, float]:
    return searches.importances(_search)


def _table(search: Search) -> None:
    with st.expander("Every trial", icon=":material/table_rows:"):
        rows = pd.DataFrame([_row(search, one) for one in search.attempts])
        st.dataframe(rows, hide_index=True, width="stretch", alt="Every trial with its settings and its result")


def _row(search: Search, one: Trial) -> dict[str, object]:
    words = {"running": "under way", "finished": "to its end", "pruned": "ended early", "failed": "failed"}
    return {
        "Trial": one.number,
        search.metric.replace("_", " "): f"{one.value:.5g}" if one.value is not None else "–",
        "How": f"{words[one.state]}{': ' + one.reason if one.state == 'failed' else ''}",
        "Epochs": len(one.curve),
        "Time": format_duration(one.seconds) if one.seconds else "–",
        **{
            knob.name: format_setting(one.settings[knob.name]) if knob.name in one.settings else "–"
            for knob in search.knobs
        },
    }


def format_setting(value: object) -> str:
    """A setting's value in a few figures."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
