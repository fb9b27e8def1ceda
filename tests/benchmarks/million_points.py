"""A long series from file to page: CPU and wall time of each phase, and of the functions that take most. Prints JSON.

    python tests/benchmarks/million_points.py [--points 1000000] [--profile] [--page] [--home HOME [--run RUN]]

The series has one point a second, a period of 3,600 points, noise and eight labeled anomalies. It is imported, the
default detector is trained and evaluated by the Python API in a temporary DLCORE_HOME. `--page` then opens Results in a
browser, with an empty and with a filled cache: milliseconds to the drawn threshold chart and to the end of the script.
`--profile` lists the functions of each phase by their own time. `--home` keeps the run, and `--run` opens the page of
one that is there.
"""

import argparse
import contextlib
import cProfile
import io
import json
import os
import pstats
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

PERIOD, EVENTS, EVENT = 3600, 8, 240
TOP = 12


def write_series(path: Path, points: int) -> None:
    """Write time, value and label; half of the events are a new shape, the others noise."""
    rng, at = np.random.default_rng(0), np.arange(points)
    values = 50 + 20 * np.sin(2 * np.pi * at / PERIOD) + 5 * np.sin(8 * np.pi * at / PERIOD) + rng.normal(0, 1, points)
    labels = np.zeros(points, np.int64)
    for number, start in enumerate(np.linspace(0.64, 0.95, EVENTS)):
        part = slice(int(start * points), int(start * points) + EVENT)
        labels[part] = 1
        values[part] += rng.normal(0, 12, EVENT) if number % 2 else 25 * np.sin(np.linspace(0, 6 * np.pi, EVENT))
    times = pd.date_range("2024-01-01", periods=points, freq="1s")
    table = pd.DataFrame({"time": times, "value": values.round(3), "label": labels})
    table.to_csv(path, index=False)


class Phases:
    """Wall and CPU seconds by phase, and what a profile says about each."""

    def __init__(self, *, with_profile: bool) -> None:
        self.with_profile = with_profile
        self.rows: dict[str, dict[str, object]] = {}

    @contextlib.contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Measure the block as one phase."""
        profile = cProfile.Profile()
        wall, cpu = time.monotonic(), time.process_time()
        if self.with_profile:
            profile.enable()
        yield
        profile.disable()
        row: dict[str, object] = {
            "cpu_s": round(time.process_time() - cpu, 2),
            "wall_s": round(time.monotonic() - wall, 2),
        }
        if self.with_profile:
            row["top"] = _top(profile)
        self.rows[name] = row
        print(name, json.dumps(row, indent=1), file=sys.stderr, flush=True)


def _top(profile: cProfile.Profile) -> list[str]:
    text = io.StringIO()
    pstats.Stats(profile, stream=text).sort_stats("tottime").print_stats(TOP)
    lines = [line.split(None, 5) for line in text.getvalue().splitlines() if line[:1] == " " and ":" in line]
    return [f"{cells[1]} s {cells[5].replace(str(ROOT), '')}" for cells in lines if len(cells) == 6]


def measure_page(home: Path, run: str) -> dict[str, float]:
    """Milliseconds to the drawn threshold chart and to the end of the script, by cache of the browser."""
    from server import browser, calm, server

    times: dict[str, float] = {}
    with browser() as chromium, server(home) as address:
        context = chromium.new_context(viewport={"width": 1280, "height": 800})
        for cache in ("empty, first visit of the server", "filled", "filled again"):
            page = context.new_page()
            start = time.monotonic()
            page.goto(f"{address}/anomaly?panel=results&run={run}")
            page.locator(".dlt[data-drawn]").wait_for(timeout=600_000)
            times[f"{cache}: chart"] = round(1000 * (time.monotonic() - start))
            calm(page, seconds=600)
            times[f"{cache}: all"] = round(1000 * (time.monotonic() - start))
            page.close()
    return times


def main() -> None:
    """Run the phases and print their times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--home", type=Path)
    parser.add_argument("--run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = options.home or Path(folder) / "home"
        if options.run:
            print(json.dumps({"load": os.getloadavg(), "page_ms": measure_page(home, options.run)}, indent=1))
            return
        os.environ["DLCORE_HOME"] = str(home)
        import dlcore
        from dlcore import projects, runs

        path, phases = Path(folder) / "seconds.csv", Phases(with_profile=options.profile)
        write_series(path, options.points)
        with phases.measure("import"):
            dlcore.add_data(f"seconds-{options.points}", path, kind="series")
        with phases.measure("configure"):
            config = projects.configure("anomaly", dataset=f"seconds-{options.points}", preset="quick", device="cpu")
        with phases.measure("train"):
            runs.train_here(config, Path(folder) / "bundle")
        run = runs.import_run(Path(folder) / "bundle").run_id
        with phases.measure("evaluate"):
            evaluation = dlcore.evaluate(run)
        metrics = {name: evaluation["metrics"].get(name) for name in ("vus_pr", "events_hit", "false_alarms")}
        result = {
            "points": options.points,
            "run": run,
            "load": os.getloadavg(),
            "phases": phases.rows,
            "metrics": metrics,
        }
        if options.page:
            result["page_ms"] = measure_page(home, run)
        print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
