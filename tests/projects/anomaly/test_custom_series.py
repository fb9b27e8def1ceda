"""A series of one's own in a project: configured, trained, pinned, carried to another machine."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from dlcore import projects, runs
from dlcore.core.errors import ConfigError, DataError
from dlcore.data.custom import registry as custom
from dlcore.data.custom.registry import CustomDataset
from dlcore.data.custom.series import IMPORTER, preview_series
from dlcore.data.series.csv_file import Columns
from dlcore.data.series.series import LabeledWindow, Series
from dlcore.projects.anomaly import custom_series
from dlcore.projects.command import command_line

pytestmark = pytest.mark.usefixtures("home")
N = 600


def kept(name="mine", *, labelled=True, shift=0.0) -> CustomDataset:
    hours = np.arange(N)
    values = shift + 50 + 20 * np.sin(2 * np.pi * hours / 24) + np.random.default_rng(0).normal(0, 2, N)
    values[500:512] += 60
    times = pd.date_range("2021-03-01", periods=N, freq="1h").to_numpy().astype("datetime64[ms]").astype(np.int64)
    windows = (LabeledWindow(int(times[500]), int(times[511]), "surge"),) if labelled else ()
    series = Series(times, values, windows, period=24)
    return IMPORTER.save(name, preview_series(series, Columns("t", "v")))


def quick(dataset="mine", model="dense_32", **settings):
    return projects.configure("anomaly", model=model, dataset=dataset, preset="quick", settings=settings)


def test_a_config_names_the_dataset_and_pins_its_content():
    entry = kept()
    for name in ("mine", "custom:mine"):
        config = quick(name)
        assert (config.dataset, config.data_checksum) == ("custom:mine", entry.checksum)
    assert projects.load_config(json.loads(config.model_dump_json())) == config
    assert projects.with_settings(config, {"epochs": 3}).data_checksum == entry.checksum
    assert projects.with_settings(config, {"dataset": "nyc_taxi"}).data_checksum == ""
    assert "custom:mine" in projects.list_datasets("anomaly") and "custom:mine" not in projects.list_datasets("fashion")


def test_settings_suit_the_series_unless_a_person_says_otherwise():
    kept()
    for model in projects.get("anomaly").models:
        options = quick(model=model).flat
        assert (options["train_share"], options["validation_share"], options["window"]) == (0.5, 0.1, 24)
        assert options.get("leave_out", "") == ""
    assert quick(train_share=0.6).flat["train_share"] == 0.6
    config = quick(window=16)
    assert "--dataset custom:mine" in command_line(config) and "--set window=16" in command_line(config)
    assert "train_share" not in command_line(config)


@pytest.mark.parametrize(
    ("rows", "step_ms", "period", "wanted"),
    [
        (100_000, 300_000, 2016, 288),
        (10_000, 1_800_000, 336, 48),
        (10_000, 60_000, 90, 88),
        (5000, 86_400_000, 7, 48),
        (5000, 86_400_000, 0, 48),
        (400, 3_600_000, 24, 20),
        (100, 3_600_000, 24, 8),
    ],
)
def test_the_window_is_a_day_or_a_period_where_it_fits(rows, step_ms, period, wanted):
    assert custom_series.window(rows, step_ms=step_ms, period=period) == wanted


def test_what_cannot_be_trained_on_is_said_at_once():
    kept()
    with pytest.raises(ConfigError, match=r"unknown dataset 'moon'.*custom:mine"):
        quick("moon")
    with pytest.raises(DataError, match="not on this machine"):
        quick("custom:moon")
    with pytest.raises(ConfigError, match="unknown dataset 'mine'"):
        projects.configure("fashion", dataset="mine")


def test_another_file_under_the_name_is_noticed():
    kept()
    config = quick()
    custom.remove("mine")
    with pytest.raises(DataError, match="not on this machine"):
        projects.get("anomaly").prepare(config)
    kept(shift=1.0)
    with pytest.raises(DataError, match="differs from the one this run was trained on"):
        projects.get("anomaly").prepare(config)


@pytest.mark.parametrize("labelled", [True, False])
def test_a_run_goes_to_another_machine_and_is_judged_there(labelled, tmp_path, monkeypatch):
    entry = kept(labelled=labelled)
    record = runs.train_here(quick(epochs=2), tmp_path / "bundle")
    bundle = runs.Bundle(tmp_path / "bundle")
    assert record.state == "finished" and record.dataset == "custom:mine"
    assert bundle.run["data_checksum"] == bundle.config.data_checksum == entry.checksum
    assert entry.checksum in bundle.card and "--dataset custom:mine" in bundle.run["command"]
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path / "elsewhere"))
    taken = runs.import_run(tmp_path / "bundle")
    found = runs.evaluate(taken.run_id)
    assert np.isfinite(list(found["metrics"].values())).all()
    assert ("auc_pr" in found["metrics"]) == ("roc_auc" in found["metrics"]) == labelled
    assert bundle.evaluation.verdict and ("no label" in bundle.evaluation.verdict) != labelled
    assert "custom:mine" in command_line(bundle.config)  # though the series is not here
    with pytest.raises(DataError, match=r"'mine' is not on this machine: add its file again"):
        projects.get("anomaly").prepare(bundle.config)
    back = runs.export_run(taken.run_id, tmp_path / "back.zip")
    assert runs.import_run(back).dataset == "custom:mine"


def test_every_model_trains_on_it(tmp_path):
    kept()
    for model in projects.get("anomaly").models:
        record = runs.train_here(quick(model=model, epochs=1), tmp_path / model)
        assert record.state == "finished" and np.isfinite(record.metrics["validation_loss"])


def test_labels_are_exactly_those_inside_a_window():
    times = np.arange(20, dtype=np.int64) * 10
    windows = (LabeledWindow(30, 50, ""), LabeledWindow(45, 61, ""), LabeledWindow(-5, 0, ""))
    series = Series(times, times * 1.0, windows)
    wanted = np.any([(times >= w.start) & (times <= w.end) for w in windows], axis=0)
    assert series.labels.tolist() == wanted.astype(int).tolist()
    assert dataclasses.replace(series, windows=()).labels.sum() == 0
