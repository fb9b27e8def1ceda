"""Latency of one photo prediction: dlcore against a plain torchvision call. Prints JSON.

`python tests/benchmarks/food.py [--photos 40]`. The plain call opens the same JPEG with Pillow, resizes it with
torchvision's transforms and runs the same network, in torchvision's memory layout.
"""

import argparse
import io
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision import models
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dlcore import projects
from dlcore.core import devices
from dlcore.data.sources import weights
from dlcore.models.transfer import TransferConfig, TransferNet
from dlcore.projects.project import LoadedModel
from dlcore.projects.vision import food

SIDE = 256


def create_photo(seed: int) -> bytes:
    """Return a JPEG of 640 x 480 pixels with structure at all scales."""
    small = np.random.default_rng(seed).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(small).resize((640, 480), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    return file.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=40)
    count = parser.parse_args().photos
    config = projects.configure("food", model="mobilenet_v2")
    network = models.mobilenet_v2(num_classes=10).eval()
    prepare = v2.Compose(
        [
            v2.PILToTensor(),
            v2.Resize(SIDE, antialias=True),
            v2.CenterCrop(SIDE),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(weights.MEAN, weights.STD),
        ]
    )
    ours = LoadedModel(
        TransferNet(TransferConfig(), backbone="mobilenet_v2", classes=10).eval(),
        config,
        {},
        {"kind": "picture", "channels": 3, "side": SIDE, "mean": list(weights.MEAN), "std": list(weights.STD)},
        tuple("abcdefghij"),
    )

    def predict_plain(payload: bytes) -> torch.Tensor:
        with torch.inference_mode():
            return network(prepare(Image.open(io.BytesIO(payload)).convert("RGB"))[None]).softmax(1)

    times: dict[str, list[float]] = {"ours": [], "plain": []}
    for number in range(count + 3):
        payload = create_photo(number)
        for name, call in (("ours", lambda p: food.answer(ours, p)), ("plain", predict_plain)):
            start = time.perf_counter()
            call(payload)
            if number >= 3:
                times[name].append(1000 * (time.perf_counter() - start))
    medians = {name: round(statistics.median(values), 2) for name, values in times.items()}
    ratio = statistics.median(a / b for a, b in zip(times["ours"], times["plain"], strict=True))
    machine = {"processor": devices.describe()["processor"], "threads": torch.get_num_threads()}
    print(json.dumps({"median_ms": medians, "ratio": round(ratio, 3), "photos": count, "side": SIDE, **machine}))


if __name__ == "__main__":
    main()
