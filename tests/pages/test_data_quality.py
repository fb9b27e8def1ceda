"""Data quality on panel Data: suspects with decisions, a new version, and its run beside the old one."""

import pytest
from streamlit.testing.v1 import AppTest

from dlcore import projects, runs
from dlcore.core.settings import ROOT
from dlcore.data.custom import registry

pytestmark = pytest.mark.usefixtures("home")


def _open(page: str, run_id: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "pages" / page), default_timeout=60)
    app.query_params.update({"panel": "data", "run": run_id})
    return app.run()


def test_suspects_of_a_run_are_relabeled_into_a_new_version():
    config = projects.configure(
        "fashion", model="dense", dataset="digits", preset="quick", device="cpu", settings={"epochs": 6}
    )
    run_id = runs.start(runs.create(config).run_id).run_id
    runs.follow(run_id, lambda record: None)
    app = _open("vision/fashion.py", run_id)
    next(button for button in app.button if button.label == "Find label errors").click().run()
    assert not app.exception
    assert any("labels are suspected to be wrong" in text.value for text in app.markdown)
    next(button for button in app.button if button.label.startswith("Relabel all")).click().run()
    assert not app.exception
    next(button for button in app.button if button.label == "Save and train").click().run()
    assert not app.exception, app.exception
    (entry,) = registry.list_datasets("images")
    assert entry.facts["base"] == "digits" and any("labels changed" in line for line in entry.receipt)
    (record,) = [each for each in runs.list_runs("fashion") if each.dataset == entry.dataset]
    runs.follow(record.run_id, lambda each: None)
    app.run()
    assert any(
        "it helped" in text.value or "beyond noise" in text.value or "it hurt" in text.value for text in app.markdown
    )
