"""Jobs bar, run list and run picker beyond 200 runs and 100 queued jobs."""

import time
from dataclasses import asdict

import pytest
from streamlit.testing.v1 import AppTest

from dlcore import projects, runs
from dlcore.core.settings import ROOT
from dlcore.runs import comparisons
from dlcore.runs import folder as folders
from dlcore.runs.lifecycle import write_state
from dlcore.runs.worker import liveness
from dlcore.ui.shell import jobs_bar, run_picker


@pytest.fixture
def config():
    return projects.configure("anomaly", model="dense_32", preset="quick", device="cpu")


def set_running(run_id):
    write_state(folders.of_run(run_id), "running")
    place = folders.of_run(run_id)
    folders.write_json(place.worker, asdict(liveness.WorkerInfo(token="t", launched=time.time())))
    liveness.sign_in(place, "t")


def test_running_run_behind_205_newer_ones_is_listed_everywhere(home, config):
    first = runs.create(config).run_id
    set_running(first)
    for seed in range(205):
        runs.create(config.model_copy(update={"seed": seed}))
    assert len(runs.list_runs()) == 206 and any(record.run_id == first for record in runs.list_runs())
    assert run_picker.list_records("anomaly")[0].run_id == first
    active = jobs_bar.active_jobs()
    assert active[0].run_id == first and len(active) == 206
    assert jobs_bar._describe_more(active[4:]) == "and 202 more queued"
    assert jobs_bar._describe_more([active[0], *active[4:6]]) == "and 1 more running and 2 more queued"


def test_comparison_is_found_behind_any_number_of_newer_runs(home, config, monkeypatch):
    other = config.model_copy(update={"seed": 1})
    comparison = comparisons.create("Seeds", {"dense_32": [config, other]}, start=False)
    for seed in range(2, 210):
        runs.create(config.model_copy(update={"seed": seed}))
    assert comparisons.open_comparison(comparison.comparison_id).records == comparison.records
    assert [entry.comparison_id for entry in comparisons.list_comparisons("anomaly")] == [comparison.comparison_id]


def test_page_opens_on_the_running_run_although_newer_ones_are_queued(home, config):
    running = runs.create(config).run_id
    set_running(running)
    runs.create(config.model_copy(update={"seed": 1}))
    assert run_picker.first_choice(run_picker.list_records("anomaly")) == running


def test_run_that_ended_without_a_word_is_not_active(home, config):
    run_id = runs.create(config).run_id
    write_state(folders.of_run(run_id), "running")
    folders.write_json(
        folders.of_run(run_id).worker, asdict(liveness.WorkerInfo(token="t", launched=0.0, pid=2**22 - 1))
    )
    assert runs.list_active() == []


def test_paused_run_stays_in_the_bar_with_a_button_to_resume(home, config):
    run_id = runs.create(config).run_id
    write_state(folders.of_run(run_id), "paused")
    assert [record.run_id for record in runs.list_paused()] == [run_id] and runs.list_active() == []
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    assert not app.exception
    assert "Resume" in [button.help.partition(":")[0] for button in app.button]
