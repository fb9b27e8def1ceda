"""Predict panel for photos: samples, files, zips, the camera or the clipboard; each gets a prediction or an error."""

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from dlcore.core import settings
from dlcore.core.errors import DataError, one_line
from dlcore.core.markdown import as_text
from dlcore.data.images import uploads
from dlcore.data.images.uploads import Photo, RejectedUpload
from dlcore.plots import classification as plots
from dlcore.projects.project import Project
from dlcore.projects.vision import food
from dlcore.projects.vision import images as vision_images
from dlcore.runs import Bundle, Run
from dlcore.ui.components.paste.component import paste_image
from dlcore.ui.modalities.predict import show_label, test_sample
from dlcore.ui.widgets import batch, run_cache, samples
from dlcore.ui.widgets.figure import show_figure

DRAWINGS, FILES, CAMERA, PASTE, TEST = "Samples", "My photos", "Camera", "Paste", "A test photo"
FILES_KEY = "food-files"
TOP = 5
LAST_PHOTO = "food-photo"
"""Session key of the photo shown last, for Explain."""
UPLOADS = "food-uploads"
"""Session key of the uploaded files, which stay when another panel is shown."""
SAMPLES = settings.ASSETS / "samples" / "food"


@dataclass(frozen=True)
class PhotoPrediction:
    """A photo, its pixels as the model reads them (H, W, 3) uint8, the project's answer, and the seconds it took."""

    photo: Photo
    pixels: np.ndarray
    answer: dict[str, Any]
    seconds: float

    @property
    def thumbnail_label(self) -> str:
        """Label and probability, with a question mark if the prediction is uncertain."""
        mark = " (?)" if self.answer["uncertain"] else ""
        return f"{class_title(self.answer['label'])} {self.answer['probability']:.0%}{mark}"


def predict(project: Project, run: Run | None) -> None:
    """Choose the source of the photo and show the prediction."""
    bundle = run_cache.finished_bundle(run, to_see="predictions for your photos")
    if bundle is None or run is None:
        return
    source = st.segmented_control(
        "Which photo",
        [DRAWINGS, FILES, CAMERA, PASTE, TEST],
        default=DRAWINGS,
        required=True,
        key="food-input",
        bind="query-params",
    )
    if source == TEST:
        test_sample(project, run, bundle)
        return
    read = {DRAWINGS: _choose_drawing, FILES: _upload, CAMERA: _take_photo, PASTE: _paste}[source or DRAWINGS]
    files = read()
    if files:
        _show_photos(bundle, files)
    if files and source == FILES:
        batch.offer_table(bundle, st.session_state["food-files"], key=project.slug)


def _choose_drawing() -> list[tuple[str, bytes]]:
    files = sorted(SAMPLES.glob("*.png"))
    if not files:
        st.info("This installation has no sample images: upload a photo.", icon=":material/image_not_supported:")
        return []
    st.caption("Ten drawings to start with. The model was trained on photos only, so some are flagged as uncertain.")
    name: str = st.selectbox("Drawing", [file.stem for file in files], format_func=class_title, key="food-drawn")
    return [(name, (SAMPLES / f"{name}.png").read_bytes())]


def _upload() -> Iterable[tuple[str, bytes]]:
    """Return the uploaded files, each copied from the server's memory only when needed.

    If another panel was shown in between, these are the files of before.
    """
    files = st.file_uploader(
        "One photo, several, or a zip of photos",
        accept_multiple_files=True,
        key=FILES_KEY,
        max_upload_size=uploads.MAX_ZIP_BYTES // 2**20,
        on_change=_store_uploads,
    )
    st.caption(
        f"Up to {uploads.MAX_PHOTOS} photos at once, in any common format: the content decides, not the name. They "
        "stay in memory while this page is open and are never stored."
    )
    if files:
        return ((file.name, file.getvalue()) for file in files)
    return _stored_uploads()


def _stored_uploads() -> list[tuple[str, bytes]]:
    stored: list[tuple[str, bytes]] = st.session_state.get(UPLOADS, [])
    if not stored:
        return []
    left, right = st.columns([3, 1], vertical_alignment="center")
    left.caption(f"Uploaded before: {len(stored)} file{'' if len(stored) == 1 else 's'}.")
    if right.button("Remove", icon=":material/close:", key="food-uploads-remove"):
        del st.session_state[UPLOADS]
        return []
    return stored


def _store_uploads() -> None:
    """Keep the uploaded files in the session, up to the size of one zip; a removed file is dropped."""
    files = st.session_state.get(FILES_KEY) or []
    small = sum(file.size for file in files) <= uploads.MAX_ZIP_BYTES
    st.session_state[UPLOADS] = [(file.name, file.getvalue()) for file in files] if small else []


def _take_photo() -> list[tuple[str, bytes]]:
    photo = st.camera_input("Point it at a dish", key="food-camera")
    return [("camera", photo.getvalue())] if photo else []


def _paste() -> list[tuple[str, bytes]]:
    payload = paste_image(key="food-paste")
    return [("pasted image", payload)] if payload else []


def _show_photos(bundle: Bundle, files: Iterable[tuple[str, bytes]]) -> None:
    predictions: list[PhotoPrediction] = []
    rejected: list[RejectedUpload] = []
    for upload in uploads.read_uploads(files):
        if isinstance(upload, RejectedUpload):
            rejected.append(upload)
            continue
        try:
            predictions.append(predict_photo(bundle, upload))
        except DataError as error:
            rejected.append(RejectedUpload(upload.name, one_line(error)))
    _show_rejected(rejected)
    if not predictions:
        return
    index = _choose_photo(predictions) if len(predictions) > 1 else 0
    photo = predictions[index].photo
    st.session_state[LAST_PHOTO] = (photo.name, photo.payload)
    _show_photo(predictions[index], bundle)


def _show_rejected(rejected: list[RejectedUpload]) -> None:
    for upload in rejected[:5]:
        st.error(f"{as_text(upload.name)}: {as_text(upload.reason)}", icon=":material/block:")
    if len(rejected) > 5:
        with st.expander(f"{len(rejected) - 5} more files rejected", icon=":material/block:"):
            st.dataframe(
                {
                    "File": [upload.name for upload in rejected[5:]],
                    "Reason": [upload.reason for upload in rejected[5:]],
                },
                hide_index=True,
                width="stretch",
            )


def _choose_photo(predictions: list[PhotoPrediction]) -> int:
    """Show thumbnails with labels; returns the index of the photo to show."""
    thumbnails = predictions[:24]
    samples.show_images(
        [prediction.pixels for prediction in thumbnails],
        [prediction.thumbnail_label for prediction in thumbnails],
        alt="Your photo",
        width=104,
    )
    if len(predictions) > len(thumbnails):
        st.caption(f"and {len(predictions) - len(thumbnails)} more below")
    index: int = st.selectbox(
        "Photo",
        range(len(predictions)),
        key="food-which",
        format_func=lambda k: f"{k + 1}. {predictions[k].photo.name}: {class_title(predictions[k].answer['label'])}",
    )
    return index


def _show_photo(prediction: PhotoPrediction, bundle: Bundle) -> None:
    labels, values = zip(*list(prediction.answer["probabilities"].items())[:TOP], strict=True)
    left, right = st.columns([1, 2], gap="large")
    with left:
        samples.show_images([prediction.pixels], ["model input"], alt="The photo", width=256)
        st.caption(f"Predicted in {1000 * prediction.seconds:.0f} ms on this machine.")
    with right:
        figure = plots.class_probabilities(np.array(values), [class_title(label) for label in labels])
        alt = f"The five most probable classes; first is {class_title(labels[0])} at {values[0]:.1%}"
        show_figure(figure, key="food-bars", alt=alt)
        show_label(prediction.answer, bundle)


def predict_photo(bundle: Bundle, photo: Photo) -> PhotoPrediction:
    """Return the run's prediction for a photo.

    Raises:
        DataError: the file is not an image that can be read.
    """
    digest = hashlib.sha256(photo.payload).hexdigest()
    return _predict(run_cache.bundle_key(bundle), digest, photo.name, _bundle=bundle, _photo=photo)


@st.cache_data(max_entries=128, show_spinner=False)
def _predict(key: str, digest: str, name: str, _bundle: Any, _photo: Photo) -> PhotoPrediction:
    model = run_cache.load_model(_bundle)
    start = time.perf_counter()
    answer = food.answer(model, _photo.payload)
    seconds = time.perf_counter() - start
    return PhotoPrediction(_photo, vision_images.read_model_image(_photo.payload, model.preprocessing), answer, seconds)


def first_drawing() -> tuple[str, bytes]:
    """Return name and bytes of the first sample drawing; empty if there is none."""
    file = next(iter(sorted(SAMPLES.glob("*.png"))), None)
    return (file.stem, file.read_bytes()) if file else ("", b"")


def class_title(label: str) -> str:
    """Return a class name for display."""
    return label.replace("_", " ")
