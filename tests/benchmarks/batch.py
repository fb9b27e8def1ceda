"""Peak memory of `dlcore predict -o` for a file and for a tenth of it: 1,000,000 rows of a series, 100,000 texts.

The texts are predicted by a one-layer LSTM with 8 units, trained for one epoch.

    python tests/benchmarks/batch.py [series] [texts]

Prints JSON: rows, seconds and peak memory in MB of each, and their ratio, which is at most 1.2.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SERIES = "reference:anomaly/dense_16"
TINY = {"embedding": 8, "hidden": 8, "layers": 1, "epochs": 1, "rows": 400, "vocabulary": 1000}
WORDS = (
    "a",
    "dull",
    "film",
    "with",
    "wonderful",
    "actors",
    "the",
    "plot",
    "is",
    "thin",
    "but",
    "I",
    "laughed",
    "again",
)


def main() -> None:
    kinds = {"series": (write_series, lambda: SERIES, 1_000_000), "texts": (write_texts, train_tiny, 100_000)}
    for name in sys.argv[1:] or kinds:
        write, open_run, rows = kinds[name]
        with tempfile.TemporaryDirectory() as folder:
            os.environ["DLCORE_HOME"] = str(Path(folder) / "home")
            run, measured = open_run(), []
            for count in (rows // 10, rows):
                source = Path(folder) / f"{count}.csv"
                write(source, count)
                measured.append({"rows": count, **measure(run, source)})
            ratio = measured[1]["peak_mb"] / measured[0]["peak_mb"]
            print(json.dumps({"input": name, "run": run, "measured": measured, "ratio": round(ratio, 3)}), flush=True)


def train_tiny() -> str:
    """Train the text classifier as a run; returns its id."""
    from dlcore import projects, runs

    config = projects.configure("reviews_lstm", model="base_lstm", preset="quick", device="cpu", settings=TINY)
    with tempfile.TemporaryDirectory() as folder:
        runs.train_here(config, Path(folder) / "bundle")
        return runs.import_run(Path(folder) / "bundle").run_id


def write_series(path: Path, rows: int) -> None:
    times = np.datetime64("2014-07-01T00:00") + np.arange(rows) * np.timedelta64(30, "m")
    values = 12_000 + 6_000 * np.sin(np.arange(rows) * 2 * np.pi / 48)
    with path.open("w") as file:
        file.write("timestamp,value\n")
        file.writelines(f"{moment},{value:.1f}\n" for moment, value in zip(times, values, strict=True))


def write_texts(path: Path, rows: int) -> None:
    generator = np.random.default_rng(0)
    with path.open("w") as file:
        file.write("text\n")
        for length in generator.integers(3, 15, rows):
            file.write(" ".join(generator.choice(WORDS, length)) + "\n")


def measure(run: str, source: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "dlcore", "predict", run, "--input", str(source), "-o", f"{source}.out.csv"]
    start = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(process.returncode)
    return {"seconds": round(time.monotonic() - start, 1), "peak_mb": round(usage.ru_maxrss / 1024, 1)}


if __name__ == "__main__":
    main()
