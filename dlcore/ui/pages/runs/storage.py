"""Disk use of the runs, the trash, and what a clean-up frees."""

import pandas as pd
import streamlit as st

from dlcore.core.markdown import as_text
from dlcore.runs import disk_usage, trash
from dlcore.runs.disk_usage import format_size
from dlcore.ui.shell.menu import title_of
from dlcore.ui.shell.states import short_id
from dlcore.ui.shell.times import format_age
from dlcore.ui.shell.titles import model_title

_LARGEST = 10


def show() -> None:
    """Draw the expander; what it holds is measured when it is opened."""
    box = st.expander("Disk and trash", icon=":material/hard_drive:", key="storage", on_change="rerun")
    if not box.open:
        return
    with box:
        usage = disk_usage.measure()
        deleted = trash.list_trash()
        total, in_trash = sum(run.size for run in usage.values()), sum(run.size for run in deleted)
        st.markdown(
            f"**{format_size(total)}** in {len(usage):,} runs, **{format_size(in_trash)}** in the trash "
            f"({len(deleted):,} runs)."
        )
        _clean_up(list(usage.values()))
        _largest(list(usage.values()))
        _trash(deleted)


def _clean_up(usage: list[disk_usage.DiskUsage]) -> None:
    entries = disk_usage.clean_ups(usage)
    if not entries:
        st.caption("Nothing to clean up.")
    for entry in entries:
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button(f"{entry.title}: free {format_size(entry.size)}", key=f"clean-{entry.title}"):
                st.toast(f"Freed {format_size(entry.perform())}.", icon=":material/cleaning_services:")
                st.rerun(scope="fragment")
            st.caption(f"{entry.runs} run{'s' if entry.runs != 1 else ''}. Lost: {entry.loss}", width="stretch")


def _largest(usage: list[disk_usage.DiskUsage]) -> None:
    largest = sorted(usage, key=lambda run: -run.size)[:_LARGEST]
    if largest:
        frame = pd.DataFrame(
            [
                {"Run": short_id(run.run_id), "MB": run.size / 1e6, "Checkpoints, MB": run.checkpoints / 1e6}
                for run in largest
            ]
        )
        st.dataframe(frame.round(2), hide_index=True, alt="The runs that use most disk space")


def _restore(run_id: str) -> None:
    trash.restore(run_id)


def _trash(deleted: list[trash.DeletedRun]) -> None:
    for run in deleted[:_LARGEST]:
        record = run.record
        name = record.name or f"{title_of(record.project)}, {model_title(record.project, record.model)}"
        with st.container(horizontal=True, vertical_alignment="center"):
            text = f"{name}, {short_id(record.run_id)}, deleted {format_age(run.deleted)}, {format_size(run.size)}"
            st.markdown(as_text(text), width="content")
            st.button(
                "Restore",
                key=f"restore-{record.run_id}",
                icon=":material/undo:",
                on_click=_restore,
                args=(record.run_id,),
            )
    if len(deleted) > _LARGEST:
        st.caption(f"and {len(deleted) - _LARGEST} more in the trash")
