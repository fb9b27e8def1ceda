"""Files of many inputs on the Predict panels: progress, the first rows, and the table of the command line."""

import base64
import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from dlcore import runs
from dlcore.ui.components import mount

TEXTS = ("A dull film.", "I laughed and cried, wonderful!", "", "not bad, not good")


def panel(slug: str, ref: str) -> None:
    import streamlit as st

    from dlcore import projects, runs
    from dlcore.ui.modalities import predict as shared
    from dlcore.ui.pages.anomaly import predict as anomaly
    from dlcore.ui.pages.food import predict as food
    from dlcore.ui.pages.forecast import predict as forecast
    from dlcore.ui.pages.seq2seq import predict as seq2seq

    st.session_state.setdefault("food-input", food.FILES)
    st.session_state.setdefault("input", shared.CUSTOM)
    pages = {"anomaly": anomaly, "food": food, "forecast": forecast, "seq2seq": seq2seq}
    pages.get(slug, shared).predict(projects.get(slug), runs.open_run(ref))


def open_panel(slug: str, model: str) -> AppTest:
    app = AppTest.from_function(panel, args=(slug, f"reference:{slug}/{model}"), default_timeout=120).run()
    assert not app.exception
    return app


def table_of(*texts: str) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file).writerows([("number", "notes"), *enumerate(texts)])
    return file.getvalue().encode()


def photo(seed: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (28, 28, 3), dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


def command_line(ref: str, source: Path, **options: str) -> list[list[str]]:
    runs.open_run(ref).predict_file(source, source.with_name("out.csv"), **options)
    with source.with_name("out.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def stored_table(app: AppTest, slug: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(app.session_state[f"batch-table-{slug}"][2].decode())))


def all_text(app: AppTest) -> str:
    return " ".join(part.value for part in (*app.markdown, *app.caption, *app.error, *app.warning))


def test_table_of_texts_has_the_predictions_of_the_command_line(tmp_path: Path) -> None:
    app, slug = open_panel("reviews_lstm", "base_lstm"), "reviews_lstm"
    (tmp_path / "in.csv").write_bytes(table_of(*TEXTS))
    app.file_uploader(key=f"batch-{slug}").set_value(("in.csv", table_of(*TEXTS), "text/csv")).run()
    column = app.selectbox(key=f"batch-column-{slug}")
    assert not app.exception and column.options == ["number", "notes"]
    assert app.dataframe[-1].value["notes"].tolist() == list(TEXTS)
    column.set_value("notes").run()
    app.button(key=f"batch-start-{slug}").click().run()
    assert not app.exception and not app.error
    expected = command_line("reference:reviews_lstm/base_lstm", tmp_path / "in.csv", text="notes")
    assert stored_table(app, slug) == expected
    assert "4 predictions" in all_text(app) and "1 with an error" in all_text(app)
    assert app.dataframe[-1].value.to_numpy().tolist() == expected[1:]
    column = app.selectbox(key=f"batch-column-{slug}").set_value("number").run()  # another column: not yet predicted
    assert app.button(key=f"batch-start-{slug}") and "4 predictions" not in all_text(app)


def test_text_column_is_selected_by_name_and_a_file_that_is_no_table_takes_one_line() -> None:
    app, key = open_panel("reviews_lstm", "base_lstm"), "batch-reviews_lstm"
    payload = b"id,review,label\n1,good,pos\n2,bad,neg\n"
    app.file_uploader(key=key).set_value(("in.csv", payload, "text/csv")).run()
    assert app.selectbox(key="batch-column-reviews_lstm").value == "review"
    app.file_uploader(key=key).set_value(("in.csv", b"%PDF-1.4", "text/csv")).run()
    assert not app.exception and [error.value.count("\n") for error in app.error] == [0]
    assert "a PDF" in app.error[0].value


@pytest.mark.parametrize(("slug", "model"), [("fashion", "dense"), ("food", "mobilenet_v2_frozen")])
def test_photos_and_a_zip_have_a_table(slug: str, model: str) -> None:
    app = open_panel(slug, model)
    photos = [(name, photo(i), "image/png") for i, name in enumerate(("a.png", "a.png", "b.png"))]
    broken = ("c.png", b"no image", "image/png")
    uploader = next(each for each in app.file_uploader if each.key in (f"batch-{slug}", "food-files"))
    uploader.set_value([*photos, broken]).run()
    app.button(key=f"batch-start-{slug}").click().run()
    assert not app.exception
    header, *rows = stored_table(app, slug)
    assert header[0] == "file" and sorted(row[0] for row in rows) == ["a (2).png", "a.png", "b.png", "c.png"]
    by_name = dict(zip((row[0] for row in rows), rows, strict=True))
    single = runs.open_run(f"reference:{slug}/{model}").predict(photo(2))
    assert by_name["b.png"][1] == single["label"]
    assert float(by_name["b.png"][2]) == pytest.approx(single["probability"], abs=1e-6)
    assert "not an image" in by_name["c.png"][-1]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("folder/b.png", photo(2))
    uploader = next(each for each in app.file_uploader if each.key in (f"batch-{slug}", "food-files"))
    uploader.set_value([("photos.zip", archive.getvalue(), "application/zip")]).run()
    app.button(key=f"batch-start-{slug}").click().run()
    assert [row[:3] for row in stored_table(app, slug)[1:]] == [["folder/b.png", *by_name["b.png"][1:3]]]


def test_sequences_have_a_table() -> None:
    app = open_panel("seq2seq", "sorting")
    app.file_uploader(key="batch-seq2seq").set_value(("in.csv", b"source\n312\nabc\n", "text/csv")).run()
    app.button(key="batch-start-seq2seq").click().run()
    assert not app.exception
    assert [row[1:3] for row in stored_table(app, "seq2seq")[1:]] == [["312", "123"], ["", ""]]


def test_uploaded_series_has_the_draggable_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    views: list[dict[str, Any]] = []
    mounted = mount.mount_reporting

    def record(component: Any, data: dict[str, Any], **options: Any) -> Any:
        views.append(data)
        return mounted(component, data, **options)

    monkeypatch.setattr("dlcore.ui.components.threshold.component.mount_reporting", record)
    app = open_panel("anomaly", "dense_16")
    times = np.datetime64("2015-03-01T00:00") + np.arange(300) * np.timedelta64(30, "m")
    payload = "time,value\n" + "".join(f"{moment},{10_000 + 50 * (i % 48)}\n" for i, moment in enumerate(times))
    app.file_uploader(key="own-csv").set_value(("in.csv", payload.encode(), "text/csv")).run()
    assert not app.exception and not app.error
    single = runs.open_run("reference:anomaly/dense_16").predict(payload.encode())
    view = views[-1]
    assert view["run_threshold"] == single["threshold"] and view["labels"] is None
    assert [(scope["start"], scope["stop"]) for scope in view["scopes"]] == [(0, 300)]
    scores = np.frombuffer(base64.b64decode(view["scores"]["base64"]), np.float64)
    np.testing.assert_allclose(scores, single["errors"])
    assert sorted(app.dataframe[-1].value["Row"]) == single["alarm_rows"] != []


def test_uploaded_table_has_its_forecast_with_intervals_and_a_download() -> None:
    names = runs.open_run("reference:forecast/lstm").finished_bundle.preprocessing["names"]
    times = pd.date_range("2005-01-01", periods=40, freq="h").strftime("%Y-%m-%d %H:%M")
    values = np.random.default_rng(0).normal(10, 1, (40, len(names)))
    payload = pd.DataFrame(values, columns=names).assign(time=times).to_csv(index=False).encode()
    app = open_panel("forecast", "lstm")
    app.file_uploader(key="forecast-csv").set_value(("in.csv", payload, "text/csv")).run()
    assert not app.exception
    charts = [chart for chart in app.get("plotly_chart") if "file-" in str(chart.proto.id)]
    assert len(charts) == len(names)
    assert [button.proto.label for button in app.get("download_button")][-1] == "Download the forecast (CSV)"
