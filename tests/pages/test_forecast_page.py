"""The forecast page: Beijing's table without a run, runs side by side, a warmer past, a file of one's own."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dlcore import projects, runs
from dlcore.core.settings import ASSETS
from dlcore.data.custom import table as custom_table
from dlcore.data.sources import locate as sources

RUN = "reference:forecast/lstm"


@pytest.fixture(autouse=True)
def fresh_home(tmp_path, monkeypatch):
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path / "home"))


def opened(**query: str) -> AppTest:
    test = AppTest.from_file(str(ASSETS.parent / "app.py"), default_timeout=60)
    test.switch_page("pages/series/forecast.py")
    for name, value in query.items():
        test.query_params[name] = value
    return test.run()


def words(test: AppTest) -> str:
    return " ".join(part.value for part in (*test.markdown, *test.caption))


def test_results_say_what_copying_gets_and_that_ridge_wins_over_the_plain_network():
    test = opened(panel="Results", run=RUN)
    assert not test.exception
    assert "is below copying the last hour" in words(test)
    assert "Ridge regression, a linear method" in test.warning[0].value


def test_reference_runs_stand_side_by_side():
    test = opened(panel="Results", run=RUN, comparison="reference")
    assert not test.exception and not test.error
    assert {"Model", "R² (mean)", "Skill"} <= set(test.dataframe[0].value.columns)
    assert len(test.dataframe[0].value.columns) < 12


def test_beijing_can_be_looked_at():
    test = opened(panel="Data", run=RUN)
    chooser = next(box for box in test.selectbox if box.label == "Dataset to look at")
    chooser.set_value("beijing_pm25").run()
    assert not test.exception and "43,824 rows of 7 variables" in words(test)


@pytest.mark.skipif(not sources.is_available("air_quality"), reason="data not here: air_quality (set DLCORE_DATA)")
def test_a_warmer_past_is_forecast_beside_the_real_one():
    test = opened(panel="Try it", run=RUN)
    test.slider(key="warmer").set_value(5.0).run()
    assert not test.exception
    table = test.dataframe[0].value
    assert "If warmer" in table.columns and len(table) == 13


def test_a_table_of_ones_own_is_looked_at_kept_chosen_and_removed():
    rows = [f"2024-01-{1 + h // 24:02d} {h % 24:02d}:00,{h % 24},{100 + h % 7},north" for h in range(400)]
    payload = ("\n".join(["when,heat,gas,place", *rows])).encode()
    test = opened(panel="Data", run=RUN)
    next(one for one in test.file_uploader if one.key == "custom-table-file").upload(
        "mine.csv", payload, "text/csv"
    ).run()
    assert not test.exception and any("holds no numbers" in str(frame.value) for frame in test.dataframe)
    test.button(key="custom-table-save").click().run()
    assert not test.exception and "400 rows of 2 variables" in words(test)
    chooser = next(box for box in test.selectbox if box.label == "Dataset to look at")
    assert chooser.value == "custom:mine"
    next(button for button in test.button if button.label == "Remove").click().run()
    assert (
        not test.exception and "custom:mine" not in next(b for b in test.selectbox if b.label == chooser.label).options
    )


def test_a_table_of_days_is_spoken_of_in_days(tmp_path):
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
    made = runs.import_run(tmp_path / "bundle").run_id
    for panel in ("Results", "Try it", "Explain", "Data"):
        test = opened(panel=panel, run=made)
        assert not test.exception and not test.error, panel
        said = words(test) + " ".join(part.label for part in (*test.slider, *test.selectbox))
        assert "hour" not in said.lower().replace("the hour of the day", ""), (panel, said)
        assert "day" in said, panel
