"""A table of one's own: a CSV with several columns handed in, looked at before it is kept, and named."""

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dlcore.core.errors import WorkbenchError, one_line
from dlcore.data import own, sources, table_intake
from dlcore.data.series_csv import BYTES_LIMIT, Sheet, open_sheet
from dlcore.data.table_intake import TableIntake
from dlcore.ui import style
from dlcore.ui.panels.own_series import span

_ADDED = "own-table-added"


def add() -> None:
    """The form that takes a CSV in; the page is drawn anew once it is kept, and `added` tells its name then."""
    with st.expander("Add a table of your own (CSV)", icon=":material/table_view:"):
        st.caption(
            "A CSV with a time column, evenly spaced, and two or more columns of numbers; a cell may be empty where "
            "nothing was measured. It is checked here, kept on this machine under a name you choose, and can then be "
            "trained on: a model forecasts all its columns at once."
        )
        file = st.file_uploader(
            "Your CSV", type=["csv", "txt", "tsv"], key="own-table-file", max_upload_size=BYTES_LIMIT // 2**20
        )
        if file is None:
            return
        try:
            intake = _looked_at(file)
        except WorkbenchError as error:
            st.error(f"Nothing was kept: {one_line(error)}", icon=":material/error:")
            return
        _preview(intake)
        _keep(file, intake)


def added() -> str:
    """The dataset that was kept just now, told once; empty where there is none."""
    return str(st.session_state.pop(_ADDED, ""))


def _looked_at(file: UploadedFile) -> TableIntake:
    """Guess the columns, let them be changed, and check every row."""
    with st.spinner("Reading the file"):
        sheet = _sheet(file.file_id, _payload=file.getvalue())
    names, guess = list(sheet.columns), sheet.guess().time
    left, right = st.columns(2)
    time = left.selectbox("Time column", names, index=names.index(guess), key=f"table-time-{file.file_id}")
    mark = right.text_input(
        "A number that stands for a hole", key=f"table-missing-{file.file_id}", placeholder="none",
        help="Some files write a number such as -200 where nothing was measured. Left in, it would be learnt.",
    )  # fmt: skip
    columns = st.multiselect(
        "Columns", [name for name in names if name != time], key=f"table-columns-{file.file_id}-{time}",
        placeholder="All that hold numbers", max_selections=table_intake.MOST,
    )  # fmt: skip
    with st.spinner("Checking every row"):
        return table_intake.judge(sheet, time=time, columns=columns, missing=_number(mark))


def _number(text: str) -> float | None:
    if not text.strip():
        return None
    try:
        return float(text)
    except ValueError:
        st.warning(f"“{text[:20]}” is no number: no number is taken for a hole.", icon=":material/rule:")
        return None


def _preview(intake: TableIntake) -> None:
    table = intake.table
    observed = table.observed
    style.facts(
        [
            ("Rows", f"{len(table.times):,}", f"{span(table.step_ms)} apart"),
            ("Variables", str(len(table.names)), ""),
            ("Missing", f"{1 - observed.mean():.1%}", "of all values"),
        ]
    )
    rows = {
        "Variable": list(table.names),
        "Measured": [f"{share:.1%}" for share in observed.mean(axis=0)],
        "Mean": [f"{value:.4g}" for value in np.nanmean(table.values, axis=0)],
        "Lowest": [f"{value:.4g}" for value in np.nanmin(table.values, axis=0)],
        "Highest": [f"{value:.4g}" for value in np.nanmax(table.values, axis=0)],
    }
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", alt="The variables that will be kept")
    if intake.left_out:
        st.caption("Left out: " + "; ".join(f"“{name[:40]}” {why}" for name, why in intake.left_out.items()) + ".")


def _keep(file: UploadedFile, intake: TableIntake) -> None:
    wish = own.free_name(file.name.rpartition(".")[0] or file.name, reserved=sources.DATASETS)
    name = st.text_input(
        "Call it", wish, key=f"own-table-name-{file.file_id}", max_chars=40, help="Letters, digits, - and _."
    )
    if st.button("Keep this table", type="primary", icon=":material/save:", key="own-table-keep"):
        try:
            entry = table_intake.keep(name.strip(), intake, source=file.name)
        except WorkbenchError as error:
            st.error(one_line(error), icon=":material/error:")
            return
        st.session_state[_ADDED] = entry.dataset
        st.rerun()


@st.cache_resource(max_entries=2, show_spinner=False)
def _sheet(file_id: str, _payload: bytes) -> Sheet:
    return open_sheet(_payload)
