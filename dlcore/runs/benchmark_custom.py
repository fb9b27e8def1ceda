"""Benchmark of detectors on the custom series of this machine, in a separate process that outlives the page."""

import contextlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import psutil

from dlcore.core import access
from dlcore.core.errors import RequestError
from dlcore.data.custom import registry
from dlcore.data.custom.registry import CustomDataset
from dlcore.data.series.series import load_custom
from dlcore.runs import benchmark_report, detached
from dlcore.runs.folder import read_json, translate_errors, write_json

State = Literal["none", "running", "failed", "finished"]


def labeled_series() -> list[CustomDataset]:
    """Return the custom series with labeled windows."""
    return [entry for entry in registry.list_datasets("series") if entry.facts.get("windows")]


def start(entries: Sequence[CustomDataset]) -> None:
    """Write the series as a folder of the benchmark, and start it; results that are stored already are not repeated.

    Raises:
        RequestError: a benchmark is running.
        StoreError: a file cannot be written.
    """
    if state() == "running":
        raise RequestError("a benchmark is running: wait for its end.")
    folder = _folder()
    with translate_errors(folder):
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "series").mkdir(parents=True)
        _write(entries, folder / "series")
        command = ("benchmark", "anomaly", str(folder / "series"), "-o", str(folder / "result.json"))
        process = detached.start("dlcore", *command, log=folder / "log.txt")
        with contextlib.suppress(psutil.Error):
            write_json(folder / "process.json", {"pid": process.pid, "started": _started(process.pid)})


def state() -> State:
    """Return whether a benchmark of custom series runs, failed, or has a result."""
    folder = _folder()
    if not folder.is_dir():
        return "none"
    known = read_json(folder / "process.json") or {}
    with contextlib.suppress(psutil.Error):
        if known and abs(_started(int(known["pid"])) - known["started"]) < 1:
            return "running"
    return "finished" if (folder / "result.json").is_file() else "failed"


def progress() -> str:
    """Return the last line of the benchmark's output."""
    with contextlib.suppress(OSError):
        lines = (_folder() / "log.txt").read_text(encoding="utf-8", errors="replace").splitlines()
        return lines[-1] if lines else ""
    return ""


def result() -> dict[str, Any]:
    """Return the document of the last benchmark.

    Raises:
        RequestError: there is none.
    """
    return benchmark_report.read(_folder() / "result.json")


def _write(entries: Sequence[CustomDataset], folder: Path) -> None:
    """Write each series as CSV, and the labeled windows of all."""
    labels = {}
    for entry in entries:
        series = load_custom(entry.dataset, checksum=entry.checksum)
        times = pd.to_datetime(series.times, unit="ms")
        name = f"{entry.name}.csv"
        pd.DataFrame({"timestamp": times, "value": series.values}).to_csv(folder / name, index=False)
        ends = [(window.start, window.end) for window in series.windows]
        labels[name] = [[str(pd.Timestamp(time, unit="ms")) for time in window] for window in ends]
    (folder / "windows.json").write_text(json.dumps(labels), encoding="utf-8")


def _folder() -> Path:
    return access.personal_home() / "benchmarks" / "custom"


def _started(pid: int) -> float:
    process = psutil.Process(pid)
    if process.status() == psutil.STATUS_ZOMBIE:
        raise psutil.NoSuchProcess(pid)
    return float(process.create_time())
