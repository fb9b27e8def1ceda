"""Default detector and the benchmark on a folder of labeled series."""

import json

import numpy as np
import pandas as pd
import pytest

from dlcore.cli import main
from dlcore.core.errors import RequestError
from dlcore.data.series.series import LabeledWindow, Series
from dlcore.projects.anomaly import automatic, benchmark
from dlcore.runs import benchmark as runner

pytestmark = pytest.mark.usefixtures("home")
STEP = 300_000


def series(n=1200, *, period=0, seed=0, at=900, shift=0):
    rng, t = np.random.default_rng(seed), np.arange(n)
    values = rng.normal(0, 0.2, n) + (np.sin(2 * np.pi * t / period) if period else 0) + shift * (t > 600)
    values[at : at + 20] += np.where(np.arange(20) % 2, 4, -4)
    times = 1_600_000_000_000 + t.astype(np.int64) * STEP
    return Series(times, values, (LabeledWindow(int(times[at - 10]), int(times[at + 60]), ""),))


@pytest.mark.parametrize("shift", [0, 30])
def test_default_detector_finds_the_event_also_after_a_level_shift(shift):
    data = series(shift=shift)
    train = np.arange(1200) < 400
    scores = automatic.score(data, train=train).causal
    later = np.arange(1200) > 700  # the shift itself is an event as well
    assert 900 <= np.where(later, scores, 0).argmax() < 960


def test_choice_names_its_evidence():
    hours = np.arange(24 * 60)
    daily = np.sin(2 * np.pi * hours / 24) + np.random.default_rng(0).normal(0, 0.1, len(hours))
    choice = automatic.choose(daily, 3_600_000, points=2880)
    assert choice.settings["use_period"] and choice.window == 48 and "repeats every 1 day" in choice.reason
    noise = np.random.default_rng(0).normal(size=700)
    choice = automatic.choose(noise, STEP, points=4000)
    assert not choice.settings["use_period"] and choice.window == 100 and "no period" in choice.reason
    assert automatic.choose(np.zeros(700), STEP, points=4000).window == 100


@pytest.mark.parametrize("train_points", [7, 30, 150])
def test_record_ratio_equals_a_plain_search(train_points):
    scores = np.random.default_rng(0).random(200)
    ratio = automatic.record_ratio(scores, train_points=train_points)
    for place in range(train_points, 200):
        assert ratio[place] == scores[place] / scores[max(0, place - 2 * train_points) : place].max()
    assert (ratio[: train_points // 2] == 0).all()


@pytest.mark.parametrize("detector", benchmark.TITLES)
def test_every_detector_gets_all_metrics(detector):
    result = benchmark.evaluate(series(600, at=450), detector)
    assert 0 <= result["vus_pr"] <= 1 and 0 <= result["vus_pr_centered"] <= 1
    assert result["windows"] == 1 and len(result["raw_fixed_standard"]) == len(benchmark.THRESHOLDS)


def write_folder(folder):
    labels = {}
    for seed in range(3):
        data = series(600, seed=seed, at=450)
        name = f"group/series_{seed}.csv"
        (folder / "group").mkdir(exist_ok=True)
        times = pd.to_datetime(data.times, unit="ms")
        pd.DataFrame({"timestamp": times, "value": data.values}).to_csv(folder / name, index=False)
        labels[name] = [[str(times[440]), str(times[510])]]
    (folder / "group" / "bad.csv").write_text("timestamp,value\nnonsense\n")
    labels["group/bad.csv"] = []
    labels["../outside.csv"] = labels["group/missing.csv"] = []
    (folder.parent / "outside.csv").write_text("timestamp,value\n")
    (folder / "windows.json").write_text(json.dumps(labels))


def test_folder_is_scored_in_parallel_and_resumed(tmp_path, capsys):
    folder = tmp_path / "corpus"
    folder.mkdir()
    write_folder(folder)
    detectors = ["default", "knn", "random"]
    result = runner.run(folder, detectors=detectors, workers=2)
    assert len(result.errors) == 1 and result.errors[0].startswith("group/bad.csv: ")
    best, *_, worst = result.summaries
    assert {best.detector, worst.detector} == {"default", "random"} or worst.detector == "random"
    assert (
        best.values["series"] == 3 and best.values["vus_pr_low"] <= best.values["vus_pr"] <= best.values["vus_pr_high"]
    )
    assert best.values["nab_adaptive_held_out"] <= best.values["nab_adaptive_standard"] + 1e-9
    calls = []
    again = runner.run(folder, detectors=detectors, workers=1, report=lambda *call: calls.append(call))
    assert again.results == result.results
    assert [name for _, _, name in calls] == [f"group/bad.csv, {name}" for name in detectors]
    capsys.readouterr()
    assert main(["benchmark", "anomaly", str(folder), "--json", "--workers", "1", "--detectors", *detectors]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [row["detector"] for row in document["detectors"]] == [row.detector for row in result.summaries]
    assert document["critical_difference"] > 0 and set(document["series"]["knn"]) == set(result.results["knn"])


def test_a_wrong_request_is_one_line(tmp_path):
    with pytest.raises(RequestError, match=r"has no windows\.json"):
        runner.run(tmp_path)
    (tmp_path / "windows.json").write_text('{"a.csv": []}')
    with pytest.raises(RequestError, match="unknown detector 'x'"):
        runner.run(tmp_path, detectors=["x"])
    with pytest.raises(RequestError, match="none of the 1 series"):
        runner.run(tmp_path, detectors=["knn"])


def test_a_folder_without_labels_gets_recommendations(tmp_path, capsys):
    folder = tmp_path / "mine"
    folder.mkdir()
    data = series(600, at=450)
    table = pd.DataFrame({"timestamp": pd.to_datetime(data.times, unit="ms"), "value": data.values})
    table.to_csv(folder / "one.csv", index=False)
    (folder / "two.csv").write_text("timestamp,value\nnonsense\n")
    assert main(["benchmark", "anomaly", str(folder), "--json", "--workers", "1"]) == 0
    document = json.loads(capsys.readouterr().out)
    (row,) = document["recommended"]
    assert row["series"] == "one.csv" and row["detector"] == row["order"][0] and "rank" in row["reasons"]
    assert set(row["order"]) == set(benchmark.TITLES) - {"random"}
    assert len(document["errors"]) == 1 and document["errors"][0].startswith("two.csv: ")
    assert document["recommendation"]["series"] == 27 and not document["detectors"]
    assert main(["benchmark", "anomaly", str(folder), "--workers", "1"]) == 0
    output = capsys.readouterr()
    assert "one.csv" in output.out and "always the default detector" in output.err
