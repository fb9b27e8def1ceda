"""Value of pretraining: accuracy by photos per class, for a frozen pretrained network and one trained from scratch.

`python tests/benchmarks/food_curve.py [--start pretrained|random] [--sizes 10 20 40 68] [--seed 0]` trains on photos
of ten dishes and adds the results to assets/food_curve.json.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dlcore import projects
from dlcore.core import devices
from dlcore.core.settings import ASSETS
from dlcore.projects.command import command_line
from dlcore.runs import Bundle
from dlcore.runs.foreground import train_here

TABLE = ASSETS / "food_curve.json"
MODELS = {"pretrained": "mobilenet_v2_frozen", "random": "mobilenet_v2_scratch"}
SMALL = {"side": 96, "train_side": 64}
"""Training from scratch on two cores is feasible with small images only."""
PHOTOS_PER_CLASS = 680
"""Photos per class processed from scratch (photos x epochs): every size trains for the same number of steps."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", choices=MODELS, default="pretrained")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 20, 40, 68])
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    for each in args.sizes:
        settings = {"train_rows": 10 * each}
        if args.start == "random":
            settings |= {**SMALL, "epochs": round(PHOTOS_PER_CLASS / each)}
        config = projects.configure(
            "food", model=MODELS[args.start], dataset="food101_mini", seed=args.seed, device="cpu", settings=settings
        )
        with tempfile.TemporaryDirectory() as folder:
            train_here(config, Path(folder) / "bundle")
            run = Bundle(Path(folder) / "bundle").run
        metrics = run["evaluation"]["metrics"]
        row = {
            "start": args.start,
            "each": each,
            "seed": args.seed,
            "n": run["sizes"]["test"],
            **{name: round(metrics[name], 5) for name in ("accuracy", "accuracy_low", "accuracy_high")},
            "seen": each * run["record"]["epoch"],
            "command": command_line(config),
            "processor": devices.describe()["processor"],
        }
        rows = json.loads(TABLE.read_text()) if TABLE.exists() else []
        key = ("start", "each", "seed")
        rows = [other for other in rows if any(other[name] != row[name] for name in key)] + [row]
        TABLE.write_text(json.dumps(sorted(rows, key=lambda r: (r["start"], r["each"], r["seed"])), indent=1) + "\n")
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
