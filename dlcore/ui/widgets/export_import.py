"""What leaves the workbench and what comes in: a run's bundle as a zip, and the command line that does the same."""

import io
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from dlcore import runs
from dlcore.core.errors import WorkbenchError, one_line
from dlcore.runs import Bundle, OnnxReport, Run
from dlcore.ui.shell.error_boundary import fragment
from dlcore.ui.shell.run_picker import remember_run
from dlcore.ui.shell.states import short_id

_LAST_MADE = "onnx-made"
"""Which run's ONNX file is shown: one a session, since the file is held in memory."""


def export_run_panel(run: Run) -> None:
    """The command line of this run, and its bundle and its network as ONNX to download where it left one."""
    from dlcore.projects.command import command_line

    with st.expander("Take this run away", icon=":material/download:"):
        st.caption("The same run from the command line:")
        st.code(command_line(run.config), language="bash", wrap_lines=True)
        if run.bundle is None:
            st.caption("The run leaves a bundle when it ends or is stopped: weights, curves, predictions and a card.")
            return
        st.download_button(
            "Download the bundle",
            lambda: _zip(run.run_id),
            file_name=f"{short_id(run.run_id).replace('/', '-')}.zip",
            mime="application/zip",
            icon=":material/download:",
            key=f"bundle-{run.run_id}",
            on_click="ignore",
            help="Weights (safetensors), curves, predictions, preprocessing and a card, as one zip.",
        )
        fragment(_onnx)(run, run.bundle)


def _onnx(run: Run, bundle: Bundle) -> None:
    """The model as an ONNX file: made when asked for, checked and timed at once."""
    reason = runs.why_no_onnx(bundle)
    if reason:
        st.caption(reason)
        return
    key = f"onnx-{run.run_id}-{bundle.record.step}"
    if st.button(
        "Make an ONNX file",
        icon=":material/deployed_code:",
        key=f"{key}-make",
        help="The network alone, for ONNX Runtime: held against torch at two batch sizes, and timed on this machine.",
    ):
        st.session_state[_LAST_MADE] = key
    if st.session_state.get(_LAST_MADE) != key:
        return
    try:
        with st.spinner("Writing the network as ONNX, comparing, timing: ten seconds, a minute on a busy machine ..."):
            made = _made(run.run_id, bundle.record.step)
    except WorkbenchError as error:
        del st.session_state[_LAST_MADE]
        st.error(one_line(error), icon=":material/error:")
        return
    report = made.report
    off = " and ".join(f"{value:.1e} at a batch of {size}" for size, value in report.differences.items())
    st.markdown(
        f"**Same answers**: logits differ from torch by at most {off}; 1e-4 is allowed.  \n**Speed**: {report.summary}"
    )
    st.caption(f"{report.advice} The card says what to do to a picture before the network, and to its answer after.")
    st.download_button(
        f"Download ONNX and card ({len(made.content) / 2**20:.1f} MB)",
        made.content,
        mime="application/zip",
        file_name=f"{short_id(run.run_id).replace('/', '-')}-onnx.zip",
        icon=":material/download:",
        key=f"{key}-take",
        on_click="ignore",
        help="The .onnx file, and a card with preprocessing, classes and what was checked: one zip.",
    )


@dataclass(frozen=True)
class _Made:
    """What was measured, and the zip of the file and its card."""

    report: OnnxReport
    content: bytes


@st.cache_resource(max_entries=2, show_spinner=False)
def _made(run_id: str, step: int) -> _Made:
    """`step` tells a run that was resumed from the same before."""
    with tempfile.TemporaryDirectory() as folder:
        report = runs.export_onnx_apart(run_id, Path(folder))
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in (report.path, report.card):
                archive.write(file, Path(file).name)
    return _Made(report, packed.getvalue())


def import_run_panel(slug: str) -> None:
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
    remember_run(slug, record.run_id)
    st.rerun()


def _zip(run_id: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return runs.export_run(run_id, Path(folder)).read_bytes()
