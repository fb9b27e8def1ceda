"""Custom series in the anomaly project: configuration, training, checksums and export."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

import dlcore
from dlcore import projects, runs
from dlcore.core.errors import ConfigError, DataError
from dlcore.data.custom import registry as custom
from dlcore.data.custom.registry import CustomDataset
from dlcore.data.custom.series import IMPORTER, preview_series
from dlcore.data.series.columns import Columns
from dlcore.data.series.series import LabeledWindow, Series, load_custom
from dlcore.evaluation.baselines import series_score
from dlcore.projects.anomaly import custom_series, usable
from dlcore.projects.anomaly.evaluation import ThresholdData
from dlcore.projects.command import command_line
from dlcore.runs import inference

pytestmark = pytest.mark.usefixtures("home")
N = 600


def save_series(name="mine", *, is_labeled=True, shift=0.0) -> CustomDataset:
    hours = np.arange(N)
    values = shift + 50 + 20 * np.sin(2 * np.pi * hours / 24) + np.random.default_rng(0).normal(0, 2, N)
    values[500:512] += 60
    times = pd.date_range("2021-03-01", periods=N, freq="1h").to_numpy().astype("datetime64[ms]").astype(np.int64)
    windows = (LabeledWindow(int(times[500]), int(times[511]), "surge"),) if is_labeled else ()
    series = Series(times, values, windows, period=24)
    return IMPORTER.save(name, preview_series(series, Columns("t", "v")))


def quick(dataset="mine", model="dense_32", **settings):
    return projects.configure("anomaly", model=model, dataset=dataset, preset="quick", settings=settings)


def test_config_pins_the_dataset_by_checksum():
    entry = save_series()
    for name in ("mine", "custom:mine"):
        config = quick(name)
        assert (config.dataset, config.data_checksum) == ("custom:mine", entry.checksum)
    assert projects.load_config(json.loads(config.model_dump_json())) == config
    assert projects.with_settings(config, {"epochs": 3}).data_checksum == entry.checksum
    assert projects.with_settings(config, {"dataset": "nyc_taxi"}).data_checksum == ""
    assert "custom:mine" in projects.list_datasets("anomaly") and "custom:mine" not in projects.list_datasets("fashion")


def test_default_settings_fit_the_series_and_can_be_overridden():
    save_series()
    for model in projects.get("anomaly").models:
        options = quick(model=model).flat
        assert (options["train_share"], options["validation_share"]) == (0.5, 0.1)
        expected = 28 if model in ("neighbors", "patch") else 24  # at most half of the smallest split
        assert options["window"] == expected
        assert options.get("leave_out", "") == ""
    assert quick(train_share=0.6).flat["train_share"] == 0.6
    config = quick(window=16)
    assert "--dataset custom:mine" in command_line(config) and "--set window=16" in command_line(config)
    assert "train_share" not in command_line(config)


def test_default_detector_is_preselected_and_its_settings_are_chosen_by_the_training_part():
    entry = save_series()
    config = projects.configure("anomaly", dataset="mine", preset="quick")
    choice = custom_series.choose_detector(entry)
    assert config.model == "neighbors" and choice.settings.items() <= config.flat.items()
    assert config.flat["use_period"] and "repeats every 1 day" in choice.reason


@pytest.mark.parametrize(
    ("rows", "step_ms", "period", "expected"),
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
def test_window_is_a_day_or_a_period_if_it_fits(rows, step_ms, period, expected):
    assert custom_series.window(rows, step_ms=step_ms, period=period) == expected


@pytest.mark.parametrize(
    ("step_ms", "period", "expected"), [(1_800_000, 336, 96), (300_000, 288, 288), (1000, 90, 180), (86_400_000, 0, 48)]
)
def test_a_patch_holds_two_days_or_periods(step_ms, period, expected):
    assert custom_series.window(10_000, step_ms=step_ms, period=period, periods=2) == expected


def test_unusable_series_is_rejected_on_configuration():
    save_series()
    with pytest.raises(ConfigError, match=r"unknown dataset 'moon'.*custom:mine"):
        quick("moon")
    with pytest.raises(DataError, match="not on this machine"):
        quick("custom:moon")
    with pytest.raises(ConfigError, match="unknown dataset 'mine'"):
        projects.configure("fashion", dataset="mine")


def test_changed_file_with_the_same_name_is_an_error():
    save_series()
    config = quick()
    custom.remove("mine")
    with pytest.raises(DataError, match="not on this machine"):
        projects.get("anomaly").prepare(config)
    save_series(shift=1.0)
    with pytest.raises(DataError, match="differs from the one this run was trained on"):
        projects.get("anomaly").prepare(config)


@pytest.mark.parametrize("is_labeled", [True, False])
def test_exported_run_is_evaluated_on_another_machine(is_labeled, tmp_path, monkeypatch):
    entry = save_series(is_labeled=is_labeled)
    record = runs.train_here(quick(epochs=2), tmp_path / "bundle")
    bundle = runs.Bundle(tmp_path / "bundle")
    assert record.state == "finished" and record.dataset == "custom:mine"
    assert bundle.run["data_checksum"] == bundle.config.data_checksum == entry.checksum
    assert entry.checksum in bundle.card and "--dataset custom:mine" in bundle.run["command"]
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path / "elsewhere"))
    import_run = runs.import_run(tmp_path / "bundle")
    evaluation = runs.evaluate(import_run.run_id)
    assert np.isfinite(list(evaluation["metrics"].values())).all()
    assert ("auc_pr" in evaluation["metrics"]) == ("roc_auc" in evaluation["metrics"]) == is_labeled
    assert bundle.evaluation.verdict and ("no label" in bundle.evaluation.verdict) != is_labeled
    assert "custom:mine" in command_line(bundle.config)  # although the series is not on this machine
    with pytest.raises(DataError, match=r"'mine' is not on this machine: add its file again"):
        projects.get("anomaly").prepare(bundle.config)
    back = runs.export_run(import_run.run_id, tmp_path / "back.zip")
    assert runs.import_run(back).dataset == "custom:mine"


def test_every_model_trains_on_a_custom_series(tmp_path):
    save_series()
    for model in projects.get("anomaly").models:
        record = runs.train_here(quick(model=model, epochs=1), tmp_path / model)
        assert record.state == "finished" and np.isfinite(record.metrics["validation_loss"])


def test_labels_are_one_only_inside_windows():
    times = np.arange(20, dtype=np.int64) * 10
    windows = (LabeledWindow(30, 50, ""), LabeledWindow(45, 61, ""), LabeledWindow(-5, 0, ""))
    series = Series(times, times * 1.0, windows)
    result = np.any([(times >= w.start) & (times <= w.end) for w in windows], axis=0)
    assert series.labels.tolist() == result.astype(int).tolist()
    assert dataclasses.replace(series, windows=()).labels.sum() == 0


def test_seasonal_median_is_stored_and_scores_a_file(tmp_path):
    save_series(is_labeled=False)
    bundle = dlcore.train("anomaly", model="dense_32", dataset="mine", preset="quick", epochs=1, device="cpu").bundle
    assert inference.list_baselines(bundle) == ["weekly_median_causal"]
    stored = bundle.baselines()["weekly_median_causal"]
    assert stored["threshold"][0] == pytest.approx(bundle.evaluation.baselines["weekly_median_causal"]["threshold"])
    hours = pd.date_range("2021-06-01", periods=96, freq="1h")
    values = 50 + 20 * np.sin(2 * np.pi * hours.hour.to_numpy() / 24)
    values[60:70] += 60
    payload = pd.DataFrame({"t": hours, "v": values}).to_csv(index=False).encode()
    answer = inference.predict(bundle, payload, baseline="weekly_median_causal")
    assert set(answer) >= set(projects.get("anomaly").answer(bundle.load(), payload))
    rows = np.array(answer["alarm_rows"]) - 2
    assert len(rows) and ((rows >= 60) & (rows < 74)).all() and set(range(60, 70)) <= set(rows.tolist())


def test_seasonal_median_gives_the_scores_of_the_baseline():
    series = load_custom(f"custom:{save_series(is_labeled=False).name}")
    train = np.arange(N) < N // 2
    data = ThresholdData(train, np.zeros(N, bool), "maximum")
    arrays = usable.fit_seasonal_median(series, data, train=train, smooth=0)
    expected = series_score("weekly_median_causal", series.times, series.values, train=train, period=24)
    table = pd.DataFrame({"t": series.times.astype("datetime64[ms]"), "v": series.values})
    answer = usable.answer_with_seasonal_median(None, arrays, table.iloc[100:].to_csv(index=False).encode())
    assert answer["errors"][2:] == pytest.approx(expected[102:])  # its running mean of 3 begins with the file
    for name, value in {"medians": np.zeros(0), "step_ms": np.array([0]), "threshold": np.array([np.nan])}.items():
        with pytest.raises(DataError, match="damaged"):
            usable.answer_with_seasonal_median(None, arrays | {name: value}, b"t,v")
