"""How long a gap each network can bridge: the memory task by gap, model and seed, through the project's own training.

    python tests/benchmarks/memory.py > assets/memory_task.json

Prints JSON: the settings, this machine, and the accuracy on 1,000 test sequences of each gap, model and seed.
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
    result: dict[str, dict[str, list[float]]] = {}
    begin = time.time()
    for name in sys.argv[1:] or VARIANTS:
        result[name] = {}
        for gap in GAPS:
            result[name][str(gap)] = [_accuracy(name, gap, seed) for seed in SEEDS]
            print(name, gap, result[name][str(gap)], f"{time.time() - begin:.0f} s", file=sys.stderr, flush=True)
    about = {
        "command": "python tests/benchmarks/memory.py",
        "dataset": "memory (synthetic)",
        "preset": "quick",
        "settings": SETTINGS,
        "seeds": SEEDS,
        "test_sequences": 1000,
        "machine": platform.machine(),
        "accuracy": result,
    }
    print(json.dumps(about, indent=1))


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
