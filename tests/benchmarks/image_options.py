"""Training options of the image classifiers one by one, and both precisions over three seeds. Prints one row per run.

    DLCORE_DATA=... python tests/benchmarks/image_options.py [--only plain ema ...]

ResNet-18 at half width on 3,000 photos of dogs, food and vehicles at 32 x 32 pixels, 6 epochs, in minutes. Options are
added one at a time to the plain training in bf16, seed 0; `together` has all of them.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dlcore import projects
from dlcore.core import devices
from dlcore.projects.vision.images import MIRRORED
from dlcore.runs import Bundle
from dlcore.runs.foreground import train_here

PLAIN = {
    "width": 32,
    "side": 32,
    "train_rows": 3000,
    "epochs": 6,
    "batch_size": 64,
    "learning_rate": 2e-3,
    "shift": 2,
    "schedule": "constant",
    "precision": "bf16-mixed",
    "average_flips": True,
    "gradient_every": 0,
}
OPTIONS = {
    "one_cycle": {"schedule": "one_cycle"},
    "label_smoothing": {"label_smoothing": 0.1},
    "ema": {"ema": 0.98},
    "recalibrate_norms": {"recalibrate_norms": 40},
    "progressive": {"first_side": 16},
}
TOGETHER = {name: value for option in OPTIONS.values() for name, value in option.items()}
CASES = {
    **{f"32-true seed {seed}": (seed, {"precision": "32-true"}) for seed in range(3)},
    **{f"bf16-mixed seed {seed}": (seed, {}) for seed in range(3)},
    **{name: (0, option) for name, option in OPTIONS.items()},
    "together": (0, TOGETHER),
}


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(CASES), default=list(CASES))
    for name in ("width", "train_rows", "epochs"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=PLAIN[name])
    options = parser.parse_args()
    size = {name: getattr(options, name) for name in ("width", "train_rows", "epochs")}
    for name in options.only:
        seed, changes = CASES[name]
        config = projects.configure(
            "architectures",
            model="resnet18",
            dataset="dogs_food_vehicles",
            preset="quick",
            seed=seed,
            device="cpu",
            settings={**PLAIN, **size, **changes},
        )
        with tempfile.TemporaryDirectory() as folder:
            record = train_here(config, Path(folder) / "bundle")
            run = Bundle(Path(folder) / "bundle").run
        evaluation = run["evaluation"]
        row = {
            "case": name,
            **size,
            "n": run["sizes"]["test"],
            **{key: round(evaluation["metrics"][key], 4) for key in ("accuracy", "accuracy_low", "accuracy_high")},
            "flip_averaged": round(evaluation["parts"][MIRRORED]["accuracy"], 4),
            "best_epoch": record.best.epoch if record.best else 0,
            "seconds": round(record.duration_s, 1),
            "load": round(os.getloadavg()[0], 1),
            "devices": devices.describe()["devices"],
        }
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
