"""The user's image: uploaded once, and used by all panels and image pages of the session."""

from typing import Any

import streamlit as st

from dlcore.core.errors import DataError
from dlcore.core.markdown import as_text, error_line
from dlcore.evaluation.metrics import format_percent
from dlcore.projects.project import Project
from dlcore.runs import Bundle
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.choice import choose

TEST, UPLOADED = "Test image", "Your image"
_WIDGET, _IMAGE = "image-upload", "uploaded-image"


def choose_source() -> bool:
    """Draw the switch between a test image and the user's image; returns whether it is the user's."""
    return bool(choose("Image", [TEST, UPLOADED], key="explained-input") == UPLOADED)


def upload_image(project: Project) -> bytes | None:
    """Draw the upload; returns the file, or the one that was uploaded before on another panel; None without any."""
    file = st.file_uploader(
        "Your image", key=_WIDGET, max_upload_size=project.input_limit // 2**20, on_change=_keep_image
    )
    if file is not None:
        return file.getvalue()
    previous: tuple[str, bytes] | None = st.session_state.get(_IMAGE)
    if previous is None:
        st.info("Choose an image.", icon=":material/upload_file:")
        return None
    left, right = st.columns([3, 1], vertical_alignment="center")
    left.caption(f"Uploaded before: “{as_text(previous[0])}”.")
    right.button("Remove", icon=":material/close:", key=f"{_WIDGET}-remove", on_click=_forget_image)
    return previous[1]


def answer_upload(project: Project, bundle: Bundle) -> dict[str, Any] | None:
    """Draw the upload and the predicted class; return the run's prediction, None without a readable image."""
    payload = upload_image(project)
    if payload is None:
        return None
    try:
        prediction = project.answer(run_cache.load_model(bundle), payload)
    except DataError as error:
        st.error(error_line(error), icon=":material/error:")
        return None
    warning = ", **low confidence**" if prediction["uncertain"] else ""
    label, probability = as_text(prediction["label"]), format_percent(prediction["probability"])
    st.markdown(
        f"Predicted: **{label}** ({probability}){warning}.{run_cache.threshold_note(bundle.labels, prediction)}"
    )
    return prediction


def _keep_image() -> None:
    file = st.session_state.get(_WIDGET)
    if file is None:
        _forget_image()
    else:
        st.session_state[_IMAGE] = (file.name, file.getvalue())


def _forget_image() -> None:
    st.session_state.pop(_IMAGE, None)
