"""What a user adds to a run, the trash, and disk use."""

import pytest

from dlcore import projects, runs
from dlcore.core.errors import RequestError, RunError
from dlcore.runs import disk_usage, trash
from dlcore.runs.annotations import annotate, read_annotation
from dlcore.runs.folder import of_run
from dlcore.runs.lifecycle import write_state


def stored_run(state: str = "finished") -> str:
    config = projects.configure("fashion", dataset="digits", preset="quick", device="cpu")
    run_id = runs.create(config).run_id
    write_state(of_run(run_id), state)
    folder = of_run(run_id)
    folder.bundle.mkdir(parents=True)
    (folder.bundle / "run.json").write_bytes(b"{}")
    folder.checkpoints.mkdir()
    (folder.checkpoints / "step.pt").write_bytes(b"x" * 5000)
    return run_id


def test_annotation_is_kept_in_the_run_and_shown_in_its_record(home):
    run_id = stored_run()
    annotate(run_id, name="  A   name ", note="why\nit works", tags=["b", "a", "a", " "], is_favorite=True)
    annotation = annotate(run_id, is_hidden=True)
    assert annotation == read_annotation(run_id)
    assert (annotation.name, annotation.tags, annotation.is_favorite) == ("A name", ("a", "b"), True)
    write_state(of_run(run_id), "stopped", epoch=3)  # a worker's update keeps it
    record = runs.open_run(run_id).record
    assert (record.name, record.is_hidden, record.epoch) == ("A name", True, 3)
    assert read_annotation(run_id) == annotation


def test_limits_and_reference_runs_are_refused(home):
    run_id = stored_run()
    for changes in ({"name": "x" * 81}, {"tags": ["y" * 31]}, {"note": "z" * 5000}):
        with pytest.raises(RequestError):
            annotate(run_id, **changes)
    with pytest.raises(RunError, match="read-only"):
        annotate("reference:fashion/dense", name="x")


def test_deleted_run_is_restored_with_its_bundle_until_the_trash_is_emptied(home):
    run_id = stored_run()
    before = sorted(path.relative_to(of_run(run_id).path) for path in of_run(run_id).path.rglob("*"))
    trash.move_to_trash(run_id[:12])
    assert runs.list_runs() == [] and [run.record.run_id for run in trash.list_trash()] == [run_id]
    assert trash.list_trash()[0].size > 5000
    trash.restore(run_id)
    assert [record.run_id for record in runs.list_runs()] == [run_id] and trash.list_trash() == []
    assert sorted(path.relative_to(of_run(run_id).path) for path in of_run(run_id).path.rglob("*")) == before
    trash.move_to_trash(run_id)
    assert trash.empty_trash() > 5000 and trash.list_trash() == []
    with pytest.raises(RunError, match="trash"):
        trash.restore(run_id)


@pytest.mark.parametrize("run_id", ["../runs/x", "..", "", "."])
def test_only_runs_of_the_trash_are_restored(home, run_id):
    stored_run()
    with pytest.raises(RunError, match="trash"):
        trash.restore(run_id)


def test_active_and_reference_runs_cannot_be_deleted(home, monkeypatch):
    run_id = stored_run("running")
    monkeypatch.setattr("dlcore.runs.worker.liveness.is_alive", lambda folder: True)
    monkeypatch.setattr(
        "dlcore.runs.worker.liveness.read",
        lambda folder: type("Worker", (), {"pid": 1, "device": "", "executor": "local"})(),
    )
    with pytest.raises(RunError, match="stop it first"):
        trash.move_to_trash(run_id)
    with pytest.raises(RunError, match="cannot be deleted"):
        trash.move_to_trash("reference:fashion/dense")


def test_clean_up_says_what_it_frees_and_keeps_what_resuming_needs(home):
    finished, paused, deleted = stored_run(), stored_run("paused"), stored_run()
    trash.move_to_trash(deleted)
    usage = disk_usage.measure()
    assert usage[finished].checkpoints == 5000 and usage[paused].checkpoints == 0
    by_title = {entry.title: entry for entry in disk_usage.clean_ups(list(usage.values()))}
    assert by_title["Checkpoints of finished runs"].size == 5000 and by_title["Checkpoints of finished runs"].runs == 1
    before = sum(run.size for run in usage.values())
    assert by_title["Checkpoints of finished runs"].perform() == 5000
    assert by_title["Empty the trash"].perform() == by_title["Empty the trash"].size
    assert sum(run.size for run in disk_usage.measure().values()) == before - 5000
    assert (of_run(paused).checkpoints / "step.pt").exists() and disk_usage.clean_ups([]) == []


def test_sizes_have_units():
    assert [disk_usage.format_size(size) for size in (12, 20_400, 3_400_000, 1.2e9)] == [
        "12 B",
        "20 kB",
        "3.4 MB",
        "1.2 GB",
    ]
