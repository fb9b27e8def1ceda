"""First contact: the quick preset on ten custom datasets, each in its own process, against the trivial baseline.

    python tests/benchmarks/first_contact.py [--only NAME ...] [--every] [--json]

Four series, two tables, two image sets and two text sets, made here from fixed seeds. Each is imported and trained with
the model and the settings that the page preselects; `--every` adds the other projects that take the same files. `cpu`
is the processor time of all threads, start of Python included; `wall` the time on the clock, which other programs
lengthen. Trivial baselines: random scores (series), persistence (tables), the most frequent class (images, texts).
A case is fine below 60 s if the run is not worse than the trivial baseline, or its verdict says what to do.
"""

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
LIMIT = 60.0
PROJECTS = {
    "series": ("anomaly", "forecast"),
    "table": ("forecast",),
    "images": ("food", "architectures"),
    "text": ("news", "questions", "reviews_lstm", "reviews_transformer", "reviews_bert", "bert"),
}
TRIVIAL = {"anomaly": ("vus_pr", "random"), "forecast": ("skill", "persistence")}


def series_csv(rows: int, freq: str, period: int, event: tuple[int, int], *, seed: int, kind: str) -> bytes:
    """A seasonal series with a labeled event: a standstill, a surge or a drop."""
    points, random = np.arange(rows), np.random.default_rng(seed)
    values = 50 + 10 * np.sin(2 * np.pi * points / period) + 3 * np.sin(4 * np.pi * points / period)
    values += random.normal(0, 1.5, rows)
    start, stop = event
    inside = (points >= start) & (points < stop)
    values[inside] = {"standstill": 50.0, "surge": values[inside] + 25, "drop": values[inside] * 0.4}[kind]
    table = pd.DataFrame({"time": pd.date_range("2021-01-04", periods=rows, freq=freq), "value": values.round(3)})
    return table.assign(label=inside.astype(int)).to_csv(index=False).encode()


def table_csv(rows: int, freq: str, period: int, columns: int, *, seed: int) -> bytes:
    """Sensors that follow a daily season and each other, with autoregressive noise."""
    random, points = np.random.default_rng(seed), np.arange(rows)
    noise = np.zeros((rows, columns))
    for row in range(1, rows):
        noise[row] = 0.8 * noise[row - 1] + random.normal(0, 1, columns)
    phase, size = random.uniform(0, 6, columns), random.uniform(2, 6, columns)
    values = 20 + size * np.sin(2 * np.pi * points[:, None] / period + phase) + noise
    table = pd.DataFrame(values.round(3), columns=[f"sensor {letter}" for letter in "abcdefgh"[:columns]])
    table.insert(0, "time", pd.date_range("2021-01-04", periods=rows, freq=freq))
    return table.to_csv(index=False).encode()


def draw_shapes(folder: Path, *, per_class: int, seed: int) -> None:
    """Photos of colored squares, discs and stripes on noisy backgrounds."""
    random, (y, x) = np.random.default_rng(seed), np.mgrid[:96, :96]
    for name in ("square", "disc", "stripes"):
        (folder / name).mkdir(parents=True)
        for number in range(per_class):
            image = random.normal(random.uniform(90, 160), 30, (96, 96, 3))
            cx, cy, r = random.integers(30, 66), random.integers(30, 66), random.integers(12, 28)
            masks = {
                "square": (abs(x - cx) < r) & (abs(y - cy) < r),
                "disc": (x - cx) ** 2 + (y - cy) ** 2 < r**2,
                "stripes": ((x + y + cx) // 8 % 2 == 0) & (abs(x - cx) < r) & (abs(y - cy) < r),
            }
            image[masks[name]] = random.uniform(0, 255, 3)
            Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(folder / name / f"{number}.png")


def draw_digits(folder: Path) -> None:
    """The 1,797 handwritten digits of scikit-learn."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    for number, (image, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        (folder / f"digit_{label}").mkdir(parents=True, exist_ok=True)
        pixels = Image.fromarray((image * 15.9).astype(np.uint8)).resize((32, 32))
        pixels.convert("RGB").save(folder / f"digit_{label}" / f"{number}.png")


TOPICS = {
    "billing": "invoice charged twice refund card payment amount receipt subscription price",
    "shipping": "parcel late tracking courier address delivery lost package arrived warehouse",
    "account": "password login email reset locked profile username verify settings delete",
    "technical": "crash error app screen update install freeze bug loading version",
}
FILLER = "please help me with the my i was not can you it is since yesterday again and now this hello thanks"


def tickets_csv(rows: int, *, noise: float, seed: int) -> bytes:
    """Support tickets; a share of the topic words comes from other topics."""
    random, names = np.random.default_rng(seed), list(TOPICS)
    texts, labels = [], []
    for _ in range(rows):
        label = names[random.choice(len(names), p=(0.4, 0.3, 0.2, 0.1))]
        words = list(random.choice(FILLER.split(), random.integers(5, 25)))
        for _ in range(random.integers(2, 6)):
            topic = names[random.integers(len(names))] if random.random() < noise else label
            words.insert(random.integers(len(words)), str(random.choice(TOPICS[topic].split())))
        texts.append(" ".join(words))
        labels.append(label)
    return pd.DataFrame({"text": texts, "label": labels}).to_csv(index=False).encode()


CASES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "machine-seconds": (
        "series",
        lambda file: file.write_bytes(series_csv(2000, "1s", 50, (1600, 1650), seed=0, kind="standstill")),
    ),
    "load-5min": ("series", lambda f: f.write_bytes(series_csv(4032, "5min", 288, (3300, 3324), seed=1, kind="surge"))),
    "traffic-hours": ("series", lambda f: f.write_bytes(series_csv(8760, "1h", 24, (7000, 7036), seed=2, kind="drop"))),
    "sales-days": ("series", lambda f: f.write_bytes(series_csv(730, "1D", 7, (600, 610), seed=3, kind="surge"))),
    "sensors": ("table", lambda file: file.write_bytes(table_csv(2880, "10min", 144, 6, seed=4))),
    "stores": ("table", lambda file: file.write_bytes(table_csv(700, "1D", 7, 3, seed=5))),
    "shapes": ("images", lambda folder: draw_shapes(folder, per_class=60, seed=6)),
    "handwriting": ("images", draw_digits),
    "tickets-small": ("text", lambda file: file.write_bytes(tickets_csv(300, noise=0.1, seed=7))),
    "tickets": ("text", lambda file: file.write_bytes(tickets_csv(3000, noise=0.25, seed=8))),
}
"""Name -> kind of data and the function that writes its file or folder."""


def run_case(name: str, project: str) -> dict[str, object]:
    """Import and train one case in this process."""
    from dlcore import projects, runs
    from dlcore.data.custom.importers import add_file

    kind, write = CASES[name]
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / (name if kind == "images" else f"{name}.csv")
        write(file)
        entry = add_file(name, file, kind=kind, repair="default")  # type: ignore[arg-type]
        config = projects.configure(project, dataset=entry.dataset, preset="quick", device="cpu")
        began = time.monotonic(), time.process_time()
        with contextlib.redirect_stdout(io.StringIO()):
            record = runs.train_here(config, Path(place) / "bundle")
        evaluation = runs.Bundle(Path(place) / "bundle").evaluation
    metric, baseline = TRIVIAL.get(project, ("accuracy", "majority"))
    return {
        "case": name,
        "project": project,
        "model": config.model,
        "rows": entry.rows,
        "epochs": config.training.epochs,
        "trained": record.epoch,
        "training_s": round(record.duration_s, 1),
        "run_wall": round(time.monotonic() - began[0], 1),
        "run_cpu": round(time.process_time() - began[1], 1),
        "cpu": round(time.process_time(), 1),
        "metric": metric,
        "value": round(evaluation.metrics.get(metric, float("nan")), 3),
        "trivial": round(evaluation.baselines.get(baseline, {}).get(metric, float("nan")), 3),
        "best": {k: round(v[metric], 3) for k, v in evaluation.baselines.items() if metric in v},
        "verdict": evaluation.verdict,
    }


def main() -> int:
    """Run the cases and print a table; the exit status is 1 if one is too slow or worse without advice."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", default=list(CASES), choices=list(CASES))
    parser.add_argument("--every", action="store_true", help="every project that takes the file")
    parser.add_argument("--projects", nargs="*", help="only these projects")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--single", nargs=2, metavar=("CASE", "PROJECT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.single:
        print(json.dumps(run_case(*options.single)))
        return 0
    failed, rows = 0, []
    for name in options.only:
        kind = CASES[name][0]
        slugs = PROJECTS[kind] if options.every or options.projects else PROJECTS[kind][:1]
        for slug in slugs:
            if options.projects and slug not in options.projects:
                continue
            row = _measure(name, slug)
            rows.append(row)
            good = "error" not in row and row["cpu"] < LIMIT and (row["value"] >= row["trivial"] or row["advice"])
            failed += not good
            print(_line(row, good), file=sys.stderr if options.json else sys.stdout, flush=True)
    if options.json:
        print(json.dumps(rows, indent=1))
    return int(failed > 0)


def _measure(name: str, slug: str) -> dict:
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"DLCORE_HOME": home, "DLCORE_CACHE": f"{home}/cache", "PYTHONPATH": str(ROOT)}
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, __file__, "--single", name, slug], env=environment, capture_output=True, text=True
        )
        wall = time.monotonic() - began
    if done.returncode:
        return {"case": name, "project": slug, "error": done.stderr.strip().splitlines()[-1]}
    row = json.loads(done.stdout.splitlines()[-1]) | {"wall": round(wall, 1)}
    return row | {"advice": "Train" in row["verdict"] or "baseline" in row["verdict"].lower()}


def _line(row: dict, good: bool) -> str:
    if "error" in row:
        return f"{row['case']:16} {row['project']:20} ERROR {row['error']}"
    return (
        f"{row['case']:16} {row['project']:20} {row['model']:20} {row['trained']:3}/{row['epochs']:3} epochs  "
        f"cpu {row['cpu']:5.1f}  wall {row['wall']:5.1f}  {row['metric']} {row['value']:.3f} "
        f"against {row['trivial']:.3f}  {'ok' if good else 'NOT OK'}"
    )


if __name__ == "__main__":
    sys.exit(main())
