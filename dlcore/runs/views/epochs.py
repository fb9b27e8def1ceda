"""What the epochs component shows: embedding, predictions and contents of validation samples, for the browser."""

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from dlcore import projects
from dlcore.data.images.transforms import resize
from dlcore.plots.packing import pack
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.views.contents import training_contents

SHORTEST_SIDE, LONGEST_SIDE, SHEET_PIXELS = 28, 96, 2_000_000
"""Pixels of a thumbnail's side, and of all thumbnails together."""
LETTERS = 200
"""Letters of a text that are shown."""


def epochs_data(bundle: Bundle) -> dict[str, Any] | None:
    """Return the data of the component `epochs`; None if the run recorded no epochs."""
    record = bundle.epochs()
    if record is None:
        return None
    stored, rows = bundle.predictions(), record.rows
    best = bundle.record.best
    ids = stored["validation_ids"][rows]
    data: dict[str, Any] = {
        "version": f"{bundle.record.run_id}-{record.epochs[-1]}",
        "labels": list(bundle.labels),
        "epochs": record.epochs.tolist(),
        "best": best.epoch if best else 0,
        "total": len(stored["validation_ids"]),
        "preserved": record.preserved.tolist(),
        "ids": pack(ids, dtype="float64"),
        "targets": pack(stored["validation_targets"][rows], dtype="int32"),
        "predicted": pack(record.scores.argmax(axis=2), dtype="int32"),
        "scores": pack(np.rint(255 * record.scores.astype(np.float32)), dtype="uint8"),
        "points": pack(record.points),
    }
    contents = training_contents(bundle.config, ids, modality=projects.get(bundle.config.project).modality)
    if isinstance(contents, list):
        data["texts"] = [text if len(text) <= LETTERS else f"{text[:LETTERS]}…" for text in contents]
    elif contents is not None:
        data |= _sheet(contents)
    return data


def _sheet(pixels: np.ndarray) -> dict[str, Any]:
    """Return images (N, H, W[, 3]) as one image of thumbnails: its data address, columns, and pixels of a side."""
    side = int(np.clip(np.sqrt(SHEET_PIXELS / len(pixels)), SHORTEST_SIDE, LONGEST_SIDE))
    small = resize(pixels, side) if max(pixels.shape[1:3]) > side else pixels
    height, width = small.shape[1:3]
    columns = int(np.ceil(np.sqrt(len(small))))
    sheet = np.zeros((-(-len(small) // columns) * columns, *small.shape[1:]), np.uint8)
    sheet[: len(small)] = small
    grid = sheet.reshape(-1, columns, *small.shape[1:]).swapaxes(1, 2)
    file = io.BytesIO()
    image = Image.fromarray(grid.reshape(grid.shape[0] * height, columns * width, *small.shape[3:]))
    image.save(file, "WEBP", quality=75)
    address = f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
    return {"sheet": address, "columns": columns, "side": height}
