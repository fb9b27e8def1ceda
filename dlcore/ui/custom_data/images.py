"""Pictures of one's own: a zip of class folders handed in, looked at file by file, and what became of each."""

import streamlit as st

from dlcore.core.errors import WorkbenchError, one_line
from dlcore.data.custom import images as own_images
from dlcore.data.custom import registry as own
from dlcore.data.custom.registry import CustomDataset
from dlcore.projects.project import Project
from dlcore.ui.custom_data import upload_form
from dlcore.ui.widgets import samples

LIMIT_MB = 500
_ADDED = "own-images-added"


def show_form(project: Project) -> None:
    """The form that takes a zip in, and the list of what is kept."""
    st.subheader("Your own pictures", anchor=False)
    st.caption(
        "A zip with one folder for each class, the pictures of the class inside; folders called train and test above "
        "the classes are kept apart. Everything stays on this machine."
    )
    with st.form(f"own-images-{project.slug}", border=False, clear_on_submit=True):
        file = st.file_uploader("A zip of class folders", type="zip", key="own-images-file", max_upload_size=LIMIT_MB)
        name = st.text_input("Call it", key="own-images-name", placeholder="my-pictures", max_chars=40)
        sent = st.form_submit_button("Add", icon=":material/add_photo_alternate:")
    if sent and file is not None:
        _take_in(file.getvalue(), name or own.free_name(file.name.removesuffix(".zip")), file.name)
    for entry in own.list_datasets("images"):
        _listed(entry)


def _take_in(payload: bytes, name: str, source: str) -> None:
    try:
        with st.spinner("Looking at every picture"):
            entry = own_images.import_zip(payload, name, source=source)
    except WorkbenchError as error:
        st.error(f"Nothing was taken in: {one_line(error)}", icon=":material/error:")
        return
    samples.load_images.clear()  # another set of that name may have been looked at before
    st.session_state[_ADDED] = entry.dataset
    st.rerun()


def pop_added() -> str:
    """The dataset taken in just now, told once, with a word on it; empty where there is none."""
    name = str(st.session_state.pop(_ADDED, ""))
    entry = own.find(name) if name else None
    if entry is None:
        return ""
    left_out = int(entry.facts.get("refused_count", 0))
    st.success(
        f"{entry.rows:,} pictures of {len(entry.facts['classes'])} classes taken in as “{entry.name}”, {left_out:,} "
        f"file{'' if left_out == 1 else 's'} left out. This is what they look like; choose them as the dataset under "
        "Train.",
        icon=":material/check_circle:",
    )
    return name


def _listed(entry: CustomDataset) -> None:
    with st.expander(f"{entry.name}: {entry.rows:,} pictures, {len(entry.facts['classes'])} classes"):
        remarks = own_images.list_rejected(entry)
        if remarks:
            st.dataframe(
                {
                    "File": [one.name for one in remarks],
                    "What": ["converted" if one.used else "left out" for one in remarks],
                    "Why": [one.reason for one in remarks],
                },
                hide_index=True,
                width="stretch",
            )
        else:
            st.caption("Every file was a good picture.")
        upload_form.remove(entry)
