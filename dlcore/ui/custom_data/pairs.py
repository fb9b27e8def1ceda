"""Pairs of one's own: a file with two columns handed in, checked line by line, and the list of what is kept."""

import streamlit as st

from dlcore.core.errors import WorkbenchError, one_line
from dlcore.data.custom import pairs as own_pairs
from dlcore.data.custom import registry as own
from dlcore.ui.custom_data import upload_form


def show_form() -> None:
    """The form that takes a file in, and the list of what is kept."""
    st.subheader("Your own pairs", anchor=False)
    st.caption(
        "A CSV or TSV with a head and two columns: what is to be read, and what is to be written for it, of up to "
        f"{own_pairs.SYMBOLS_LIMIT} characters each. Every line is checked first; nothing is kept of a file with a "
        "wrong one. Everything stays on this machine."
    )
    with st.form("own-pairs", border=False, clear_on_submit=True):
        file = st.file_uploader(
            "CSV or TSV",
            type=["csv", "tsv", "txt"],
            key="own-pairs-file",
            max_upload_size=own_pairs.BYTES_LIMIT // 2**20,
        )
        name = st.text_input("Call it", key="own-pairs-name", placeholder="my-pairs", max_chars=40)
        sent = st.form_submit_button("Add", icon=":material/note_add:")
    if sent and file is not None:
        _take_in(file.getvalue(), name or own.free_name(file.name.rpartition(".")[0]), file.name)
    upload_form.list_datasets("pairs", lambda entry: f"{entry.rows:,} pairs")


def _take_in(payload: bytes, name: str, source: str) -> None:
    try:
        entry = own_pairs.save(name, own_pairs.validate(payload), source=source)
    except WorkbenchError as error:
        st.error(f"Nothing was taken in: {one_line(error)}", icon=":material/error:")
        return
    st.success(f"{entry.rows:,} pairs taken in as “{entry.name}”.", icon=":material/check_circle:")
