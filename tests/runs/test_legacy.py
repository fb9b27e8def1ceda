"""Runs that an earlier version stored in an MLflow database are imported once."""

import contextlib
import logging
import shutil
import sqlite3

import numpy as np
import pytest

from dlcore import runs
from dlcore.runs import comparisons, legacy
from dlcore.runs.folder import of_run, write_json

ABOUT = '{"project": "anomaly", "model": "dense_32", "dataset": "nyc_taxi", "preset": "quick", "seed": 3, "epochs": 2}'
PROGRESS = '{"epoch": 1, "step": 2, "metrics": {"f1": 0.5}, "best": {"epoch": 1, "metric": "f1", "value": 0.5}}'
TABLES = """
CREATE TABLE runs (run_uuid TEXT, start_time INTEGER, lifecycle_stage TEXT);
CREATE TABLE tags (run_uuid TEXT, key TEXT, value TEXT);
CREATE TABLE metrics (run_uuid TEXT, key TEXT, step INTEGER, value REAL, is_nan INTEGER, timestamp INTEGER);
"""
FINISHED, PAUSED, DELETED = "a" * 32, "b" * 32, "c" * 32


@pytest.fixture
def old_home(home, config):
    """A home of the previous version: two runs in the database, and one that was deleted."""
    (home / "runs").mkdir(parents=True)
    tags = {"about": ABOUT, "progress": PROGRESS, "reason": "", "group": "g", "group_title": "Two", "arm": "slow"}
    with contextlib.closing(sqlite3.connect(home / "runs.db")) as database:
        database.executescript(TABLES)
        for number, (run_id, state) in enumerate({FINISHED: "finished", PAUSED: "paused", DELETED: "failed"}.items()):
            stage = "deleted" if run_id == DELETED else "active"
            database.execute("INSERT INTO runs VALUES (?, ?, ?)", (run_id, 1000 * number, stage))
            rows = [(run_id, f"dlcore.{name}", value) for name, value in {**tags, "state": state}.items()]
            database.executemany("INSERT INTO tags VALUES (?, ?, ?)", [*rows, (run_id, "mlflow.user", "me")])
            of_run(run_id).path.mkdir()
            write_json(of_run(run_id).config, config.model_dump(mode="json"))
        metrics = [(FINISHED, "batch_loss", step, step / 3, 0, step) for step in (1, 2)]
        metrics += [(FINISHED, "learning_rate", 1, 0.1, 0, 1), (FINISHED, "batch_loss", 3, 0.0, 1, 3)]
        database.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", metrics)
        database.commit()
    return home


def test_old_runs_are_imported_once_with_state_record_metrics_and_tags(old_home, config, caplog):
    records = runs.list_runs()
    assert [(record.run_id, record.state, record.created) for record in records] == [
        (PAUSED, "paused", 1.0),
        (FINISHED, "finished", 0.0),
    ]
    run = runs.open_run(FINISHED)
    assert run.config == config and run.record.best.value == 0.5 and run.record.metrics == {"f1": 0.5}
    np.testing.assert_array_equal(run.history()["batch_loss"].values, [1 / 3, 2 / 3, np.nan])
    assert run.history()["learning_rate"].steps.tolist() == [1]
    (comparison,) = comparisons.list_comparisons("anomaly")
    assert comparison.title == "Two" and len(comparison.variants["slow"]) == 2
    assert (old_home / "runs.db.imported").exists() and not (old_home / "runs.db").exists()
    runs.delete_run(PAUSED)
    assert [record.run_id for record in runs.list_runs()] == [FINISHED]
    assert [r.getMessage() for r in caplog.records] == [
        f"{old_home / 'runs.db'}: imported 2 runs of an earlier version."
    ]


def test_imported_run_can_be_resumed(old_home, monkeypatch):
    launched = []
    monkeypatch.setattr("dlcore.runs.worker.launcher.launch", lambda folder, **options: launched.append(folder.run_id))
    assert runs.resume(PAUSED[:8]).state == "queued" and launched == [PAUSED]


def test_database_that_cannot_be_read_is_reported_once_in_one_line(home, config, caplog):
    home.mkdir()
    (home / "runs.db").write_text("not SQLite, but as long as a SQLite header" * 50)
    record = runs.create(config)
    with caplog.at_level(logging.WARNING, logger=legacy.__name__):
        assert [other.run_id for other in runs.list_runs()] == [record.run_id]
        assert [other.run_id for other in runs.list_runs()] == [record.run_id]
    (message,) = [entry.getMessage() for entry in caplog.records]
    assert "runs.db" in message and "not imported" in message and "\n" not in message
    assert (home / "runs.db").exists()


def test_import_that_was_cut_short_is_completed(old_home):
    runs.list_runs()
    (old_home / "runs.db.imported").replace(old_home / "runs.db")  # as if killed after the first run
    shutil.copy(of_run(FINISHED).metrics, of_run(PAUSED).metrics)
    of_run(PAUSED).state.unlink()
    assert {record.run_id for record in runs.list_runs()} == {FINISHED, PAUSED}
    assert runs.open_run(PAUSED).history() == {}


def test_locked_database_is_imported_once_it_is_released(old_home, monkeypatch, caplog):
    monkeypatch.setattr(legacy, "LOCK_SECONDS", 0.1)
    monkeypatch.setattr(legacy, "RETRY_SECONDS", 0.0)
    with contextlib.closing(sqlite3.connect(old_home / "runs.db", isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        assert runs.list_runs() == [] and "database is locked" in caplog.text
        database.execute("ROLLBACK")
    assert {record.run_id for record in runs.list_runs()} == {FINISHED, PAUSED}
