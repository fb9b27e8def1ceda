"""What every form for a file of one's own shares: looked at before it is kept, named, listed, and taken away again."""

from collections.abc import Callable
from typing import TypeVar

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dlcore.core.errors import WorkbenchError, one_line
from dlcore.data.custom import registry as own
from dlcore.data.custom.registry import CustomDataset
from dlcore.data.series.csv_file import BYTES_LIMIT, Sheet, open_sheet
from dlcore.data.sources import locate as sources

Intake = TypeVar("Intake")
"""What was read of the file and checked, before it is kept."""


def show_form(
    what: str,
    *,
    icon: str,
    about: str,
    look: Callable[[UploadedFile], Intake],
    preview: Callable[[Intake], None],
    keep: Callable[[str, Intake, str], CustomDataset],
) -> None:
    """The form that takes a CSV in; the page is drawn anew once it is kept, and `pop_added` tells its name then.

    `what` is "series" or "table"; `look` reads and checks the file, `preview` shows what would be kept, `keep` keeps it
    under a name, with the file's own name beside it.
    """
    with st.expander(f"Add a {what} of your own (CSV)", icon=icon):
        st.caption(about)
        file = st.file_uploader(
            "Your CSV", type=["csv", "txt", "tsv"], key=f"own-{what}-file", max_upload_size=BYTES_LIMIT // 2**20
        )
        if file is None:
            return
        try:
            intake = look(file)
        except WorkbenchError as error:
            st.error(f"Nothing was kept: {one_line(error)}", icon=":material/error:")
            return
        preview(intake)
        wish = own.free_name(file.name.rpartition(".")[0] or file.name, reserved=sources.DATASETS)
        name = st.text_input(
            "Call it", wish, key=f"own-{what}-name-{file.file_id}", max_chars=40, help="Letters, digits, - and _."
        )
        if st.button(f"Keep this {what}", type="primary", icon=":material/save:", key=f"own-{what}-keep"):
            try:
                entry = keep(name.strip(), intake, file.name)
            except WorkbenchError as error:
                st.error(one_line(error), icon=":material/error:")
                return
            st.session_state[_added(what)] = entry.dataset
            st.rerun()


def pop_added(what: str) -> str:
    """The dataset that was kept just now, told once; empty where there is none."""
    return str(st.session_state.pop(_added(what), ""))


def sheet(file: UploadedFile) -> Sheet:
    """The file as a table of texts, read once.

    Raises:
        DataError: it is no CSV that can be read.
    """
    with st.spinner("Reading the file"):
        found: Sheet = _sheet(file.file_id, _payload=file.getvalue())
    return found


def remove(entry: CustomDataset) -> None:
    """A button that deletes a dataset of one's own once that is confirmed."""
    with st.popover("Remove this dataset", icon=":material/delete:"):
        st.markdown("Its copy on this machine is deleted. Runs made from it keep their scores.")
        if st.button("Remove it", type="primary", key=f"remove-{entry.name}"):
            try:
                own.remove(entry.name)
            except WorkbenchError as error:
                st.error(one_line(error), icon=":material/error:")
                return
            st.toast(f"'{entry.name}' is removed.", icon=":material/delete:")
            st.rerun()


def list_datasets(kind: own.Kind, said: Callable[[CustomDataset], str]) -> None:
    """What is kept of a kind, a line each, and the button that takes it away."""
    for entry in own.list_datasets(kind):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(
                f"**{entry.name}**: {said(entry)}, from {entry.source}. Choose it as the dataset under Train.",
                width="stretch",
            )
            remove(entry)


def _added(what: str) -> str:
    return f"own-{what}-added"


@st.cache_resource(max_entries=2, show_spinner=False)
def _sheet(file_id: str, _payload: bytes) -> Sheet:
    return open_sheet(_payload)
