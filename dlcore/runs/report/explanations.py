"""One test sample of a classifier with the attribution of its predicted class."""

from collections.abc import Iterator

import numpy as np
import torch

from dlcore.core.errors import WorkbenchError
from dlcore.data.images import images
from dlcore.inference import predict as inference
from dlcore.plots import attribution as plots
from dlcore.projects.language import explain as text_explanations
from dlcore.projects.language import texts
from dlcore.projects.vision import explain as image_explanations
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.report.figures import ReportPart, figure_part
from dlcore.runs.report.samples import sample_image, sample_text

MOST_PIXELS = 64 * 64
"""Larger images take too long to explain for a report."""


def explanation_parts(bundle: Bundle, modality: str) -> list[ReportPart]:
    """Return figures that explain one prediction; none if its sample or the weights are not on this machine."""
    explain = {"image": _image, "text": _text}.get(modality)
    try:
        return [] if explain is None or not bundle.has_weights else list(explain(bundle))
    except WorkbenchError:
        return []


def _image(bundle: Bundle) -> Iterator[ReportPart]:
    pixels = sample_image(bundle)
    if pixels is None or "mean" not in bundle.preprocessing:
        return
    loaded = bundle.load()
    side = loaded.preprocessing.get("side")
    pixels = pixels if side is None else images.resize(pixels[None], int(side))[0]
    if pixels.shape[0] * pixels.shape[1] > MOST_PIXELS:
        return
    x = torch.from_numpy(images.to_model_input(pixels, loaded.preprocessing)[None])
    target = int(inference.forward_batch(loaded.module, x).argmax())
    question = image_explanations.prepare_explanation(loaded, pixels, target)
    method = question.default_method
    values = image_explanations.compute_map(question, method).values
    label = loaded.labels[target]
    yield figure_part(plots.picture(pixels), alt="A test image")
    figure = plots.image_attribution(values, label=label, one_sided=bool(values.min() >= 0))
    figure.update_layout(title=f"Evidence for “{label}”, {image_explanations.METHODS[method].lower()}")
    yield figure_part(figure, alt=f"Attribution of the predicted class, {label}")


def _text(bundle: Bundle) -> Iterator[ReportPart]:
    text = sample_text(bundle)
    if not text or bundle.preprocessing.get("kind") == texts.PIECES:
        return
    loaded = bundle.load()
    encoded = texts.encode_known_text(loaded, text.encode())
    target = int(np.argmax(texts.compute_outputs(loaded, [encoded.without(())])[0].numpy()))
    result = text_explanations.explain_text(loaded, encoded, target)
    figure = plots.token_contributions(encoded.words, result.values, label=loaded.labels[target])
    yield figure_part(figure, alt=f"Words of a test text and their evidence for {loaded.labels[target]}")
