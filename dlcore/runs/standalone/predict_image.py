"""The prediction script of an image classifier: label and probabilities of an image file (read with Pillow)."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from dlcore.data.images.files import read_gray, read_rgb
from dlcore.data.images.transforms import to_model_input
from dlcore.runs.standalone.predict_common import describe_classes, read_facts, run_network


def read_image(path: str, preprocessing: dict[str, Any]) -> np.ndarray:
    """Read an image, or an array (H, W) or (H, W, 3) of uint8 pixels from an .npy file."""
    if path.endswith(".npy"):
        pixels: np.ndarray = np.load(path)
        return pixels
    side = preprocessing.get("side", 0)
    payload = Path(path).read_bytes()
    if preprocessing.get("channels", 1) == 1:
        return read_gray(payload, height=side or preprocessing["height"], width=side or preprocessing["width"])
    return read_rgb(payload, side=side).pixels


def predict(path: str) -> dict[str, Any]:
    """Return label and probabilities of an image file."""
    facts = read_facts()
    x = to_model_input(read_image(path, facts["preprocessing"]), facts["preprocessing"])
    return describe_classes(run_network(x[None])[0], facts)


def main() -> None:
    """Print the answer to each image file on the command line as JSON."""
    for path in sys.argv[1:]:
        sys.stdout.write(f"{json.dumps(predict(path))}\n")
