"""Tables of several columns: scores by column and together, one threshold or one each, explained by the column."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dlcore import cli, projects, runs
from dlcore.core.errors import DataError
from dlcore.data.custom.table import IMPORTER
from dlcore.data.series.tables import load_series
from dlcore.evaluation import anomaly as scoring
from dlcore.projects.anomaly import alarm, streaming
from dlcore.projects.anomaly.project import PROJECT

pytestmark = pytest.mark.usefixtures("home")
N, NAMES, EVENT = 900, ("load", "heat", "flow"), 700


@pytest.fixture
def payload() -> bytes:
    rng, hours = np.random.default_rng(0), np.arange(N)
    columns = {
        "load": 50 + 20 * np.sin(2 * np.pi * hours / 24) + rng.normal(0, 2, N),
        "heat": 1000 + rng.normal(0, 30, N),
        "flow": np.cumsum(rng.normal(0, 1, N)),
    }
    columns["heat"][EVENT : EVENT + 12] += 600
    columns["load"][100] = np.nan
    times = pd.date_range("2021-03-01", periods=N, freq="1h")
    return pd.DataFrame({"when": times, **columns}).to_csv(index=False).encode()


def train(folder, payload: bytes, **settings) -> runs.Bundle:
    IMPORTER.find_or_save(Path("plant.csv"), payload)
    config = projects.configure("anomaly", dataset="plant", preset="quick", device="cpu", settings=settings)
    runs.train_here(config, folder / "bundle")
    return runs.Bundle(folder / "bundle")


@pytest.mark.parametrize("column_thresholds", [False, True])
def test_event_of_one_column_is_an_alarm_of_all_and_is_explained_by_it(tmp_path, payload, column_thresholds):
    bundle = train(tmp_path, payload, column_thresholds=column_thresholds)
    stored, loaded = bundle.predictions(), bundle.load()
    scores = np.concatenate([stored[f"{part}_scores"] for part in ("train", "validation", "test")])
    columns = np.concatenate([stored[f"{part}_columns"] for part in ("train", "validation", "test")])
    assert columns.shape == (N, len(NAMES)) and bundle.threshold == 1.0
    if column_thresholds:
        assert np.array_equal(scores, columns.max(axis=1))
    is_event = slice(EVENT, EVENT + 24)
    assert (scores[is_event] > 1).any() and (columns[is_event, 1] > 1).any()
    assert not (columns[is_event, [[0], [2]]] > 1).any()
    ranges = scoring.alarm_ranges(scores[450:] > 1, gap=24)
    assert len(ranges) <= 3
    answer = PROJECT.answer(loaded, payload)
    assert answer["errors"][EVENT:] == pytest.approx(scores[EVENT:], rel=1e-4)
    prepared = PROJECT.prepare(loaded.config)
    window = alarm.reconstruct(loaded.module, prepared, loaded.config, EVENT + 5)
    assert window.column == "heat" and np.abs(window.observed - window.rebuilt).max() > 300
    assert "heat" in bundle.preprocessing["columns"]
    causal = np.array(answer["errors"])
    scorer, parts = streaming.StreamScorer(loaded, 3_600_000), np.split(np.arange(N), [7, 100, 101, 640])
    series = PROJECT.prepare(loaded.config).source["series"]
    streamed = np.concatenate([scorer.score(series.times[part], series.columns[part]) for part in parts])
    assert streamed == pytest.approx(causal, rel=1e-6)
    assert scorer.explain(series.times[: EVENT + 5], series.columns[: EVENT + 5])["column"] == "heat"


def test_a_monitor_follows_rows_of_several_values_as_the_whole_file_is_scored(tmp_path, payload, monkeypatch, capsys):
    bundle = train(tmp_path, payload)
    expected = np.array(PROJECT.answer(bundle.load(), payload)["errors"])
    monkeypatch.setattr(runs, "open_run", lambda name: runs.Run("reference:anomaly/plant", bundle.folder))
    header, *rows = payload.decode().splitlines()
    reordered = [",".join(line.split(",")[place] for place in (3, 0, 1, 2)) for line in (header, *rows)]
    command, scores = ["monitor", "plant", "--once", "--json", "--scores"], []
    for name, lines in {"grows.csv": reordered, "whole.csv": [header, *rows]}.items():
        path, scores = tmp_path / name, []
        for end in (300, EVENT + 3, N + 1) if name == "grows.csv" else (N + 1,):  # a process each
            path.write_text("\n".join([*lines[:end], ""]))
            assert cli.main([*command, "--follow" if name == "grows.csv" else "--replay", str(path)]) == 0
            out, err = capsys.readouterr()
            scores += [float(line.split()[-2]) for line in err.splitlines() if line.startswith("2021")]
        result = json.loads(out.splitlines()[-1])
        assert scores == pytest.approx(expected, rel=1e-6) and result["points"] == N
        assert result["alarms"] == len(scoring.alarm_ranges(expected > 1, gap=24))
        alarms = [json.loads(line) for line in (Path(result["folder"]) / "alarms.jsonl").read_text().splitlines()]
        event = next(alarm for alarm in alarms if alarm["start"] >= "2021-03-30T04")
        assert event["column"] == "heat" and "of heat" in event["reason"] and event["value"] > 1400
    assert cli.main([*command, "--replay", "nyc_taxi"]) == 2 and "needs load, heat, flow" in capsys.readouterr().err
    runs.open_run("plant").predict_file(tmp_path / "whole.csv", tmp_path / "scores.csv")
    table = pd.read_csv(tmp_path / "scores.csv")
    assert list(table) == ["time", *NAMES, "score", "alarm"] and len(table) == N


def test_missing_values_take_the_one_before_and_a_model_of_one_column_refuses(tmp_path, payload):
    IMPORTER.find_or_save(Path("plant.csv"), payload)
    series = load_series("custom:plant")
    assert series.names == NAMES and series.columns is not None and np.isfinite(series.columns).all()
    assert series.columns[100, 0] == series.columns[99, 0]
    config = projects.configure("anomaly", dataset="plant", model="conv", preset="quick", device="cpu")
    with pytest.raises(DataError, match="3: choose 'neighbors'"):
        PROJECT.prepare(config)
