"""Texts of one's own: a CSV or JSON lines handed in, checked row by row, and the list of what is kept."""

import streamlit as st

from dlcore.core.errors import WorkbenchError, one_line
from dlcore.data.custom import registry as own
from dlcore.data.custom import texts as own_texts
from dlcore.projects.project import Project
from dlcore.ui.custom_data import upload_form


def show_form(project: Project) -> None:
    """The form that takes a file in, and the list of what is kept."""
    st.subheader("Your own texts", anchor=False)
    st.caption(
        "A CSV or JSON lines (one object a line) with a text and a label column. Every row is checked first; nothing "
        "is kept of a file with a wrong one. Everything stays on this machine."
    )
    with st.form(f"own-texts-{project.slug}", border=False, clear_on_submit=True):
        file = st.file_uploader(
            "CSV or JSON lines",
            type=["csv", "tsv", "jsonl", "ndjson", "txt"],
            key="own-texts-file",
            max_upload_size=own_texts.BYTES_LIMIT // 2**20,
        )
        left, middle, right = st.columns(3)
        name = left.text_input("Call it", key="own-texts-name", placeholder="my-texts", max_chars=40)
        column = middle.text_input("Text column", key="own-texts-text", placeholder="guessed", max_chars=80)
        label = right.text_input("Label column", key="own-texts-label", placeholder="guessed", max_chars=80)
        sent = st.form_submit_button("Add", icon=":material/note_add:")
    if sent and file is not None:
        _take_in(file.getvalue(), name or own.free_name(file.name.rpartition(".")[0]), file.name, column, label)
    upload_form.list_datasets("text", lambda entry: f"{entry.rows:,} texts of {len(entry.facts['classes'])} classes")


def _take_in(payload: bytes, name: str, source: str, text: str, label: str) -> None:
    try:
        with st.spinner("Reading every row"):
            entry = own_texts.save(name, own_texts.validate(payload, text=text, label=label), source=source)
    except WorkbenchError as error:
        st.error(f"Nothing was taken in: {one_line(error)}", icon=":material/error:")
        return
    st.success(
        f"{entry.rows:,} texts of {len(entry.facts['classes'])} classes taken in as “{entry.name}” (columns "
        f"“{entry.facts['text']}” and “{entry.facts['label']}”).",
        icon=":material/check_circle:",
    )
