"""Predictions for a file of many inputs on a page: progress, the first rows, and the table as CSV."""

import io
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dlcore.core.errors import RequestError, WorkbenchError
from dlcore.core.markdown import error_line
from dlcore.data.custom.text_columns import TEXT_NAMES
from dlcore.data.tabular.read import BYTES_LIMIT, SUFFIXES
from dlcore.projects.project import Project
from dlcore.runs import Bundle
from dlcore.runs.batch.items import SOURCE_NAMES, choose_text_column, first_rows
from dlcore.runs.batch.output import BatchProgress
from dlcore.runs.batch.predict import BatchResult, predict_uploads
from dlcore.ui.shell.cache import cache_data
from dlcore.ui.widgets import run_cache

SHOWN_ROWS = 20
SAMPLE_ROWS = 5
PHOTO_ENDINGS = ["png", "jpg", "jpeg", "gif", "bmp", "webp", "zip"]


def show_text_batch(project: Project, bundle: Bundle) -> None:
    """Offer the upload of a table of texts: its column is chosen from the header beside sample rows."""
    with st.expander("Predict a file of many texts", icon=":material/table_rows:"):
        st.caption("CSV, JSON, Excel or Parquet, one text per row; a .txt file has one per line. It is not stored.")
        file = st.file_uploader(
            "Your table", type=list(SUFFIXES), key=f"batch-{project.slug}", max_upload_size=BYTES_LIMIT >> 20
        )
        if file is None:
            return
        payload = file.getvalue()
        try:
            columns, rows = _read_sample(file.name, payload)
        except WorkbenchError as error:
            st.error(error_line(error), icon=":material/error:")
            return
        names = SOURCE_NAMES if "pairs" in project.custom_data else TEXT_NAMES
        try:
            guess = columns.index(choose_text_column(columns, names=names))
        except RequestError:
            guess = 0
        column: str = st.selectbox("Column of the texts", columns, index=guess, key=f"batch-column-{project.slug}")
        st.dataframe(
            pd.DataFrame(rows, columns=columns), hide_index=True, width="stretch", alt="First rows of the file"
        )
        offer_table(bundle, [file], text=column, key=project.slug)


def show_photo_batch(project: Project, bundle: Bundle) -> None:
    """Offer the upload of several photos or a zip."""
    with st.expander("Predict many images into a table", icon=":material/table_rows:"):
        st.caption("Several images, or a zip of images. They are not stored.")
        files = st.file_uploader(
            "Your images",
            type=PHOTO_ENDINGS,
            accept_multiple_files=True,
            key=f"batch-{project.slug}",
            max_upload_size=BYTES_LIMIT >> 20,
        )
        if files:
            offer_table(bundle, files, key=project.slug)


def offer_table(bundle: Bundle, files: Sequence[UploadedFile], *, key: str, text: str = "") -> None:
    """Draw a button that predicts the files with progress; then the first rows and the table for download."""
    request = (run_cache.bundle_key(bundle), text, *(file.file_id for file in files))
    stored = st.session_state.get(f"batch-table-{key}")
    if stored is None or stored[0] != request:
        if not st.button("Predict all", icon=":material/play_arrow:", key=f"batch-start-{key}", type="primary"):
            return
        try:
            stored = (request, *_predict(bundle, files, text=text))
        except WorkbenchError as error:
            st.error(error_line(error), icon=":material/error:")
            return
        st.session_state[f"batch-table-{key}"] = stored
    _show_table(stored[1], stored[2], key=key)


def _predict(bundle: Bundle, files: Sequence[UploadedFile], *, text: str) -> tuple[BatchResult, bytes]:
    bar, start = st.progress(0.0, "Predicting"), time.monotonic()

    def show(progress: BatchProgress) -> None:
        bar.progress(progress.share, f"Predicting: {progress.describe(time.monotonic() - start, since=0)}")

    try:
        return predict_uploads(bundle, ((file.name, file.getvalue()) for file in files), text=text, listener=show)
    finally:
        bar.empty()


def _show_table(result: BatchResult, table: bytes, *, key: str) -> None:
    flagged = f", {result.flagged:,} uncertain" if result.flag == "uncertain" else ""
    errors = f", {result.errors:,} with an error (see the column `error`)" if result.errors else ""
    st.markdown(f"**{result.rows:,} predictions**{flagged}{errors}.")
    for note in result.notes:
        st.caption(note)
    frame = pd.read_csv(io.BytesIO(table), nrows=SHOWN_ROWS, dtype=object, keep_default_na=False)
    st.dataframe(frame, hide_index=True, width="stretch", alt=f"First {len(frame)} predictions")
    st.download_button(
        "Download the table (CSV)",
        table,
        file_name="predictions.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key=f"batch-download-{key}",
    )


@cache_data(max_entries=4, show_spinner="Reading the file")
def _read_sample(name: str, payload: bytes) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    with tempfile.TemporaryDirectory(prefix="dlcore-") as folder:
        path = Path(folder) / f"table{Path(name).suffix}"
        path.write_bytes(payload)
        return first_rows(path, SAMPLE_ROWS)
