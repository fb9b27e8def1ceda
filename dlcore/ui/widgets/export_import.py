"""Export and import of runs: bundle as a zip, ONNX file, and the equivalent command line."""

import io
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from dlcore import runs
from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import as_text, error_line
from dlcore.runs import Bundle, OnnxReport, Run
from dlcore.runs.bundle.exchange import CodeError
from dlcore.runs.record import Record
from dlcore.ui.shell.cache import cache_resource
from dlcore.ui.shell.error_boundary import fragment
from dlcore.ui.shell.run_picker import remember_run
from dlcore.ui.shell.states import short_id

_LAST_EXPORTED = "onnx-made"
"""Key of the export that is shown: one per session, since the file is kept in memory."""


def export_run_panel(run: Run) -> None:
    """Draw a run's command line and the downloads of its bundle, report and ONNX file."""
    from dlcore.projects.command import command_line

    with st.expander("Export run", icon=":material/download:"):
        if not run.record.is_watched:
            st.caption("Command line of this run:")
            st.code(command_line(run.config), language="bash", wrap_lines=True)
        if run.bundle is None:
            st.caption(
                "The bundle is written when the run ends or is stopped: weights, curves, predictions and a card."
            )
            return
        st.download_button(
            "Download bundle",
            lambda: _zip(run.run_id),
            file_name=f"{short_id(run.run_id).replace('/', '-')}.zip",
            mime="application/zip",
            icon=":material/download:",
            key=f"bundle-{run.run_id}",
            on_click="ignore",
            help="Weights (safetensors), curves, predictions, preprocessing and a card, as one zip.",
        )
        report_button([run.run_id], name=short_id(run.run_id).replace("/", "-"))
        fragment(_standalone)(run, run.bundle)
        fragment(_onnx)(run, run.bundle)


def _standalone(run: Run, bundle: Bundle) -> None:
    """Draw the export of a zip that works without dlcore, which is made on request."""
    key = f"standalone-{run.run_id}-{bundle.record.step}"
    if st.button(
        "Export with scripts",
        icon=":material/folder_zip:",
        key=f"{key}-make",
        help="The bundle with a training script and notebook in plain PyTorch, ONNX file and prediction script; "
        "none of them needs dlcore.",
    ):
        st.session_state[_LAST_EXPORTED] = key
    if st.session_state.get(_LAST_EXPORTED) != key:
        return
    try:
        with st.spinner("Preparing the data, exporting and comparing ..."):
            content, missing = _export_standalone(run.run_id, bundle.record.step)
    except WorkbenchError as error:
        del st.session_state[_LAST_EXPORTED]
        st.error(error_line(error), icon=":material/error:")
        return
    for name, reason in missing.items():
        st.caption(f"No {name}: {as_text(reason)}")
    st.download_button(
        f"Download scripts and bundle ({len(content) / 2**20:.1f} MB)",
        content,
        mime="application/zip",
        file_name=f"{short_id(run.run_id).replace('/', '-')}-standalone.zip",
        icon=":material/download:",
        key=f"{key}-take",
        on_click="ignore",
        help="README.md in it says how to use the files.",
    )


@cache_resource(max_entries=2, show_spinner=False)
def _export_standalone(run_id: str, step: int) -> tuple[bytes, dict[str, str]]:
    """Return a zip that needs no dlcore, and why files are missing; `step` distinguishes a resumed run."""
    with tempfile.TemporaryDirectory() as folder:
        report = runs.export_standalone_apart(run_id, Path(folder) / "run.zip")
        return Path(report["path"]).read_bytes(), report["missing"]


def _onnx(run: Run, bundle: Bundle) -> None:
    """Draw the ONNX export, which runs on request."""
    reason = runs.why_no_onnx(bundle)
    if reason:
        st.caption(reason)
        return
    key = f"onnx-{run.run_id}-{bundle.record.step}"
    if st.button(
        "Export ONNX",
        icon=":material/deployed_code:",
        key=f"{key}-make",
        help="The network for ONNX Runtime, checked against torch at two batch sizes and timed on this machine.",
    ):
        st.session_state[_LAST_EXPORTED] = key
    if st.session_state.get(_LAST_EXPORTED) != key:
        return
    try:
        with st.spinner("Exporting to ONNX, comparing and timing: about ten seconds, a minute on a busy machine ..."):
            archive = _export_onnx(run.run_id, bundle.record.step)
    except WorkbenchError as error:
        del st.session_state[_LAST_EXPORTED]
        st.error(error_line(error), icon=":material/error:")
        return
    report = archive.report
    off = " and ".join(f"{value:.1e} at a batch of {size}" for size, value in report.differences.items())
    st.markdown(
        f"**Parity**: logits differ from torch by at most {off}; 1e-4 is allowed.  \n**Speed**: {report.summary}"
    )
    st.caption(f"{report.advice} The card describes preprocessing and postprocessing.")
    st.download_button(
        f"Download ONNX and card ({len(archive.content) / 2**20:.1f} MB)",
        archive.content,
        mime="application/zip",
        file_name=f"{short_id(run.run_id).replace('/', '-')}-onnx.zip",
        icon=":material/download:",
        key=f"{key}-take",
        on_click="ignore",
        help="A zip of the .onnx file and a card with preprocessing, classes and checks.",
    )


@dataclass(frozen=True)
class _OnnxArchive:
    """Report of an export, and a zip of the file and its card."""

    report: OnnxReport
    content: bytes


@cache_resource(max_entries=2, show_spinner=False)
def _export_onnx(run_id: str, step: int) -> _OnnxArchive:
    """Export a run to ONNX; `step` distinguishes a resumed run from its earlier state."""
    with tempfile.TemporaryDirectory() as folder:
        report = runs.export_onnx_apart(run_id, Path(folder))
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in (report.path, report.card):
                archive.write(file, Path(file).name)
    return _OnnxArchive(report, buffer.getvalue())


def import_run_panel(slug: str) -> None:
    """Draw the import of a bundle as a run."""
    with st.form(f"bring-{slug}", border=False):
        file = st.file_uploader("Bundle (zip)", type="zip", key=f"bundle-file-{slug}")
        accepts_code = slug.startswith("custom") and st.checkbox(
            "Accept its code",
            key=f"bundle-code-{slug}",
            help="A bundle of a custom network holds its code. Accept it only if you trust whoever wrote it.",
        )
        sent = st.form_submit_button("Import", icon=":material/upload_file:")
    if not sent or file is None:
        return
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bundle.zip"
            path.write_bytes(file.getbuffer())
            record = runs.import_run(path, accepts_code=accepts_code)
    except CodeError as error:
        st.warning(
            "This bundle holds code. Read it; tick **Accept its code** and import again.", icon=":material/code:"
        )
        st.code(error.text, language="python", line_numbers=True, height=300)
        return
    except WorkbenchError as error:
        st.error(error_line(error), icon=":material/error:")
        return
    if record.project != slug:
        st.success(
            f"Imported as a run of '{record.project}': open that page to see it.", icon=":material/check_circle:"
        )
        return
    remember_run(slug, record.run_id)
    st.rerun()


def report_button(run_ids: Sequence[str], *, name: str) -> None:
    """Offer the report of one run, or of the runs of a comparison, as one HTML file."""
    if not run_ids:
        return
    st.download_button(
        "Download report",
        lambda: _report(run_ids),
        file_name=f"{name}.html",
        mime="text/html",
        icon=":material/lab_profile:",
        key=f"report-{'-'.join(run_ids)}",
        on_click="ignore",
        help="One HTML file that opens without a network: metrics, live charts, examples, settings. About 5 MB.",
    )


def comparison_report_button(records: Sequence[Record]) -> None:
    """Offer the report of the finished runs of a comparison; nothing for runs of several projects."""
    from dlcore.runs.report.document import MAX_RUNS

    finished = [record.run_id for record in records if runs.open_run(record.run_id).bundle is not None]
    if len({record.project for record in records}) == 1 and len(finished) > 1:
        report_button(finished[:MAX_RUNS], name=f"{records[0].project}-comparison")


def _report(run_ids: Sequence[str]) -> bytes:
    from dlcore.runs.report.document import render_report

    return render_report(run_ids).encode()


def _zip(run_id: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return runs.export_run(run_id, Path(folder)).read_bytes()
