"""Repairs on the page: every problem once with its choices, consent by saving, nothing lost on an error."""

import dataclasses

import pytest
from messy_importer import IMPORTER, messy_csv
from streamlit.delta_generator import DeltaGenerator
from streamlit.testing.v1 import AppTest

from dlcore.core import progress
from dlcore.data.custom import registry
from dlcore.data.custom.importers import IMPORTERS

pytestmark = pytest.mark.usefixtures("home", "messy")


@pytest.fixture
def messy(monkeypatch):
    monkeypatch.setitem(IMPORTERS, "series", IMPORTER)


def script():
    from dlcore.ui.custom_data import form, saved

    form.show_form("series")
    saved.show_saved("series")


def start() -> AppTest:
    return AppTest.from_function(script, default_timeout=60).run()


def upload(payload: bytes, name: str = "messy tiny.csv") -> AppTest:
    return start().file_uploader(key="custom-series-file").set_value((name, payload, "text/csv")).run()


def text(app: AppTest) -> str:
    kinds = (app.success, app.caption, app.error, app.text, app.warning)
    return " ".join(str(part.value) for kind in kinds for part in kind)


def repair(app: AppTest, kind: str):
    return next(box for box in app.selectbox if box.label == f"Repair of {kind}")


def save(app: AppTest) -> AppTest:
    return app.button(key="custom-series-save").click().run()


def test_every_problem_is_listed_once_with_its_default_and_saving_accepts_what_is_shown():
    app = upload(messy_csv())
    assert not app.exception and not app.error
    repairs = {box.label: (box.value, box.options) for box in app.selectbox if box.label.startswith("Repair of")}
    assert repairs == {
        "Repair of duplicate times": ("mean", ["mean (default)", "first", "last"]),
        "Repair of gaps": ("interpolate:6", ["interpolate (default)", "cut"]),
    }
    assert "3 cases, first: row 2, for example “2024-01-01 10:00:00”" in text(app)
    assert registry.list_datasets() == []
    save(app)
    entry = registry.require("messy-tiny", "series")
    receipt = ("rows sorted by time", "3 duplicate times: mean of their values", "5 missing hours: interpolate:6")
    assert entry.receipt == receipt and entry.rows == 240
    assert [problem["selected"] for problem in entry.facts["problems"]] == ["", "mean", "interpolate:6"]
    assert [fold.label for fold in app.expander if fold.label.startswith("Receipt")] == [
        f"Receipt: {'; '.join(receipt)}"
    ]


def test_a_choice_changes_preview_and_receipt():
    app = upload(messy_csv())
    repair(app, "gaps").select("cut").run()
    repair(app, "duplicate times").select("first").run()
    assert not app.exception and "2. 3 duplicate times: first of their values 3. 5 missing hours: cut" in text(app)
    save(app)
    assert registry.require("messy-tiny", "series").rows == 50  # up to the first gap


def test_value_of_a_repair_is_entered_as_a_number_and_an_error_keeps_file_and_fields():
    app = upload(messy_csv())
    app.text_input[-1].set_value("other").run()
    box = next(box for box in app.number_input if box.label == "Value of interpolate")
    assert box.value == 6
    box.set_value(2).run()
    assert "a gap of 3 hours is longer than 2" in app.error[0].value and registry.list_datasets() == []
    assert repair(app, "duplicate times").value == "mean"  # the problems stay, to choose differently
    next(box for box in app.number_input if box.label == "Value of interpolate").set_value(3).run()
    assert not app.error and app.text_input[-1].value == "other"
    save(app)
    assert registry.require("other", "series").receipt[-1] == "5 missing hours: interpolate:3"


def test_problem_without_a_default_must_be_decided_before_saving():
    app = upload(messy_csv(time="local time"))
    assert repair(app, "time zone").value is None and app.button(key="custom-series-save").disabled
    assert "To save, choose a repair above: time zone." in text(app)
    repair(app, "time zone").select("Europe/Berlin").run()
    assert not app.button(key="custom-series-save").disabled
    save(app)
    assert registry.require("messy-tiny", "series").receipt[0] == "times are of Europe/Berlin"


def test_encoding_is_a_repair_and_another_choice_reads_the_file_again():
    app = upload(messy_csv(encoding="cp1252"))
    assert repair(app, "encoding").value == "cp1252" and "CSV, separator comma, cp1252" in text(app)
    assert app.dataframe[0].value["place"].tolist() == ["café"] * 3  # the first rows, as read
    repair(app, "encoding").select("mac-roman").run()
    assert not app.exception and app.dataframe[0].value["place"].tolist() == ["cafÈ"] * 3
    save(app)
    assert registry.require("messy-tiny", "series").receipt[0].startswith("read as mac-roman")


def test_save_without_a_file_says_what_is_missing():
    app = start()
    button = app.button(key="custom-series-save-nothing")
    assert button.disabled and button.help == "Choose a file first."


def test_name_is_made_valid_and_said_and_a_taken_one_keeps_everything():
    app = upload(messy_csv())
    assert app.text_input[-1].value == "messy-tiny"
    app.text_input[-1].set_value("my messy set!").run()
    assert "It is saved as **my-messy-set**" in text(app)
    save(app)
    assert registry.find("my-messy-set") is not None and "This file is saved as **my-messy-set**" in text(app)
    app = upload(messy_csv(rows=200))
    repair(app, "gaps").select("cut").run()
    app.text_input[-1].set_value("my-messy-set").run()
    save(app)
    assert "there is a dataset 'my-messy-set' already" in app.error[-1].value
    assert repair(app, "gaps").value == "cut" and app.text_input[-1].value == "my-messy-set"
    app.text_input[-1].set_value("second").run()
    save(app)
    assert registry.require("second", "series").rows == 50


def test_same_content_is_said_before_it_is_saved_again():
    save(upload(messy_csv()))
    app = upload(messy_csv(), "again.csv")
    assert "The same content is saved already, as **messy-tiny**." in text(app)


def test_limits_are_said_before_the_upload():
    app = start()
    assert "Up to 64 MB, 1,000,000 points." in text(app)
    assert app.file_uploader(key="custom-series-file").proto.max_upload_size_mb == 64


def test_receipt_of_a_hostile_file_is_shown_as_text(home):
    line = "label ':red[x] <b>' merged with [a](http://x)"
    entry = registry.CustomDataset("odd", "series", 5, "c", source="<b>_x_.csv", facts={"receipt": [line]})
    registry.save(entry, lambda folder: None, reserved=())
    app = start()
    (fold,) = (fold for fold in app.expander if fold.label.startswith("Receipt"))
    assert fold.label == "Receipt: label '\\:red\\[x\\] \\<b\\>' merged with \\[a\\](http:\u2060//x)"
    assert f"1. {line}" in [part.value for part in app.text] and "\\<b\\>\\_x\\_.csv" in text(app)


def test_progress_that_an_importer_reports_is_shown(monkeypatch):
    updates = []

    def read(payload, repairs):
        progress.report("Reading images", 1, 4)
        return IMPORTER.open(payload, repairs)

    monkeypatch.setitem(IMPORTERS, "series", dataclasses.replace(IMPORTER, open=read))
    monkeypatch.setattr(DeltaGenerator, "progress", lambda self, value, text: updates.append((value, text)))
    upload(messy_csv())
    assert updates == [(0.25, "Reading images: 1 of 4")]
