"""What leaves the workbench and what comes in: a run's bundle as a zip, and the command line that does the same."""

import tempfile
from pathlib import Path

import streamlit as st

from dlcore import runs
from dlcore.core.errors import WorkbenchError, one_line
from dlcore.runs import Run
from dlcore.ui.chooser import remember
from dlcore.ui.states import short_id


def away(run: Run) -> None:
    """The command line of this run, and its bundle to download where it left one."""
    from dlcore.projects.command import command_line

    with st.expander("Take this run away", icon=":material/download:"):
        st.caption("The same run from the command line:")
        st.code(command_line(run.config), language="bash", wrap_lines=True)
        if run.bundle is None:
            st.caption("The run leaves a bundle when it ends or is stopped: weights, curves, predictions and a card.")
            return
        st.download_button(
            "Download the bundle", lambda: _zip(run.run_id), file_name=f"{short_id(run.run_id).replace('/', '-')}.zip",
            mime="application/zip", icon=":material/download:", key=f"bundle-{run.run_id}", on_click="ignore",
            help="Weights (safetensors), curves, predictions, preprocessing and a card, as one zip.",
        )  # fmt: skip


def bring(slug: str) -> None:
    """Take a bundle in as a run of one's own."""
    with st.form(f"bring-{slug}", border=False):
        file = st.file_uploader("A bundle (zip)", type="zip", key=f"bundle-file-{slug}")
        sent = st.form_submit_button("Bring it in", icon=":material/upload_file:")
    if not sent or file is None:
        return
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bundle.zip"
            path.write_bytes(file.getbuffer())
            record = runs.import_run(path)
    except WorkbenchError as error:
        st.error(one_line(error), icon=":material/error:")
        return
    if record.project != slug:
        st.success(f"Brought in as a run of '{record.project}': find it on that page.", icon=":material/check_circle:")
        return
    remember(slug, record.run_id)
    st.rerun()


def _zip(run_id: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return runs.export_run(run_id, Path(folder)).read_bytes()
