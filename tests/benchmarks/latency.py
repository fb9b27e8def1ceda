"""Latency that the pages show while a run trains, beside that of a quiet machine, for VGG-16, ResNet-18 and ResNeXt.

    python tests/benchmarks/latency.py [--home DIR] > latency.json

Measures all three while no run is active, starts a training run in a worker process, and asks for what a page would
show: in this process, and in a new one, as after a restart of the server. Compares it with a second measurement, after
the run. Also times single calls during the
training with a wall clock, which is what must not be shown. Exits with 1 if a shown latency is more than 30 % off.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

LIMIT, TRIES = 0.3, 20
TRAINING = {"epochs": 500, "train_rows": 1500, "patience": 0}


def read_table() -> dict[str, Any]:
    """Return what the table of costs shows now: milliseconds by model, and the remark."""
    from dlcore.runs import latency, references

    bundles = {run.record.model: run.finished_bundle for run in references("architectures")}
    answer = latency.measure_or_recall(bundles)
    return {"ms": {name: 1e3 * seconds for name, seconds in answer.seconds.items()}, "remark": answer.remark}


def time_single_calls() -> dict[str, float]:
    """Return the wall time of one call by model in milliseconds, after one to warm up."""
    import torch

    from dlcore.runs import budgets, references

    times = {}
    for run in references("architectures"):
        bundle = run.finished_bundle
        module, sample = bundle.load().module, torch.zeros(1, *(budgets.sample_shape(bundle.facts) or ()))
        with torch.inference_mode():
            module(sample)
            start = time.perf_counter()
            module(sample)
        times[run.record.model] = 1e3 * (time.perf_counter() - start)
    return times


def measure() -> dict[str, Any]:
    """Measure on the quiet machine, ask during a run, and measure again."""
    from dlcore import projects, runs

    before = measure_quiet()
    config = projects.configure("architectures", dataset="digits", preset="quick", device="cpu", settings=TRAINING)
    record = runs.start(runs.create(config).run_id)
    try:
        until = time.monotonic() + 300
        while runs.open_run(record.run_id).record.step < 5:
            if time.monotonic() > until:
                raise SystemExit("the run did not start within five minutes.")
            time.sleep(0.2)
        during = read_table()
        command = [sys.executable, __file__, "--table"]
        restarted = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        single = time_single_calls()
    finally:
        runs.stop(record.run_id)
        runs.wait(record.run_id, timeout=120)
    quiet = measure_quiet()
    return {
        "before_run": before,
        "during_run": during,
        "during_run_restarted": restarted,
        "single_calls_ms": single,
        "quiet": quiet,
    }


def measure_quiet() -> dict[str, Any]:
    """Measure again, without what was stored, until nothing else interrupts."""
    from dlcore.core import settings
    from dlcore.runs import latency

    for _ in range(TRIES):
        (settings.home() / latency.FILE).unlink(missing_ok=True)
        table = read_table()
        if not table["remark"]:
            break
        time.sleep(5)
    return table


def worst_difference(answer: dict[str, Any]) -> float:
    """Return the largest relative difference of a shown latency from the quiet one; infinite if one is missing."""
    quiet = answer["quiet"]["ms"]
    during = [answer[key]["ms"] for key in ("during_run", "during_run_restarted")]
    missing = not quiet or any(name not in table for table in during for name in quiet)
    return float("inf") if missing else max(abs(table[name] / quiet[name] - 1) for table in during for name in quiet)


def main() -> None:
    """Print the measurements as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="folder for the run; a temporary one by default")
    parser.add_argument("--table", action="store_true", help="only print what a page would show now")
    options = parser.parse_args()
    if options.table:
        print(json.dumps(read_table()))
        return
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["DLCORE_HOME"] = str(options.home or temporary)
        answer = measure()
    answer["worst_difference"] = worst_difference(answer)
    print(json.dumps(answer, indent=1))
    if answer["worst_difference"] > LIMIT:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
