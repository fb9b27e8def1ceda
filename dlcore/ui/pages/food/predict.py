"""Try it for photos: samples, files, zips, the camera, the clipboard; each answered, doubted, or refused in a line."""

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from dlcore.core import settings
from dlcore.core.errors import DataError, one_line
from dlcore.data.images import uploads
from dlcore.data.images.uploads import Photo, RejectedUpload
from dlcore.evaluation import abstention, calibration
from dlcore.evaluation.abstention import AbstentionRule
from dlcore.plots import classification as plots
from dlcore.projects.project import Project
from dlcore.projects.vision import food
from dlcore.runs import Bundle, Run
from dlcore.ui.components.paste.component import paste_image
from dlcore.ui.modalities.predict import test_sample
from dlcore.ui.widgets import run_cache, samples
from dlcore.ui.widgets.figure import show_figure

DRAWN, FILES, CAMERA, PASTE, TEST = "Samples", "My photos", "Camera", "Paste", "A test photo"
TOP = 5
FORMATS = ["jpg", "jpeg", "png", "webp", "gif", "bmp", "zip"]
KEPT = "food-photo"
"""Where the session keeps the photo that was looked at last, for Explain."""
SAMPLES = settings.ASSETS / "samples" / "food"


@dataclass(frozen=True)
class Answer:
    """One photo as it was seen, (H, W, 3) uint8; calibrated probabilities (K,); and the seconds it took."""

    name: str
    pixels: np.ndarray
    scores: np.ndarray
    seconds: float


def try_it(project: Project, run: Run | None) -> None:
    """Choose where the photo comes from, and see what the model makes of it."""
    bundle = run_cache.finished_bundle(run, to_see="what a trained model says of your own photos")
    if bundle is None or run is None:
        return
    chosen = st.segmented_control(
        "Which photo",
        [DRAWN, FILES, CAMERA, PASTE, TEST],
        default=DRAWN,
        required=True,
        key="food-input",
        bind="query-params",
    )
    if chosen == TEST:
        test_sample(project, run, bundle)
        return
    given = {DRAWN: _drawn, FILES: _files, CAMERA: _camera, PASTE: _pasted}[chosen or DRAWN]()
    if given:
        _answers(project, bundle, given)


def _drawn() -> list[tuple[str, bytes]]:
    files = sorted(SAMPLES.glob("*.png"))
    if not files:
        st.info("No sample pictures came with this copy: hand in your own.", icon=":material/image_not_supported:")
        return []
    st.caption(
        "Ten drawings of ours, so that there is something to judge at once. The model has only ever seen photographs: "
        "some drawings it takes for dishes, others make it doubt."
    )
    name: str = st.selectbox("Drawing", [file.stem for file in files], format_func=class_title, key="food-drawn")
    return [(name, _read(SAMPLES / f"{name}.png"))]


def _files() -> Iterable[tuple[str, bytes]]:
    """The files handed in, each copied out of the server's memory only when its turn comes."""
    found = st.file_uploader(
        "One photo, several, or a zip of photos",
        type=FORMATS,
        accept_multiple_files=True,
        key="food-files",
        max_upload_size=uploads.MAX_ZIP_BYTES // 2**20,
    )
    st.caption(
        f"Up to {uploads.MAX_PHOTOS} photos at once. They stay in memory while this page is open and are written "
        "nowhere. A file marked red is of a kind that is not read: save it as JPEG (iPhone photos are often HEIC)."
    )
    return ((file.name, file.getvalue()) for file in found) if found else ()


def _camera() -> list[tuple[str, bytes]]:
    found = st.camera_input("Point it at a dish", key="food-camera")
    return [("camera", found.getvalue())] if found else []


def _pasted() -> list[tuple[str, bytes]]:
    payload = paste_image(key="food-paste")
    return [("pasted picture", payload)] if payload else []


def _answers(project: Project, bundle: Bundle, given: Iterable[tuple[str, bytes]]) -> None:
    doubt = abstention_rule(bundle)
    answers: list[Answer] = []
    turned: list[RejectedUpload] = []
    payloads: list[bytes] = []
    for one in uploads.read_uploads(given):
        if isinstance(one, Photo):
            try:
                answers.append(answer_photo(bundle, one))
                payloads.append(one.payload)
            except DataError as error:
                turned.append(RejectedUpload(one.name, one_line(error)))
        else:
            turned.append(one)
    _refusals(turned)
    if not answers:
        return
    at = _which(answers, bundle.labels, doubt) if len(answers) > 1 else 0
    st.session_state[KEPT] = (answers[at].name, payloads[at])
    _say(answers[at], bundle.labels, doubt)


def _refusals(turned: list[RejectedUpload]) -> None:
    for one in turned[:5]:
        st.error(f"{_safe(one.name)}: {one.reason}", icon=":material/block:")
    if len(turned) > 5:
        with st.expander(f"{len(turned) - 5} more were refused", icon=":material/block:"):
            st.dataframe(
                {"File": [one.name for one in turned[5:]], "Why": [one.reason for one in turned[5:]]},
                hide_index=True,
                width="stretch",
            )


def _which(answers: list[Answer], labels: tuple[str, ...], doubt: AbstentionRule) -> int:
    """All photos small, each with its answer; gives the one to look at."""
    shown = answers[:24]
    said = [f"{class_title(labels[one.scores.argmax()])} {one.scores.max():.0%}{_mark(one, doubt)}" for one in shown]
    samples.show_images([one.pixels for one in shown], said, alt="A photo of yours", width=104)
    if len(answers) > len(shown):
        st.caption(f"and {len(answers) - len(shown)} more below")
    at: int = st.selectbox(
        "Look at",
        range(len(answers)),
        key="food-which",
        format_func=lambda k: f"{k + 1}. {answers[k].name}: {class_title(labels[answers[k].scores.argmax()])}",
    )
    return at


def _say(one: Answer, labels: tuple[str, ...], doubt: AbstentionRule) -> None:
    order = np.argsort(-one.scores)[:TOP]
    best = float(one.scores[order[0]])
    left, right = st.columns([1, 2], gap="large")
    with left:
        samples.show_images([one.pixels], ["as the model saw it"], alt="The photo", width=256)
        st.caption(f"Answered in {1000 * one.seconds:.0f} ms on this machine.")
    with right:
        figure = plots.class_probabilities(one.scores[order], [class_title(labels[k]) for k in order])
        alt = f"The five likeliest; first is {class_title(labels[order[0]])} at {best:.1%}"
        show_figure(figure, key="food-bars", alt=alt)
        if doubt.doubts(best):
            st.warning(
                f"**This may not be one of my {len(labels)} classes.** "
                f"If it is one, **{class_title(labels[order[0]])}** "
                f"({best:.1%}) is likeliest.",
                icon=":material/help:",
            )
        else:
            st.markdown(f"The model says **{class_title(labels[order[0]])}**, with a probability of {best:.1%}.")
        st.caption(describe_rule(doubt))


def describe_rule(doubt: AbstentionRule) -> str:
    """The rule of doubt, in words with its numbers."""
    return (
        f"Probabilities are calibrated: the scores are divided by {doubt.temperature:.2f}, fitted on validation. An "
        f"answer below {doubt.least:.0%} is doubted, which 1 in {round(1 / abstention.SHARE)} validation photos was; "
        f"on test {doubt.alarms:.1%} of {doubt.n:,} photos were doubted although each shows one of the classes (95 % "
        f"interval {doubt.low:.1%} to {doubt.high:.1%}). How often a strange picture is caught was not measured."
    )


def abstention_rule(bundle: Bundle) -> AbstentionRule:
    """The run's temperature and rule of doubt."""
    return _doubt(run_cache.bundle_key(bundle), _bundle=bundle)


@st.cache_data(max_entries=16, show_spinner=False)
def _doubt(key: str, _bundle: Any) -> AbstentionRule:
    stored = run_cache.predictions(_bundle)
    return abstention.fit_abstention_rule(
        stored["validation_scores"], stored["validation_targets"], stored["test_scores"]
    )


def answer_photo(bundle: Bundle, one: Photo) -> Answer:
    """What the run says of a photo.

    Raises:
        DataError: it is no picture that can be read.
    """
    digest, temperature = hashlib.sha256(one.payload).hexdigest(), abstention_rule(bundle).temperature
    return _looked(run_cache.bundle_key(bundle), digest, one.name, temperature, _bundle=bundle, _one=one)


def first_drawing() -> tuple[str, bytes]:
    """The first of the drawings that came along; nothing where there are none."""
    file = next(iter(sorted(SAMPLES.glob("*.png"))), None)
    return (file.stem, _read(file)) if file else ("", b"")


@st.cache_data(max_entries=128, show_spinner=False)
def _looked(key: str, digest: str, name: str, temperature: float, _bundle: Any, _one: Photo) -> Answer:
    model = run_cache.load_model(_bundle)
    begin = time.perf_counter()
    pixels, scores = food.classify_photo(model, _one.payload)
    seconds = time.perf_counter() - begin
    return Answer(name, pixels, calibration.apply_temperature(scores[None], temperature)[0], seconds)


def _mark(one: Answer, doubt: AbstentionRule) -> str:
    return " (?)" if doubt.doubts(float(one.scores.max())) else ""


def class_title(label: str) -> str:
    """A name as it is said."""
    return label.replace("_", " ")


def _safe(name: str) -> str:
    """A stranger's name inside Markdown: as code, so that nothing in it is read as a link or a picture."""
    return f"`{name.replace('`', chr(39))}`"


def _read(path: Path) -> bytes:
    return path.read_bytes()
