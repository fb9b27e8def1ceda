"""Pretrained backbones compared on photos of ten dishes: accuracy by number of photos, compute, size and latency.

    DLCORE_DATA=... python tests/benchmarks/food_backbones.py [--backbones efficientnet_lite1 ...]

Each is frozen; logistic regression learns on its pooled features, averaged over a photo and its mirror image, with C
from cross-validation on the training photos. Adds the rows to assets/food_backbones.json. Backbones whose weights are
not on this machine are left out. The seed draws the training photos; with all photos there is one seed.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch

from dlcore.core import devices
from dlcore.core.settings import ASSETS
from dlcore.data.images import images
from dlcore.data.sources import weights
from dlcore.data.stratify import stratified_sample
from dlcore.evaluation import linear, uncertainty
from dlcore.inference import cost
from dlcore.models.transfer import TransferConfig, TransferNet
from dlcore.projects.vision import food_features

TABLE = ASSETS / "food_backbones.json"
DATASET, SIDE = "food101_ten", 256


def main() -> None:
    """Measure and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbones", nargs="+", choices=list(weights.WEIGHTS), default=list(weights.WEIGHTS))
    parser.add_argument("--photos", type=int, nargs="+", default=[35, 105, 350], help="training photos per class")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    data = images.load(DATASET, side=SIDE)
    rows = json.loads(TABLE.read_text()) if TABLE.exists() else []
    for name in options.backbones:
        if weights.find(name) is None:
            print(f"{name}: its weights are not on this machine", file=sys.stderr)
            continue
        row = measure(name, data, photos=options.photos, seeds=options.seeds)
        rows = sorted([other for other in rows if other["backbone"] != name] + [row], key=lambda row: row["backbone"])
        TABLE.write_text(json.dumps(rows, indent=1) + "\n")
        print(json.dumps(row), flush=True)


def measure(name: str, data: images.Images, *, photos: list[int], seeds: list[int]) -> dict:
    """Return one backbone's row."""
    learn, test = food_features.compute_features(data, backbone=name, side=SIDE)
    learn, test = learn.mean(axis=1), test.mean(axis=1)
    usable = data.usable_rows
    curve = []
    for each in photos:
        is_all = each * len(data.names) >= len(usable)
        for seed in seeds[:1] if is_all else seeds:
            count = 0 if is_all else each * len(data.names)
            train = usable[stratified_sample(data.labels[usable], count, seed=seed)]
            scores, penalty = linear.tuned_logistic_regression(
                learn[train], data.labels[train], test, classes=len(data.names)
            )
            correct = int((scores.argmax(axis=1) == data.test_labels).sum())
            low, high = uncertainty.wilson(correct, len(test))
            accuracy = {"accuracy": correct / len(test), "accuracy_low": round(low, 4), "accuracy_high": round(high, 4)}
            curve.append({"each": each, "seed": seed, "photos": len(train), "C": penalty, **accuracy})

    def build() -> TransferNet:
        return TransferNet(TransferConfig(train="head"), backbone=name, classes=len(data.names))

    counted = cost.count_cost(build, (3, SIDE, SIDE), batch_size=1)
    latency = cost.measure_latencies({name: (build().eval(), torch.zeros(1, 3, SIDE, SIDE))})
    return {
        "backbone": name,
        "dataset": DATASET,
        "side": SIDE,
        "n": len(test),
        "parameters": counted.parameters,
        "multiply_adds": counted.multiply_adds,
        "latency_ms": round(1000 * latency.seconds[name], 1),
        "is_quiet": latency.is_quiet,
        "imagenet": weights.WEIGHTS[name].accuracy,
        "processor": devices.describe()["processor"],
        "curve": curve,
    }


if __name__ == "__main__":
    main()
