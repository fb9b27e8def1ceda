"""Examples in a report: test samples of a classifier with the most confident errors first, and decoded sequences."""

import base64
import io
from collections.abc import Mapping, Sequence

import numpy as np

from dlcore.core.errors import WorkbenchError
from dlcore.data.images import thumbnails
from dlcore.evaluation import classification
from dlcore.projects.language import seq2seq
from dlcore.projects.run_config import RunConfig
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.report.markup import Markup, join, table, tag
from dlcore.runs.views.contents import load_images, load_texts

MAX_IMAGES, MAX_TEXTS = 14, 8
MAX_LETTERS = 320
"""Letters of a text that are content."""
SIDE = 160
"""Pixels of the longer side of an image."""


def classifier_examples(bundle: Bundle, stored: Mapping[str, np.ndarray], *, modality: str) -> Markup | None:
    """Return the most confident errors on the test split; None if their samples are not on this machine."""
    scores, targets, labels = stored["test_scores"], stored["test_targets"], bundle.labels
    threshold = 0.5 if bundle.threshold is None else bundle.threshold
    errors = classification.most_confident_errors(scores, targets, threshold=threshold, count=len(targets))
    if not len(errors):
        return tag("p", "No errors on the test split.")
    predicted = classification.predicted_classes(scores, threshold=threshold)
    show = _images if modality == "image" else _texts
    try:
        return show(bundle.config, stored["test_ids"], errors, (labels, predicted, targets, scores))
    except WorkbenchError:
        return None


_Answers = tuple[Sequence[str], np.ndarray, np.ndarray, np.ndarray]


def _images(config: RunConfig, ids: np.ndarray, errors: np.ndarray, answers: _Answers) -> Markup | None:
    labels, predicted, targets, scores = answers
    figures = []
    for row, pixels in load_pixels(config, ids, errors):
        name, actual = labels[predicted[row]], labels[targets[row]]
        caption = tag("figcaption", f"{name}, {scores[row, predicted[row]]:.0%}; actual: {actual}")
        photo = {"class_": "dlr-photo"} if max(pixels.shape[:2]) > SIDE // 2 else {}
        image = tag("img", src=to_png(pixels), alt=f"Predicted {name}, actual {actual}", **photo)
        figures.append(tag("figure", image, caption, class_="dlr-example"))
    return tag("div", *figures, class_="dlr-examples") if figures else None


def load_pixels(
    config: RunConfig, ids: np.ndarray, errors: np.ndarray, *, strict: bool = True
) -> list[tuple[int, np.ndarray]]:
    """Return pairs of row and image: of the dataset if it is on this machine, else of those that ship.

    Unless `strict`, other test images stand in for rows that do not ship.
    """
    if (data := load_images(config)) is not None:
        return [(int(row), np.asarray(data.test_pixels[ids[row]])) for row in errors[:MAX_IMAGES]]
    shipped = thumbnails.find(config.dataset)
    rows = [] if shipped is None else [row for row in errors if ids[row] in shipped.rows]
    if shipped is not None and not strict and not rows:
        rows = np.flatnonzero(np.isin(ids, list(shipped.rows)))[: len(errors)].tolist()
    return [(int(row), shipped.image(int(ids[row]))) for row in rows[:MAX_IMAGES] if shipped is not None]


def to_png(pixels: np.ndarray, *, side: int = SIDE) -> str:
    """Return an image (H, W) or (H, W, 3) as a data address, with at most `side` pixels on its longer side."""
    from PIL import Image

    image = Image.fromarray(pixels.astype(np.uint8))
    image.thumbnail((side, side))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _texts(config: RunConfig, ids: np.ndarray, errors: np.ndarray, answers: _Answers) -> Markup | None:
    labels, predicted, targets, scores = answers
    texts = zip(errors, load_texts(config, ids[errors]), strict=True)
    cells = [
        (shorten(text), labels[predicted[row]], f"{scores[row, predicted[row]]:.0%}", labels[targets[row]])
        for row, text in texts
        if text
    ][:MAX_TEXTS]
    header = ("Text", "Predicted", "Confidence", "Actual")
    content = table(header, cells, label="Most confident errors")
    return tag("div", content, class_="dlr-texts") if cells else None


def shorten(text: str) -> str:
    """Return a text, or its first words if it is long."""
    return text if len(text) <= MAX_LETTERS else text[:MAX_LETTERS].rsplit(" ", 1)[0] + " …"


def sequence_examples(bundle: Bundle, stored: Mapping[str, np.ndarray]) -> Markup:
    """Return sources with the decoded output and the target: first the most confident errors, then correct ones."""
    correct = (stored["test_written"] == stored["test_targets"]).all(axis=1)
    wrong = np.flatnonzero(~correct)
    wrong = wrong[np.argsort(stored["test_scores"][wrong])[::-1]][: MAX_TEXTS // 2]
    rows = np.r_[wrong, np.flatnonzero(correct)[: MAX_TEXTS - len(wrong)]]
    source, target = seq2seq.alphabets(bundle.preprocessing)
    columns = (
        seq2seq.decode_rows(stored["test_sources"][rows], source),
        seq2seq.decode_rows(stored["test_written"][rows], target),
        seq2seq.decode_rows(stored["test_targets"][rows], target),
        ["correct" if correct[row] else "incorrect" for row in rows],
    )
    cells = list(zip(*columns, strict=True))
    errors = tag("p", f"{(~correct).sum():,} of {len(correct):,} test items are incorrect.", class_="dlr-note")
    return join((errors, table(("Source", "Output", "Target", ""), cells, label="Examples")))
