import subprocess
import sys
import time

import numpy as np
import pytest

from dlcore.core.errors import StoreError
from dlcore.runs import catalogue, store
from dlcore.runs.metric_log import StoreMetricLog


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    return tmp_path_factory.mktemp("store") / "home"


@pytest.fixture
def stored(shared, monkeypatch):
    """One store for the tests of this file: to create one takes a second."""
    monkeypatch.setenv("DLCORE_HOME", str(shared))
    return shared


def new_run(project="anomaly"):
    return store.create(project, "a run", params={"epochs": 3}, tags={"state": "queued", "reason": ""})


def test_a_history_comes_back_as_it_was_told(stored):
    run_id = new_run()
    values = np.random.default_rng(0).normal(size=50)
    store.append(run_id, [("batch_loss", step + 1, value, step) for step, value in enumerate(values.tolist())])
    curve = catalogue.history(run_id)["batch_loss"]
    assert curve.steps.tolist() == list(range(1, 51))
    assert (curve.values == values).all()  # to the last bit


def test_not_a_number_is_kept_as_such(stored):
    run_id = new_run()
    store.append(run_id, [("batch_loss", 1, float("nan"), 0), ("batch_loss", 2, 1.5, 0)])
    values = catalogue.history(run_id)["batch_loss"].values
    assert np.isnan(values[0]) and values[1] == 1.5


def test_a_step_written_twice_is_read_once_with_what_was_written_last(stored):
    run_id = new_run()
    store.append(run_id, [("batch_loss", 2, 1.0, 10), ("batch_loss", 1, 5.0, 11), ("batch_loss", 2, 3.0, 12)])
    curve = catalogue.history(run_id)["batch_loss"]
    assert (curve.steps.tolist(), curve.values.tolist()) == ([1, 2], [5.0, 3.0])


@pytest.mark.parametrize("again", [(3, 4, 5), (2, 3, 4, 5)])
def test_a_resumed_run_does_not_tell_a_step_again(stored, again):
    """The checkpoint was taken at step 2: after its last event, or between two events of that step."""
    run_id = new_run()
    store.append(run_id, [("batch_loss", step, float(step), 0) for step in (1, 2, 3, 4)])
    journal = StoreMetricLog(run_id)
    journal.begin(2)
    for step in again:
        journal.scalars(step, {"batch_loss": -1.0})
    journal.close()
    count = len(store.client().get_metric_history(run_id, "batch_loss"))
    assert catalogue.history(run_id)["batch_loss"].values.tolist() == [1.0, 2.0, 3.0, 4.0, -1.0]
    assert count == 5


def test_sqlite_is_read_as_mlflow_reads_it(stored, monkeypatch):
    ids = [new_run(), new_run(), new_run("fashion")]
    store.append(
        ids[0], [(name, step, step / 7, step) for name in ("a", "b") for step in (3, 1, 2)], tags={"about": "{}"}
    )
    ours = {run.run_id: run.tags for run in catalogue.newest(None, 100)}
    curves = catalogue.history(ids[0])
    found = catalogue.find(ids[1][:12])
    assert [run.run_id for run in catalogue.newest("fashion", 10)] == ids[2:]
    monkeypatch.setattr(store, "sqlite_file", lambda uri=None: None)  # as if it were a server
    assert {run.run_id: run.tags for run in catalogue.newest(None, 100)} == ours
    assert [run.run_id for run in catalogue.newest("fashion", 10)] == ids[2:]
    assert [run.run_id for run in catalogue.find(ids[1][:12])] == [run.run_id for run in found] == [ids[1]]
    theirs = catalogue.history(ids[0])
    assert sorted(curves) == sorted(theirs) == ["a", "b"]
    assert all(
        (curves[n].steps == theirs[n].steps).all() and (curves[n].values == theirs[n].values).all() for n in curves
    )


def test_five_curves_of_2000_points_are_read_well_under_100_ms(stored):
    run_id = new_run()
    names = ("batch_loss", "learning_rate", "elapsed_s", "train_loss", "validation_loss")
    store.append(run_id, [(name, step, step / 3, 0) for name in names for step in range(2000)])
    catalogue.history(run_id)
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        curves = catalogue.history(run_id)
        times.append(time.perf_counter() - begin)
    assert sum(len(curve.steps) for curve in curves.values()) == 10_000
    assert min(times) < 0.1, times


def test_mlflow_finds_the_artifacts_in_the_runs_own_folder(stored):
    run_id = new_run()
    store.keep_json(run_id, {"seed": 1}, "config.json")
    assert (stored / "runs" / run_id / "artifacts" / "config.json").exists()


def test_the_database_is_in_write_ahead_mode(stored):
    new_run()
    with catalogue._open(stored / "runs.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_reading_creates_no_store_and_imports_nothing_heavy(home):
    code = (
        "import sys; from dlcore import runs; assert runs.list_runs() == []; runs.references();"
        "print([name for name in ('mlflow', 'submitit', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert not home.exists()


def test_a_file_that_is_no_database_is_named_in_one_line(home):
    home.mkdir()
    (home / "runs.db").write_text("certainly not SQLite, and long enough to be looked at" * 50)
    with pytest.raises(StoreError, match=r"runs\.db cannot be read") as caught:
        catalogue.newest(None, 5)
    assert "\n" not in str(caught.value)


def test_a_home_below_a_file_is_refused_in_one_line(home, monkeypatch):
    home.write_text("a file")
    monkeypatch.setenv("DLCORE_HOME", str(home / "below"))
    with pytest.raises(StoreError, match="DLCORE_HOME") as caught:
        new_run()
    assert "\n" not in str(caught.value)


def test_deleted_is_gone(stored):
    run_id = new_run()
    store.append(run_id, [("batch_loss", 1, 1.0, 0)])
    store.delete(run_id)
    assert catalogue.find(run_id) == [] and catalogue.history(run_id) == {}
