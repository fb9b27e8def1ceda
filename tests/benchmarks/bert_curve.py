"""Value of pretraining for texts: accuracy, seconds and trained weights by number of training texts.

`python tests/benchmarks/bert_curve.py [--way head] [--sizes 100 300 1000 3000 0] [--seed 0]`
trains on each number of TREC questions (0: all) and adds the results to assets/bert_curve.json.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dlcore import projects
from dlcore.core import devices
from dlcore.core.settings import ASSETS
from dlcore.projects.command import command_line
from dlcore.runs import Bundle
from dlcore.runs.foreground import train_here
from dlcore.training.events import Epoch, Event
from dlcore.training.state import count_parameters

TABLE = ASSETS / "bert_curve.json"
TEXTS = {
    "all_layers": {100: 2000, 300: 3600, 1000: 6000, 3000: 15_000},
    "last_layers": {100: 2000, 300: 3600, 1000: 6000, 3000: 15_000},
    "scratch": {100: 2000, 300: 6000, 1000: 12_000, 3000: 24_000, 0: 40_000},
}
"""Texts processed in training (texts x epochs): small sets need more epochs. Others: as the full preset."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--way", choices=["head", "last_layers", "all_layers", "scratch"], default="all_layers")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 300, 1000, 3000, 0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for the runs' bundles, with float16 weights")
    args = parser.parse_args()
    for size in args.sizes:
        settings: dict[str, int] = {"train_rows": size}
        n_texts = TEXTS.get(args.way, {}).get(size)
        if n_texts:
            settings["epochs"] = max(1, round(n_texts / (size or 4907)))
        config = projects.configure(
            "bert", model=args.way, dataset="trec6", seed=args.seed, device="cpu", settings=settings
        )
        begin, end = time.process_time(), [0.0]

        def record_end(event: Event, end: list[float] = end) -> None:
            if isinstance(event, Epoch):
                end[0] = time.process_time()

        with tempfile.TemporaryDirectory() as temporary:
            folder = (args.keep or Path(temporary)) / f"{args.way}-{size or 'all'}-{args.seed}"
            train_here(config, folder, record_end, weights="float16")
            bundle = Bundle(folder)
            run, facts = bundle.run, bundle.facts
        evaluation = run["evaluation"]
        network = projects.get("bert").models[args.way].build(config.model_options, facts)
        row = {
            "way": args.way,
            "texts": run["sizes"]["train"],
            "seed": args.seed,
            "n": run["sizes"]["test"],
            "epochs": config.training.epochs,
            "seconds": round(end[0] - begin, 1),
            "trained": count_parameters(network)[1],
            **{name: round(evaluation["metrics"][name], 5) for name in ("accuracy", "accuracy_low", "accuracy_high")},
            "majority": round(evaluation["baselines"]["majority"]["accuracy"], 5),
            "nb_svm": round(evaluation["baselines"]["nb_svm"]["accuracy"], 5),
            "command": command_line(config),
            "processor": devices.describe()["processor"],
        }
        rows = json.loads(TABLE.read_text()) if TABLE.exists() else []
        key = ("way", "texts", "seed")
        rows = [other for other in rows if any(other[name] != row[name] for name in key)] + [row]
        TABLE.write_text(json.dumps(sorted(rows, key=lambda r: tuple(r[name] for name in key)), indent=1) + "\n")
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
