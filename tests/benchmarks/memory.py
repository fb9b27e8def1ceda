"""Memory task: accuracy by gap length, model and seed, trained as a run of the project.

    python tests/benchmarks/memory.py > assets/memory_task.json

Prints JSON: settings, machine, and accuracy on 1,000 test sequences for each gap, model and seed.
"""

import json
import platform
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dlcore import projects, runs

GAPS = (5, 10, 20, 40, 80, 120)
SEEDS = (0, 1)
SETTINGS = {"epochs": 12, "batch_size": 64, "rows": 4000, "width": 64, "gradient_every": 0}
VARIANTS = {"rnn": ("rnn", {}), "lstm": ("lstm", {"forget_bias": 3.0}), "lstm_forget_1": ("lstm", {"forget_bias": 1.0})}


def main() -> None:
    accuracy: dict[str, dict[str, list[float]]] = {}
    start = time.time()
    for name in sys.argv[1:] or VARIANTS:
        accuracy[name] = {}
        for gap in GAPS:
            accuracy[name][str(gap)] = [_accuracy(name, gap, seed) for seed in SEEDS]
            print(name, gap, accuracy[name][str(gap)], f"{time.time() - start:.0f} s", file=sys.stderr, flush=True)
    report = {
        "command": "python tests/benchmarks/memory.py",
        "dataset": "memory (synthetic)",
        "preset": "quick",
        "settings": SETTINGS,
        "seeds": SEEDS,
        "test_sequences": 1000,
        "machine": platform.machine(),
        "accuracy": accuracy,
    }
    print(json.dumps(report, indent=1))


def _accuracy(name: str, gap: int, seed: int) -> float:
    model, settings = VARIANTS[name]
    config = projects.configure(
        "rnn",
        model=model,
        dataset="memory",
        preset="quick",
        seed=seed,
        device="cpu",
        settings={**SETTINGS, **settings, "gap": gap},
    )
    with tempfile.TemporaryDirectory() as folder:
        return runs.train_here(config, Path(folder) / "bundle").metrics["accuracy"]


if __name__ == "__main__":
    main()
