"""The import form: every kind is uploaded, previewed and saved; invalid files are rejected; datasets are removed."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from dlcore.data.custom import registry as custom
from dlcore.data.custom.importers import IMPORTERS
from dlcore.ui.widgets import samples

pytestmark = pytest.mark.usefixtures("home")


def script(kind):
    from dlcore.ui.custom_data import form, saved

    form.show_form(kind)
    saved.show_saved(kind)


def time_csv(*columns: str, rows: int = 240) -> bytes:
    times = np.datetime64("2024-01-01T00:00") + np.arange(rows).astype("timedelta64[h]")
    cells = [
        ",".join([str(times[i]), *(f"{np.sin(i / 24 + k):.4f}" for k in range(len(columns)))]) for i in range(rows)
    ]
    return "\n".join([",".join(["when", *columns]), *cells]).encode()


def image_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(12):
            pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3), dtype=np.uint8)
            image = io.BytesIO()
            Image.fromarray(pixels).save(image, "PNG")
            archive.writestr(f"{'ab'[number % 2]}/{number}.png", image.getvalue())
        archive.writestr("a/notes.png", b"not an image")
    return file.getvalue()


FILES = {
    "series": ("my data.csv", time_csv("load"), 240),
    "table": ("my data.csv", time_csv("gas", "heat"), 240),
    "images": ("my data.zip", image_zip(), 12),
    "text": ("my data.csv", b"text,label\n" + b"".join(b"word %d,%d\n" % (n, n % 2) for n in range(12)), 12),
    "pairs": ("my data.tsv", b"read\twrite\n" + b"".join(b"a%d\tb%d\n" % (n, n) for n in range(120)), 120),
}


def upload(kind: str, payload: bytes | None = None) -> AppTest:
    name, content, _ = FILES[kind]
    app = AppTest.from_function(script, args=(kind,), default_timeout=60).run()
    return app.file_uploader(key=f"custom-{kind}-file").set_value((name, payload or content, "text/csv")).run()


def text(app: AppTest) -> str:
    return " ".join(str(part.value) for kind in (app.success, app.caption, app.error) for part in kind)


@pytest.mark.parametrize("kind", FILES)
def test_file_of_each_kind_is_previewed_saved_and_listed(kind):
    app = upload(kind)
    assert not app.exception and not app.error and custom.list_datasets() == []
    assert app.text_input[-1].label == "Name" and app.text_input[-1].value == "my-data"
    app.button(key=f"custom-{kind}-save").click().run()
    assert not app.exception and not app.error
    (entry,) = custom.list_datasets()
    assert (entry.dataset, entry.kind, entry.rows) == ("custom:my-data", kind, FILES[kind][2])
    assert f"Saved **my-data**: {entry.rows} {IMPORTERS[kind].unit}" in text(app)
    assert f"Source: {FILES[kind][0]}." in text(app)
    app.button(key="remove-my-data").click().run()
    assert not app.exception and custom.list_datasets() == []


@pytest.mark.parametrize("kind", FILES)
def test_invalid_file_of_each_kind_is_rejected_in_one_line(kind):
    app = upload(kind, b"\0binary")
    (error,) = app.error
    assert not app.exception and error.value.startswith("Nothing was saved: ") and "\n" not in error.value
    assert not app.button and custom.list_datasets() == []


def test_options_follow_from_the_importer_and_change_the_preview():
    app = upload("table")
    assert [box.label for box in app.selectbox] == ["Time column", "Label column"]
    assert app.multiselect[0].label == "Columns"
    assert next(box for box in app.number_input if box.label == "Missing").value is None
    app.multiselect[0].select("gas").run()
    assert "a table needs at least two" in app.error[0].value
    app = upload("series")
    assert [box.label for box in app.selectbox] == ["Time column", "Value column", "Label column"]
    app.number_input[0].set_value(12).run()
    app.button(key="custom-series-save").click().run()
    assert custom.require("my-data", "series").facts["period"] == 12


def test_rejected_files_are_listed_with_their_reason():
    app = upload("images")
    assert "1 left out, 0 converted" in [fold.label for fold in app.expander]
    table = next(frame.value for frame in app.dataframe if "Why" in frame.value)
    assert table["Where"].tolist() == ["a/notes.png"] and table["What"].tolist() == ["left out"]


def test_texts_are_read_again_when_a_name_is_reused():
    importer = IMPORTERS["text"]
    for word in ("first", "second"):
        rows = "".join(f"{word} text number {n},{n % 2}\n" for n in range(12))
        importer.save("mine", importer.preview(f"text,label\n{rows}".encode()))
        assert samples.get_text("custom:mine", 3).startswith(word) and len(samples.word_counts("custom:mine")) == 12
        custom.remove("mine")
