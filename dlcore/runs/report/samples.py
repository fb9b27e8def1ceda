"""Test samples to try the model of a report on: images, texts, the end of a series."""

from typing import Any

import numpy as np

from dlcore.core.errors import WorkbenchError
from dlcore.data.series import series as series_data
from dlcore.projects.language import seq2seq
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.report.examples import load_pixels, shorten, to_png
from dlcore.runs.views.contents import load_texts

COUNT = 6
ROWS = 400
"""Rows of a series; at least four windows."""


def model_samples(bundle: Bundle, kind: str) -> list[Any]:
    """Return samples for `ui/components/model`, fewer or none if their data is not on this machine."""
    try:
        return _SAMPLES[kind](bundle) if kind in _SAMPLES else []
    except WorkbenchError:
        return []


def sample_image(bundle: Bundle) -> np.ndarray | None:
    """Return the pixels of one test image; None if there is none on this machine."""
    ids = bundle.predictions()["test_ids"]
    pixels = load_pixels(bundle.config, ids, np.zeros(1, int), strict=False)
    return pixels[0][1] if pixels else None


def sample_text(bundle: Bundle) -> str:
    """Return one test text; empty if there is none on this machine."""
    return (
        next((text for text in _texts(bundle) if isinstance(text, str)), "") if "words" in bundle.preprocessing else ""
    )


def _images(bundle: Bundle) -> list[Any]:
    ids = bundle.predictions()["test_ids"]
    rows = np.linspace(0, len(ids) - 1, COUNT).astype(int)
    return [to_png(pixels, side=256) for _, pixels in load_pixels(bundle.config, ids, rows, strict=False)]


def _texts(bundle: Bundle) -> list[Any]:
    ids = bundle.predictions()["test_ids"]
    texts = load_texts(bundle.config, ids[np.linspace(0, len(ids) - 1, COUNT).astype(int)])
    return [shorten(text) for text in texts if text]


def _sources(bundle: Bundle) -> list[Any]:
    source, _ = seq2seq.alphabets(bundle.preprocessing)
    return seq2seq.decode_rows(bundle.predictions()["test_sources"][:COUNT], source)


def _series(bundle: Bundle) -> list[Any]:
    series = series_data.load(bundle.config.dataset, checksum=bundle.config.data_checksum)
    count = max(ROWS, 4 * bundle.facts["window"])
    times = np.datetime_as_string(series.times[-count:].astype("datetime64[ms]"), unit="s")
    lines = [f"{time},{value:.10g}" for time, value in zip(times, series.values[-count:].tolist(), strict=True)]
    return [{"name": f"The last {len(lines)} points", "text": "\n".join(("time,value", *lines))}]


def _recall(bundle: Bundle) -> list[Any]:
    return ["a3 b7 c1 b?", "d4 e8 f2 a5 d?"]


_SAMPLES = {"image": _images, "text": _texts, "decoder": _sources, "score": _series, "recall": _recall}
