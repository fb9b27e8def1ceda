import torch

from dlcore.runs.worker import checkpoints


def snapshot(value):
    return {"progress": {"step": value}, "module": {"weight": torch.full((3,), float(value))}}


def test_newest_snapshot_is_loaded(tmp_path):
    for step in (10, 20):
        checkpoints.save(tmp_path, snapshot(step), step=step)
    newest = checkpoints.newest(tmp_path)
    assert newest["progress"]["step"] == 20 and (newest["module"]["weight"] == 20).all()


def test_torn_checkpoint_is_skipped(tmp_path):
    for step in (10, 20):
        path = checkpoints.save(tmp_path, snapshot(step), step=step)
    whole = path.read_bytes()
    for torn in (
        b"",
        whole[:20],
        whole[: len(whole) // 2],
        whole[:-1],
        whole[:100] + bytes([whole[100] ^ 1]) + whole[101:],
    ):
        path.write_bytes(torn)
        assert checkpoints.newest(tmp_path)["progress"]["step"] == 10


def test_checkpoints_are_never_overwritten_and_the_last_of_a_step_is_loaded(tmp_path):
    first = checkpoints.save(tmp_path, snapshot(1), step=10)
    before = first.read_bytes()
    second = checkpoints.save(tmp_path, snapshot(2), step=10)
    assert first != second and first.read_bytes() == before
    assert checkpoints.newest(tmp_path)["progress"]["step"] == 2


def test_last_three_checkpoints_stay(tmp_path):
    for step in range(1, 7):
        checkpoints.save(tmp_path, snapshot(step), step=step)
    assert [path.name for path in checkpoints.ordered(tmp_path)] == [f"step-{step:08d}.pt" for step in (4, 5, 6)]


def test_empty_folder_has_no_snapshot(tmp_path):
    assert checkpoints.newest(tmp_path / "missing") is None


def test_temporary_files_of_a_killed_worker_are_removed(tmp_path):
    draft = tmp_path / ".step-00000010.pt.1.tmp"
    draft.write_bytes(b"half")
    checkpoints.drop_drafts(tmp_path)
    assert not draft.exists()
