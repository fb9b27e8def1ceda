"""Benchmark on the custom series of this machine: the folder it reads, and its states."""

import os

import numpy as np
import pytest

from dlcore.core.errors import RequestError
from dlcore.data.custom.series import IMPORTER, preview_series
from dlcore.data.series.columns import Columns
from dlcore.data.series.series import LabeledWindow, Series
from dlcore.runs import benchmark, benchmark_custom

pytestmark = pytest.mark.usefixtures("home")


def save_series(name, *, is_labeled):
    t = np.arange(300)
    times = 1_600_000_000_000 + t.astype(np.int64) * 300_000
    values = np.sin(t / 4) + np.random.default_rng(0).normal(0, 0.1, len(t))
    values[200:210] += 4
    windows = (LabeledWindow(int(times[195]), int(times[215]), ""),) if is_labeled else ()
    return IMPORTER.save(name, preview_series(Series(times, values, windows), Columns("t", "v")))


def test_labeled_series_are_written_as_a_folder_of_the_benchmark(tmp_path):
    first = save_series("one", is_labeled=True)
    save_series("two", is_labeled=False)
    entries = benchmark_custom.labeled_series()
    assert [entry.name for entry in entries] == [first.name]
    benchmark_custom._write(entries, tmp_path)
    result = benchmark.run(tmp_path, detectors=["knn", "random"], workers=1)
    row = result.results["knn"]["one.csv"]
    assert not result.errors and row["points"] == 300 and row["windows"] == 1
    assert row["vus_pr"] > result.results["random"]["one.csv"]["vus_pr"]


def test_state_follows_the_process():
    assert benchmark_custom.state() == "none" and benchmark_custom.progress() == ""
    folder = benchmark_custom._folder()
    folder.mkdir(parents=True)
    (folder / "log.txt").write_text("1/9  one.csv, knn\nbroken\n")
    assert benchmark_custom.state() == "failed" and benchmark_custom.progress() == "broken"
    pid = os.getpid()
    benchmark_custom.write_json(folder / "process.json", {"pid": pid, "started": benchmark_custom._started(pid)})
    assert benchmark_custom.state() == "running"
    with pytest.raises(RequestError, match="is running"):
        benchmark_custom.start([])
    benchmark_custom.write_json(folder / "process.json", {"pid": pid, "started": 5.0})
    (folder / "result.json").write_text("{}")
    assert benchmark_custom.state() == "finished"
    with pytest.raises(RequestError, match="is not a result"):
        benchmark_custom.result()
