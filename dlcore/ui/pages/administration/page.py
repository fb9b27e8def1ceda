"""Page Administration: who uses how much of a shared server, and the jobs of everybody."""

import shutil

import pandas as pd
import streamlit as st

from dlcore.core import settings, shared_server
from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import as_text, error_line
from dlcore.runs import administration
from dlcore.runs.disk_usage import format_size
from dlcore.ui.shell import first_paint
from dlcore.ui.shell.error_boundary import fragment, with_error_boundary
from dlcore.ui.shell.menu import title_of
from dlcore.ui.shell.states import short_id

EVERY = 5.0
"""Seconds between updates of the jobs."""


def show() -> None:
    """Draw the page."""
    st.title("Administration", anchor=False)
    with_error_boundary(_people)
    with_error_boundary(lambda: fragment(_jobs, run_every=EVERY)())
    first_paint.draw_deferred()


def _people() -> None:
    people, server = administration.list_people(), shared_server.load()
    home = settings.home().absolute()
    disk = shutil.disk_usage(next(path for path in (home, *home.parents) if path.exists()))
    hours, limit = [person.compute / 3600 for person in people], server.compute_seconds / 3600
    frame = pd.DataFrame(
        {
            "Person": [person.name or "(this machine)" for person in people],
            "Runs": [person.runs for person in people],
            "Jobs": [f"{person.jobs} of {server.running_jobs}" for person in people],
            "Stored, GB": [person.stored / 1e9 for person in people],
            "Compute, h": hours,
        }
    )
    st.dataframe(
        frame,
        hide_index=True,
        alt=f"{len(people)} people, one per row",
        column_config={
            "Stored, GB": st.column_config.ProgressColumn(max_value=server.stored_gb, format="%.2f"),
            "Compute, h": st.column_config.ProgressColumn(
                max_value=limit, format="%.2f", help=f"Worker hours of the last {server.compute_days} days."
            ),
        },
    )
    st.caption(f"{format_size(disk.free)} of {format_size(disk.total)} free on the disk of the runs.")


def _jobs() -> None:
    jobs = administration.list_jobs()
    st.subheader(f"{len(jobs)} jobs", anchor=False)
    for job in jobs:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            title = f"{title_of(job.project)} {short_id(job.job_id)}, {job.owner or 'this machine'}: {job.live.state}"
            st.markdown(as_text(f"{title} {job.live.reason}".strip()), width="content")
            st.button("Stop", icon=":material/stop:", key=f"stop-{job.job_id}", on_click=_stop, args=(job.job_id,))


def _stop(job_id: str) -> None:
    try:
        administration.stop_job(job_id)
    except WorkbenchError as error:
        st.toast(error_line(error), icon=":material/error:")
