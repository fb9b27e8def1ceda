"""Predict panel for photos: samples, files, zips, the camera or the clipboard; each gets a prediction or an error."""

import hashlib
import io
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from dlcore import projects
from dlcore.core import settings
from dlcore.core.errors import DataError, one_line
from dlcore.core.markdown import as_text
from dlcore.data.images import uploads
from dlcore.data.images.uploads import Photo, RejectedUpload
from dlcore.evaluation.metrics import format_percent
from dlcore.projects.project import Project
from dlcore.projects.vision import food
from dlcore.projects.vision import images as vision_images
from dlcore.runs import Bundle, Run, latency
from dlcore.ui.compare.networks import offer_networks
from dlcore.ui.components.gallery.component import Thumbnail, show_gallery
from dlcore.ui.components.paste.component import paste_image
from dlcore.ui.modalities.predict import show_label
from dlcore.ui.shell.cache import cache_data, cache_resource
from dlcore.ui.shell.first_paint import main_picture
from dlcore.ui.shell.links import OPEN
from dlcore.ui.widgets import batch, run_cache, samples
from dlcore.ui.widgets.bars import show_probabilities
from dlcore.ui.widgets.choice import choose
from dlcore.ui.widgets.metric_table import summarize_run

FILES, CAMERA, PASTE = "My photos", "Camera", "Paste"
FILES_KEY = "food-files"
TOP = 5
LAST_PHOTO = "food-photo"
"""Session key of the photo shown last, for Explain."""
UPLOADS = "food-uploads"
"""Session key of the uploaded files, which stay when another panel is shown."""
SAMPLE_KEY = "food-sample"
"""Session key of the selected sample; absent while the user's photos are shown."""
SAMPLES = settings.ASSETS / "samples" / "food"
MAX_SAMPLES = 10


@dataclass(frozen=True)
class PhotoPrediction:
    """A photo, its pixels as the model reads them (H, W, 3) uint8, the project's answer, and the seconds it took:
    0 while a run was active, which would slow it down.
    """

    photo: Photo
    pixels: np.ndarray
    answer: dict[str, Any]
    seconds: float

    @property
    def thumbnail_label(self) -> str:
        """Label and probability, with a question mark if the prediction is uncertain."""
        mark = " (?)" if self.answer["uncertain"] else ""
        return f"{class_title(self.answer['label'])} {format_percent(self.answer['probability'], digits=0)}{mark}"


@dataclass(frozen=True)
class SamplePhoto:
    """A drawing, or a test photo with its stored `answer`: name, and pixels (H, W, 3) uint8."""

    name: str
    pixels: np.ndarray
    answer: dict[str, Any] | None = None

    @property
    def photo(self) -> Photo:
        """The sample as a file."""
        file = io.BytesIO()
        Image.fromarray(self.pixels).save(file, "PNG")
        return Photo(self.name, file.getvalue())


def predict(project: Project, run: Run | None) -> None:
    """Show a drop zone for photos with samples below it, and the prediction beside it."""
    bundle = run_cache.finished_bundle(run, to_see="predictions for your photos")
    if bundle is None or run is None:
        return
    st.markdown(f":small[{summarize_run(project, bundle)}]")
    with main_picture():
        left, right = st.columns(2)
        with left:
            files, sample = _choose_photos(run, bundle)
        with right:
            if sample is not None:
                _show_sample(sample, bundle)
            elif files:
                _show_photos(bundle, files)
    if sample is None and st.session_state.get(FILES_KEY):
        batch.offer_table(bundle, st.session_state[FILES_KEY], key=project.slug)


def _choose_photos(run: Run, bundle: Bundle) -> tuple[Iterable[tuple[str, bytes]], SamplePhoto | None]:
    """Draw the drop zone and the samples; returns the user's files, and the sample unless files were chosen last."""
    source = choose("Your photo", [FILES, CAMERA, PASTE], key="food-input", on_change=_forget_sample)
    files = {FILES: _upload, CAMERA: _take_photo, PASTE: _paste}[source or FILES]()
    sample = _choose_sample(run, bundle, can_select=not files)
    return files, sample


def _choose_sample(run: Run, bundle: Bundle, *, can_select: bool) -> SamplePhoto | None:
    """Draw a gallery: a test photo of each class if the dataset is on this machine, else drawings.

    Returns the selected one; without `can_select` only after a click.
    """
    options = _test_photos(run, bundle) if samples.is_available(run.config) else _drawings()
    if not options:
        st.info("This installation has no sample images: upload a photo.", icon=":material/image_not_supported:")
        return None
    selected = int(st.session_state.get(SAMPLE_KEY, 0 if can_select else -1))
    selected = min(selected, len(options) - 1)
    show_gallery(
        [Thumbnail(samples.shrink(option.pixels, side=128), class_title(option.name)) for option in options],
        selected=selected,
        on_select=_select_sample,
        label="Sample photos",
        key="food-gallery",
    )
    st.caption(
        "Test photos."
        if options[0].answer
        else "Drawings; the model was trained on photos, so they are flagged as unlike them."
    )
    return options[selected] if selected >= 0 else None


def _select_sample(index: int) -> None:
    st.session_state[SAMPLE_KEY] = index


def _test_photos(run: Run, bundle: Bundle) -> list[SamplePhoto]:
    """Return the first test photo of each class, with its stored prediction."""
    stored, test_pixels = run_cache.predictions(bundle), samples.load_run_images(run.config).test_pixels
    _, rows = np.unique(stored["test_targets"], return_index=True)
    return [
        SamplePhoto(
            bundle.labels[int(stored["test_targets"][row])],
            np.asarray(test_pixels[int(stored["test_ids"][row])]),
            run_cache.stored_prediction(bundle, int(row)),
        )
        for row in rows[:MAX_SAMPLES]
    ]


def _drawings() -> list[SamplePhoto]:
    return [SamplePhoto(file.stem, np.array(Image.open(file).convert("RGB"))) for file in sorted(SAMPLES.glob("*.png"))]


def _show_sample(sample: SamplePhoto, bundle: Bundle) -> None:
    """Show the prediction of a sample: the stored one of a test photo, the model's of a drawing."""
    photo = sample.photo
    st.session_state[LAST_PHOTO] = (photo.name, photo.payload)
    if sample.answer is None:
        _show_photo(predict_photo(bundle, photo), bundle)
        return
    _show_photo(PhotoPrediction(photo, sample.pixels, sample.answer, 0.0), bundle)
    verdict = "correct" if sample.answer["label"] == sample.name else "incorrect"
    st.markdown(f"Actual: “{as_text(class_title(sample.name))}”. The prediction is **{verdict}**.")


def _upload() -> Iterable[tuple[str, bytes]]:
    """Return the uploaded files, each copied from the server's memory only when needed.

    If another panel was shown in between, these are the files of before.
    """
    files = st.file_uploader(
        "Drop a photo here: one, several, or a zip",
        accept_multiple_files=True,
        key=FILES_KEY,
        max_upload_size=uploads.MAX_ZIP_BYTES // 2**20,
        on_change=_store_uploads,
        help=f"Up to {uploads.MAX_PHOTOS} photos at once, in any common format: the content decides, not the name. "
        "They stay in memory while this page is open and are never stored.",
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
    _forget_sample()


def _take_photo() -> list[tuple[str, bytes]]:
    photo = st.camera_input("Point it at a dish", key="food-camera", on_change=_forget_sample)
    return [("camera", photo.getvalue())] if photo else []


def _forget_sample() -> None:
    """Show the user's photo instead of a sample."""
    st.session_state.pop(SAMPLE_KEY, None)


def _paste() -> list[tuple[str, bytes]]:
    payload = paste_image(key="food-paste")
    if payload != st.session_state.get("food-pasted", b""):
        st.session_state["food-pasted"] = payload
        _forget_sample()
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
    left, right = st.columns([1, 3])
    with left:
        samples.show_images([prediction.pixels], ["model input"], alt="The photo", width=104)
    with right:
        show_probabilities(np.array(values), [class_title(label) for label in labels])
        if prediction.seconds:
            st.caption(f"Predicted in {1000 * prediction.seconds:.0f} ms on this machine.")
    show_label(prediction.answer, bundle)
    offer_networks(projects.get(bundle.config.project), prediction.photo.payload)
    st.button("Explain this photo", icon=":material/psychology_alt:", key="food-explain", on_click=_open_explain)


def _open_explain() -> None:
    st.query_params[OPEN] = "explain"


def predict_photo(bundle: Bundle, photo: Photo) -> PhotoPrediction:
    """Return the run's prediction for a photo.

    Raises:
        DataError: the file is not an image that can be read.
    """
    digest = hashlib.sha256(photo.payload).hexdigest()
    return _predict(run_cache.bundle_key(bundle), digest, photo.name, _bundle=bundle, _photo=photo)


@cache_data(max_entries=128, show_spinner=False)
def _predict(key: str, digest: str, name: str, _bundle: Any, _photo: Photo) -> PhotoPrediction:
    model = _warm_model(key, _bundle, _photo.payload)
    start = time.perf_counter()
    answer = food.answer(model, _photo.payload)
    seconds = 0.0 if latency.is_machine_in_use() else time.perf_counter() - start
    return PhotoPrediction(_photo, vision_images.read_model_image(_photo.payload, model.preprocessing), answer, seconds)


@cache_resource(max_entries=8, show_spinner=False)
def _warm_model(key: str, _bundle: Any, _payload: bytes) -> Any:
    """Return the model after a first prediction, which also imports, allocates and selects kernels."""
    model = run_cache.load_model(_bundle)
    food.answer(model, _payload)
    return model


def first_drawing() -> tuple[str, bytes]:
    """Return name and bytes of the first sample drawing; empty if there is none."""
    file = next(iter(sorted(SAMPLES.glob("*.png"))), None)
    return (file.stem, file.read_bytes()) if file else ("", b"")


def class_title(label: str) -> str:
    """Return a class name for display."""
    return label.replace("_", " ")
