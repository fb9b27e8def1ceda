"""A custom series on the page: uploaded, previewed, saved, trained on, shown in every panel, removed."""

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import dlcore
from dlcore import projects, runs
from dlcore.core.errors import RunError
from dlcore.core.settings import ROOT
from dlcore.data.custom import registry as custom

N = 400


@pytest.fixture(autouse=True)
def fresh_home(tmp_path, monkeypatch):
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path / "home"))


def csv(label: str = "") -> bytes:
    hours = np.arange(N)
    values = 50 + 20 * np.sin(2 * np.pi * hours / 24) + np.random.default_rng(0).normal(0, 2, N)
    values[330:340] += 60
    rows = [f"2021-03-{1 + i // 24:02d} {i % 24:02d}:00,{values[i]:.3f}" for i in hours]
    flags = [f",{int(330 <= i < 340)}" if label else "" for i in hours]
    header = "when,load" + (f",{label}" if label else "")
    return "\n".join([header, *(row + flag for row, flag in zip(rows, flags, strict=True))]).encode()


def open_page(**query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page("pages/series/anomaly.py")
    return app.run()


def upload(payload: bytes, name: str = "my load.csv") -> AppTest:
    app = open_page(panel="data")
    return app.file_uploader(key="custom-series-file").set_value((name, payload, "text/csv")).run()


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def all_text(app: AppTest) -> str:
    return " ".join(str(part.value) for kind in (app.error, app.success, app.markdown, app.caption) for part in kind)


def test_uploaded_series_is_detected_saved_and_selected_for_training(monkeypatch):
    app = upload(csv("anomaly"))
    assert not app.exception and not app.error
    values = {box.label: box.value for box in app.selectbox}
    assert (values["Time column"], values["Value column"], values["Label column"]) == ("when", "load", "anomaly")
    assert next(box for box in app.number_input if box.label == "Period (points)").value == 24
    assert next(box for box in app.text_input if box.label == "Name").value == "my-load"
    app = press(app, "Save dataset")
    assert not app.exception and "is saved and selected under" in all_text(app)
    assert next(box for box in app.selectbox if box.label == "Dataset").value == "custom:my-load"
    configs = []

    def create(config, *, parent="", executor=""):
        configs.append(config)
        raise RunError("not started in tests.")

    monkeypatch.setattr(runs, "create", create)
    app.segmented_control(key="panel").set_value("train").run()
    press(app, "Train")
    assert (configs[0].dataset, configs[0].data_checksum) == (
        "custom:my-load",
        custom.require("my-load", "series").checksum,
    )


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (csv().replace(b" 00:00,", b" 00:00,=", 1), "row 2, column 'load'"),
        (b"\x89PNG" + bytes(99), "an image, not CSV"),
        (b"\n".join(csv().splitlines()[:30]), "the file ends after"),
        (b"", "empty"),
    ],
)
def test_invalid_file_is_rejected_and_nothing_is_saved(payload, message):
    app = upload(payload)
    assert not app.exception
    (error,) = app.error
    assert message in error.value and "\n" not in error.value
    assert custom.list_datasets() == [] and not any(button.label == "Save dataset" for button in app.button)


@pytest.mark.parametrize("label", ["anomaly", ""])
def test_every_panel_shows_the_run_before_and_after_the_dataset_is_removed(label, tmp_path):
    press(upload(csv(label)), "Save dataset")
    config = projects.configure("anomaly", model="dense_32", dataset="my-load", preset="quick", settings={"epochs": 2})
    runs.train_here(config, tmp_path / "bundle")
    run = runs.import_run(tmp_path / "bundle").run_id
    for panel in ("data", "train", "results", "predict", "explain"):
        app = open_page(panel=panel, run=run)
        assert not app.exception and not app.error, (panel, all_text(app))
    custom.remove("my-load")
    for panel in ("data", "results", "predict", "explain"):
        app = open_page(panel=panel, run=run)
        assert not app.exception and all("broke" not in error.value for error in app.error), (panel, all_text(app))


def test_a_table_of_several_columns_is_shown_in_every_panel(tmp_path):
    hours, rng = np.arange(N), np.random.default_rng(0)
    columns = {
        "load": rng.normal(0, 1, N),
        "heat": 90 + np.where((hours >= 330) & (hours < 340), 9, rng.normal(0, 1, N)),
    }
    table = pd.DataFrame({"when": pd.date_range("2021-03-01", periods=N, freq="1h"), **columns})
    table["anomaly"] = ((hours >= 330) & (hours < 340)).astype(int)
    table.to_csv(tmp_path / "plant.csv", index=False)
    dlcore.add_data("plant", tmp_path / "plant.csv", kind="table")
    config = projects.configure("anomaly", dataset="plant", preset="quick", device="cpu")
    runs.train_here(config, tmp_path / "bundle")
    run = runs.import_run(tmp_path / "bundle").run_id
    for panel in ("data", "results", "predict", "explain"):
        app = open_page(panel=panel, run=run)
        assert not app.exception and not app.error, (panel, all_text(app))
    app = open_page(panel="results", run=run)
    assert "2 columns, each compared by itself" in all_text(app)
    assert "**1 of 1** labeled events detected" in all_text(app) and "VUS-PR" in all_text(app)
    app.selectbox(key="column").set_value("heat").run()
    assert not app.exception and not app.error
    app = open_page(panel="predict", run=run, **{"anomaly-input": "Replay"})
    assert not app.exception and not app.error
    assert app.session_state["replay-session"][1].detector.scorer.names == ("load", "heat")


def test_file_of_another_kind_is_named_and_linked_to_a_page_that_takes_it():
    texts = "text,label\n" + "\n".join(f"a good film {k},{'ab'[k % 2]}" for k in range(40))
    app = upload(texts.encode(), "texts.csv")
    assert not app.exception and "Nothing was saved" in app.error[0].value
    (info,) = [each.value for each in app.info if "The file seems to hold" in each.value]
    assert "hold texts" in info
    assert any("News" in link.proto.label for link in app.get("page_link"))


def test_a_file_that_was_predicted_is_saved_and_selected_for_training_by_one_button():
    app = open_page(panel="predict")
    app = app.file_uploader(key="own-csv").set_value(("my load.csv", csv(), "text/csv")).run()
    assert not app.exception and "this file has a step of" in " ".join(box.value for box in app.warning)
    app = press(app, "Train on this file")
    assert not app.exception and not app.error
    assert next(box for box in app.selectbox if box.label == "Dataset").value == "custom:my-load"
    assert app.query_params["panel"] in ("train", ["train"])
    app = open_page(panel="predict").file_uploader(key="own-csv").set_value(("again.csv", csv(), "text/csv")).run()
    press(app, "Train on this file")
    assert [entry.name for entry in custom.list_datasets("series")] == ["my-load"]


def test_a_table_is_uploaded_in_the_same_form_after_its_kind_is_chosen():
    app = open_page(panel="data")
    app.segmented_control(key="kind-of-series").set_value("table").run()
    rows = [f"{line},{place % 7}" for place, line in enumerate(csv("anomaly").decode().splitlines()[1:])]
    payload = "\n".join(["when,load,anomaly,heat", *rows]).encode()
    app = app.file_uploader(key="custom-table-file").set_value(("plant.csv", payload, "text/csv")).run()
    assert not app.exception and not app.error
    assert next(box for box in app.selectbox if box.label == "Label column").value == "anomaly"
    app = press(app, "Save dataset")
    assert not app.exception and next(box for box in app.selectbox if box.label == "Dataset").value == "custom:plant"
    assert custom.require("plant", "table").facts["names"] == ["load", "heat"]
