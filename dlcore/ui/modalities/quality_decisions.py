"""Decisions about suspected samples: made one by one or by CSV, saved as a new version, trained and tested."""

import contextlib
from collections.abc import Iterable
from dataclasses import replace

import streamlit as st

from dlcore import runs
from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import as_text, error_line
from dlcore.data.custom import registry, versions
from dlcore.data.custom.decisions import Decision, Verdict, read_csv, write_csv
from dlcore.data.sources.registry import DATASETS
from dlcore.projects.project import Project
from dlcore.runs import Run
from dlcore.runs.quality import correction
from dlcore.runs.quality.inspection import DataQuality
from dlcore.ui.shell.links import link_to_run
from dlcore.ui.widgets import run_actions

ACTIONS: dict[Verdict, str] = {"confirm": "Label is right", "relabel": "Relabel", "exclude": "Exclude"}
ICONS = {"confirm": ":material/check:", "relabel": ":material/edit:", "exclude": ":material/delete:"}

Decisions = dict[tuple[str, int], Decision]


def choose_decision(quality: DataQuality, index: int, *, key: str) -> None:
    """Draw the controls that decide about one sample."""
    decisions = _decisions(key)
    (sample,) = correction.list_decisions(quality, [index])
    if sample.part == "test":
        st.caption("Test labels never change.")
        return
    place = sample.part, sample.row
    current = decisions.get(place, sample)
    changes = st.session_state.get(f"changes-{key}", 0)  # new widgets start with decisions about many
    widget = f"decision-{key}-{sample.part}-{sample.row}-{changes}"
    action = st.segmented_control(
        f"Decision on {sample.part} {sample.row}",
        ACTIONS,
        default=current.decision or None,
        format_func=lambda name: ICONS[name],
        key=widget,
        label_visibility="collapsed",
    )
    new_label = current.target if current.decision == "relabel" else sample.suggested
    if action == "relabel":
        names = list(quality.samples.names)
        new_label = st.selectbox(
            "New label", names, index=names.index(new_label), key=f"{widget}-label", label_visibility="collapsed"
        )
    if action:
        label = new_label if action == "relabel" else ""
        decisions[place] = Decision(*place, sample.label, sample.suggested, action, label)
    else:
        decisions.pop(place, None)


def show_decisions(project: Project, run: Run, quality: DataQuality, *, key: str) -> None:
    """Draw the CSV of the decisions in and out, the new version, and runs on versions beside this run."""
    decisions = _decisions(key)
    st.caption(f"{ICONS['confirm']} label is right, {ICONS['relabel']} relabel, {ICONS['exclude']} exclude")
    suspects = correction.list_decisions(quality, quality.errors.suspects)
    listed = {(each.part, each.row): each for each in suspects} | decisions
    row = st.container(horizontal=True, vertical_alignment="bottom")
    row.download_button(
        f"CSV of {len(suspects):,} suspects",
        lambda: write_csv(listed.values()),
        "decisions.csv",
        "text/csv",
        icon=":material/download:",
        key=f"csv-{key}",
        on_click="ignore",
    )
    row.button(
        f"Relabel all {len(suspects):,} as suggested",
        icon=":material/edit:",
        key=f"all-{key}",
        on_click=_decide,
        args=([replace(each, decision="relabel", new_label=each.suggested) for each in suspects],),
        kwargs={"key": key},
    )
    with st.expander("Decisions from a CSV", icon=":material/upload_file:"):
        _upload(quality, key=key)
    counts = {name: sum(each.decision == name for each in decisions.values()) for name in ACTIONS}
    st.markdown(
        f"**Decisions:** {counts['confirm']:,} confirmed, {counts['relabel']:,} relabeled, "
        f"{counts['exclude']:,} excluded."
    )
    if counts["relabel"] or counts["exclude"]:
        _save(project, run, quality, decisions, key=key)
    _show_versions(project, run)


def _decisions(key: str) -> Decisions:
    decisions: Decisions = st.session_state.setdefault(f"decisions-{key}", {})
    return decisions


def _decide(many: Iterable[Decision], *, key: str) -> None:
    """Take over decisions about many samples; the controls of single samples show them."""
    _decisions(key).update({(each.part, each.row): each for each in many if each.part != "test"})
    st.session_state[f"changes-{key}"] = st.session_state.get(f"changes-{key}", 0) + 1


def _upload(quality: DataQuality, *, key: str) -> None:
    """Draw the upload of decisions; they are taken over once, when the file changes."""

    def read() -> None:
        file, error = st.session_state[f"upload-{key}"], f"upload-error-{key}"
        st.session_state[error] = ""
        if file is not None:
            try:
                _decide(read_csv(file.getvalue(), labels=quality.samples.names), key=key)
            except WorkbenchError as rejected:
                st.session_state[error] = error_line(rejected)

    st.file_uploader("Decisions (CSV)", type=["csv"], key=f"upload-{key}", on_change=read)
    if message := st.session_state.get(f"upload-error-{key}"):
        st.error(message, icon=":material/error:")


def _save(project: Project, run: Run, quality: DataQuality, decisions: Decisions, *, key: str) -> None:
    plain = registry.plain_name(run.config.dataset)
    row = st.container(horizontal=True, vertical_alignment="bottom")
    suggestion = registry.free_name(f"{plain}-corrected", reserved=DATASETS)
    name = row.text_input("Name of the new version", suggestion, key=f"name-{key}", width=260)
    if not row.button(
        "Save and train",
        type="primary",
        icon=":material/play_arrow:",
        key=f"save-{key}",
        help="Saves a new version of the dataset and trains on it with the settings of this run.",
    ):
        return
    try:
        entry = correction.save_corrected(run.config, quality.samples, list(decisions.values()), name=name)
    except WorkbenchError as error:
        st.error(error_line(error), icon=":material/error:")
        return
    run_id = run_actions.launch_run(lambda: runs.create(correction.configure_corrected(run.config, entry)))
    if run_id:
        st.success(f"“{as_text(entry.name)}” is saved, and a run on it has started.", icon=":material/check_circle:")


def _show_versions(project: Project, run: Run) -> None:
    """Compare the runs on versions of this run's dataset with this run."""
    base = versions.find_base(run.config.dataset)
    version_records = [
        record
        for record in runs.list_runs(project.slug, limit=50)
        if record.dataset != run.config.dataset
        and registry.is_custom(record.dataset)
        and versions.find_base(record.dataset) == base
        and record.model == run.record.model
    ]
    for record in version_records:
        title = registry.plain_name(record.dataset)
        if record.state != "finished":
            st.caption(f"{as_text(title)}: {as_text(record.progress)}")
            link_to_run(record, label="Watch it under Train")
            continue
        with contextlib.suppress(WorkbenchError):
            st.markdown(f"**{as_text(title)}:** {correction.describe_gain(run, runs.open_run(record.run_id))}")
