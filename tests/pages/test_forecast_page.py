"""The forecast page: the Beijing dataset, comparison of runs, what-if temperature, a custom table."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dlcore import projects, runs
from dlcore.core.settings import ASSETS
from dlcore.data.custom import table as custom_table

RUN = "reference:forecast/lstm"


@pytest.fixture(autouse=True)
def fresh_home(tmp_path, monkeypatch):
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path / "home"))


def open_page(**query: str) -> AppTest:
    test = AppTest.from_file(str(ASSETS.parent / "app.py"), default_timeout=60)
    test.switch_page("pages/series/forecast.py")
    for name, value in query.items():
        test.query_params[name] = value
    return test.run()


def all_text(test: AppTest) -> str:
    return " ".join(part.value for part in (*test.markdown, *test.caption))


def test_results_name_the_persistence_baseline_and_that_ridge_beats_the_run():
    test = open_page(panel="results", run=RUN)
    assert not test.exception
    text = all_text(test)
    assert "Skill **-0.226**, ridge regression 0.395: **the baseline wins**. 90 % intervals cover **90.1 %**." in text
    assert "Ridge regression beats this run" in text and "is better in every variable" in text
    assert "Their width comes from the model's validation errors" in text


def test_reference_runs_can_be_compared():
    test = open_page(panel="results", run=RUN, comparison="reference")
    assert not test.exception and not test.error
    assert {"Model", "R² (mean)", "Skill"} <= set(test.dataframe[0].value.columns)
    assert len(test.dataframe[0].value.columns) < 12


def test_data_panel_shows_beijing():
    test = open_page(panel="data", run=RUN)
    for dataset in (box for box in test.selectbox if box.label == "Dataset"):  # if Air Quality is here, too
        dataset.set_value("beijing_pm25").run()
    assert not test.exception and "43,824 rows of 7 variables" in all_text(test)


@pytest.mark.realdata("air_quality")
def test_what_if_forecast_is_shown_with_the_forecast():
    test = open_page(panel="predict", run=RUN)
    test.slider(key="warmer").set_value(5.0).run()
    assert not test.exception
    table = test.dataframe[0].value
    assert "What-if" in table.columns and len(table) == 13


def test_custom_table_can_be_uploaded_saved_chosen_and_removed():
    rows = [f"2024-01-{1 + h // 24:02d} {h % 24:02d}:00,{h % 24},{100 + h % 7},north" for h in range(400)]
    payload = ("\n".join(["when,heat,gas,place", *rows])).encode()
    test = open_page(panel="data", run=RUN)
    uploader = next(each for each in test.file_uploader if each.key == "custom-table-file")
    uploader.upload("mine.csv", payload, "text/csv").run()
    assert not test.exception and any("holds no numbers" in line.value for line in test.text)
    test.button(key="custom-table-save").click().run()
    assert not test.exception and "400 rows of 2 variables" in all_text(test)
    dataset = next(box for box in test.selectbox if box.label == "Dataset")
    assert dataset.value == "custom:mine"
    next(button for button in test.button if button.label == "Remove").click().run()
    assert not test.exception
    assert not any("custom:mine" in box.options for box in test.selectbox if box.label == dataset.label)


def test_daily_table_uses_days_as_unit(tmp_path):
    days = np.arange(700)
    when = np.datetime64("2022-01-01") + days.astype("timedelta64[D]")
    noise = np.random.default_rng(0).normal(0, 0.3, (700, 2))
    values = np.stack([10 + np.sin(days / 9), 5 + np.cos(days / 9)], axis=1) + noise
    rows = [f"{day},{heat:.3f},{gas:.3f}" for day, (heat, gas) in zip(when, values, strict=True)]
    custom_table.IMPORTER.save("days", custom_table.IMPORTER.preview("\n".join(["when,heat,gas", *rows]).encode()))
    settings = {"epochs": 1, "window": 8, "horizon": 2, "validation": "last"}
    config = projects.configure(
        "forecast", model="lstm", dataset="custom:days", preset="quick", device="cpu", settings=settings
    )
    runs.train_here(config, tmp_path / "bundle")
    run_id = runs.import_run(tmp_path / "bundle").run_id
    for panel in ("results", "predict", "explain", "data"):
        test = open_page(panel=panel, run=run_id)
        assert not test.exception and not test.error, panel
        text = all_text(test) + " ".join(part.label for part in (*test.slider, *test.selectbox))
        assert "hour" not in text.lower().replace("the hour of the day", ""), (panel, text)
        assert "day" in text, panel
