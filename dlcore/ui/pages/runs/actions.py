"""What can be done with the selected runs: open, fork, copy, annotate, hide, delete and undo."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from dlcore import runs
from dlcore.core import access
from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import error_line
from dlcore.projects.command import command_line, python_call
from dlcore.runs import trash
from dlcore.runs.annotations import MAX_NAME, MAX_NOTE, annotate, share_run
from dlcore.ui.pages.runs import table
from dlcore.ui.pages.runs.table import Row
from dlcore.ui.shell.links import open_run_page
from dlcore.ui.train.new_run import begin_fork

_DELETED = "runs-deleted"


def show(selected: Sequence[Row], *, total: int, visible: int) -> None:
    """Draw the buttons for the selected runs, or how many runs the filter leaves."""
    _undo()
    if not selected:
        count = f"{visible:,} of {total:,} runs" if visible < total else f"{total:,} runs"
        st.caption(f"{count}. Select one to open, fork or annotate it; two or more to compare them.")
        return
    changeable = runs.editable_runs([row.record for row in selected if not row.record.is_reference])
    editable = [row for row in selected if row.record in changeable]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="run-actions"):
        st.markdown(f"**{len(selected)} selected**", width="content")
        if len(selected) == 1:
            _single(selected[0])
        if not any(row.record.is_watched for row in selected):
            _copy(selected)
        if editable:
            _edit(editable)
            is_favorite = all(row.annotation.is_favorite for row in editable)
            _button("Not a favorite" if is_favorite else "Favorite", "star", _annotate_all, editable, not is_favorite)
            is_hidden = all(row.annotation.is_hidden for row in editable)
            _button("Unhide" if is_hidden else "Hide", "visibility_off", _hide_all, editable, not is_hidden)
            if access.is_shared():
                is_shared = all(row.record.is_shared for row in editable)
                _button("Stop sharing" if is_shared else "Share", "group", _share_all, editable, not is_shared)
            _button("Delete", "delete", _delete, editable)
        _button("Clear selection", "close", _clear)


def _single(row: Row) -> None:
    if st.button("Open", icon=":material/open_in_new:", key="open-run", help="Open the run on its project's page."):
        open_run_page(row.record, panel="results" if row.record.state == "finished" else "train")
    if not row.record.is_watched and st.button(
        "Fork",
        icon=":material/call_split:",
        key="fork-run",
        help="A new run with these settings, some of them changed.",
    ):
        begin_fork(row.record.project, row.record.run_id)
        open_run_page(row.record, panel="train")


def _copy(selected: Sequence[Row]) -> None:
    box = st.popover("Copy", icon=":material/content_copy:", key="copy-run", on_change="rerun")
    if not box.open:
        return
    with box:
        for row in selected[:5]:
            config = runs.open_run(row.record.run_id).config
            st.code(command_line(config), language="bash", wrap_lines=True)
            st.code(python_call(config), language="python", wrap_lines=True)
        if len(selected) > 1:
            refs = " ".join(row.record.run_id for row in selected)
            st.code(f"python -m dlcore compare {refs}", language="bash", wrap_lines=True)


def _edit(rows: Sequence[Row]) -> None:
    """Draw name and note of one run, and the tags of one or several."""
    box = st.popover("Name, tags, note", icon=":material/edit:", key="edit-run", on_change="rerun")
    if not box.open:
        return
    first, key = rows[0].annotation, "-".join(row.record.run_id[:8] for row in rows[:4])
    with box, st.form(f"annotate-{key}", border=False):
        changes: dict[str, str] = {}
        if len(rows) == 1:
            changes["name"] = st.text_input("Name", first.name, max_chars=MAX_NAME)
        common = set.intersection(*(set(row.annotation.tags) for row in rows))
        known = sorted({tag for row in table.list_rows() for tag in row.annotation.tags})
        tags = st.multiselect("Tags", known, sorted(common), accept_new_options=True, placeholder="Add tags")
        if len(rows) == 1:
            changes["note"] = st.text_area("Note", first.note, max_chars=MAX_NOTE)
        if st.form_submit_button("Save", type="primary"):
            for row in rows:
                merged = (set(row.annotation.tags) - common) | set(tags)
                if not _try(partial(annotate, row.record.run_id, tags=merged, **changes)):
                    return
            st.rerun(scope="fragment")


def _button(label: str, icon: str, action: Callable[..., None], *args: object) -> None:
    st.button(label, icon=f":material/{icon}:", key=f"runs-{label}", on_click=action, args=args)


def _annotate_all(rows: Sequence[Row], is_favorite: bool) -> None:
    _try(lambda: [annotate(row.record.run_id, is_favorite=is_favorite) for row in rows])


def _hide_all(rows: Sequence[Row], is_hidden: bool) -> None:
    _try(lambda: [annotate(row.record.run_id, is_hidden=is_hidden) for row in rows])
    _clear()


def _share_all(rows: Sequence[Row], is_shared: bool) -> None:
    _try(lambda: [share_run(row.record.run_id, is_shared=is_shared) for row in rows])


def _delete(rows: Sequence[Row]) -> None:
    deleted: list[str] = []
    for run_id in (row.record.run_id for row in rows):
        if not _try(partial(trash.move_to_trash, run_id)):
            break
        deleted.append(run_id)
    st.session_state[_DELETED] = deleted
    _clear()


def _undo() -> None:
    """Draw the button that restores the runs deleted last."""
    deleted = st.session_state.get(_DELETED)
    if not deleted:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="undo-delete"):
        st.markdown(f"{len(deleted)} {'run is' if len(deleted) == 1 else 'runs are'} in the trash.", width="content")
        st.button("Undo", icon=":material/undo:", key="runs-undo", on_click=_restore, args=(deleted,))


def _restore(run_ids: Sequence[str]) -> None:
    _try(lambda: [trash.restore(run_id) for run_id in run_ids])
    st.session_state.pop(_DELETED, None)


def _clear() -> None:
    table.remember([])
    table.reset_selection()


def _try(action: Callable[[], object]) -> bool:
    """Perform an action; show an error in one line and return False."""
    try:
        action()
    except WorkbenchError as error:
        st.toast(error_line(error), icon=":material/error:")
        return False
    return True
