"""A table of one's own: a CSV with several columns handed in, looked at before it is kept, and named."""

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dlcore.data.custom import table as table_intake
from dlcore.data.custom.table import ValidatedTable
from dlcore.ui.custom_data import upload_form
from dlcore.ui.custom_data.series import format_span
from dlcore.ui.shell import style


def show_form() -> None:
    """The form that takes a CSV in; the page is drawn anew once it is kept."""
    upload_form.show_form(
        "table",
        icon=":material/table_view:",
        about="A CSV with a time column, evenly spaced, and two or more columns of numbers; a cell may be empty where "
        "nothing was measured. It is checked here, kept on this machine under a name you choose, and can then be "
        "trained on: a model forecasts all its columns at once.",
        look=_looked_at,
        preview=_preview,
        keep=lambda name, intake, source: table_intake.save(name, intake, source=source),
    )


def _looked_at(file: UploadedFile) -> ValidatedTable:
    """Guess the columns, let them be changed, and check every row."""
    sheet = upload_form.sheet(file)
    names, guess = list(sheet.columns), sheet.guess().time
    left, right = st.columns(2)
    time = left.selectbox("Time column", names, index=names.index(guess), key=f"table-time-{file.file_id}")
    mark = right.text_input(
        "A number that stands for a hole",
        key=f"table-missing-{file.file_id}",
        placeholder="none",
        help="Some files write a number such as -200 where nothing was measured. Left in, it would be learnt.",
    )
    columns = st.multiselect(
        "Columns",
        [name for name in names if name != time],
        key=f"table-columns-{file.file_id}-{time}",
        placeholder="All that hold numbers",
        max_selections=table_intake.MOST,
    )
    with st.spinner("Checking every row"):
        return table_intake.validate_sheet(sheet, time=time, columns=columns, missing=_number(mark))


def _number(text: str) -> float | None:
    if not text.strip():
        return None
    try:
        return float(text)
    except ValueError:
        st.warning(f"“{text[:20]}” is no number: no number is taken for a hole.", icon=":material/rule:")
        return None


def _preview(intake: ValidatedTable) -> None:
    table = intake.table
    observed = table.observed
    style.summary_row(
        [
            ("Rows", f"{len(table.times):,}", f"{format_span(table.step_ms)} apart"),
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
