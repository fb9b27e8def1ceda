import io
import json
import shutil
import stat
import zipfile

import numpy as np
import pytest

from dlcore import runs
from dlcore.core.errors import RequestError


@pytest.fixture(scope="module")
def files(bundle):
    return {path.name: path.read_bytes() for path in bundle.folder.iterdir()}


def pack(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_export_and_import_are_inverse(home, bundle, tmp_path):
    first = runs.import_run(bundle.folder)
    zipped = runs.export_run(first.run_id, tmp_path / "out.zip")
    second = runs.import_run(zipped)
    assert first.state == second.state == "finished" and first.run_id != second.run_id
    assert runs.export_run(second.run_id, tmp_path / "again.zip").read_bytes() == zipped.read_bytes()
    left, right = runs.open_run(second.run_id), bundle
    assert left.record.metrics == right.record.metrics and left.record.best == right.record.best
    assert left.config == right.config
    assert sorted(left.history()) == sorted(right.history())
    for name, curve in left.history().items():
        assert np.array_equal(curve.values, right.history()[name].values), name
        assert np.array_equal(curve.steps, right.history()[name].steps), name
    assert np.array_equal(left.gradients().norms, right.gradients().norms)
    assert runs.evaluate(second.run_id)["metrics"] == bundle.evaluation.metrics
    assert [record.run_id for record in runs.list_runs("anomaly")] == [second.run_id, first.run_id]


def run_json(files, **changes):
    return {**files, "run.json": json.dumps({**json.loads(files["run.json"]), **changes}).encode()}


def without(files, name):
    return {key: value for key, value in files.items() if key != name}


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def oversized_array():
    """An array whose header claims 80 TB."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**13,)})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("scores.npy", header.getvalue() + b"\0" * 64)
    return buffer.getvalue()


HOSTILE = {
    "a name outside the bundle": lambda f: {**f, "../../evil.txt": b"x"},
    "an absolute name": lambda f: {**f, "/etc/evil": b"x"},
    "a windows path": lambda f: {**f, "..\\evil.txt": b"x"},
    "something else in it": lambda f: {**f, "setup.py": b"import os"},
    "no weights": lambda f: without(f, "model.safetensors"),
    "no record": lambda f: without(f, "run.json"),
    "nothing at all": lambda f: {},
    "no json": lambda f: {**f, "run.json": b"{not json"},
    "json of another kind": lambda f: {**f, "run.json": b"[1, 2]"},
    "json too deep": lambda f: {**f, "run.json": b"[" * 100_000 + b"]" * 100_000},
    "labels that are a number": lambda f: {**f, "labels.json": b"7"},
    "no threshold in its file": lambda f: {**f, "threshold.json": b"{}"},
    "an unknown project": lambda f: run_json(f, config={**json.loads(f["run.json"])["config"], "project": "evil"}),
    "a setting out of bounds": lambda f: run_json(f, config={**json.loads(f["run.json"])["config"], "seed": -1}),
    "a record of another model": lambda f: run_json(f, record={**json.loads(f["run.json"])["record"], "model": "conv"}),
    "a record with a text as step": lambda f: run_json(f, record={**json.loads(f["run.json"])["record"], "step": "x"}),
    "facts too large": lambda f: run_json(f, facts={"features": 10**12, "window": 48}),
    "metrics that are texts": lambda f: run_json(f, evaluation={"metrics": {"f1": "<script>"}, "baselines": {}}),
    "a metric's name that is markup": lambda f: run_json(f, evaluation={"metrics": {"<b>": 1.0}, "baselines": {}}),
    "curves that are no numbers": lambda f: {**f, "metrics.csv": b"name,step,value\nbatch_loss,one,2\n"},
    "curves of two columns": lambda f: {**f, "metrics.csv": b"name,step\nbatch_loss,1\n"},
    "a pickle as predictions": lambda f: {**f, "predictions.npz": npz(scores=np.array([print], dtype=object))},
    "a pickle as gradients": lambda f: {**f, "gradients.npz": npz(layers=np.array([print], dtype=object))},
    "predictions of unequal length": lambda f: {
        **f,
        "predictions.npz": npz(scores=np.zeros(3), targets=np.zeros(2), ids=np.zeros(3)),
    },
    "predictions that claim 80 TB": lambda f: {**f, "predictions.npz": oversized_array()},
    "predictions that are no zip": lambda f: {**f, "predictions.npz": b"PK\x03\x04 nothing"},
    "weights that are no weights": lambda f: {**f, "model.safetensors": b"\xff" * 100},
    "weights cut short": lambda f: {**f, "model.safetensors": f["model.safetensors"][:-100]},
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_bundle_is_rejected_in_one_line_and_nothing_is_stored(kind, home, files, tmp_path):
    path = pack(tmp_path / "evil.zip", HOSTILE[kind](files))
    assert_rejected(path, home, tmp_path)


def assert_rejected(path, home, tmp_path):
    with pytest.raises(RequestError) as raised:
        runs.import_run(path)
    message = str(raised.value)
    assert "\n" not in message and len(message) < 500 and "Traceback" not in message and str(home) not in message, (
        message
    )
    assert list((home / "runs").iterdir()) == [] if (home / "runs").exists() else True
    assert not runs.list_runs()
    assert not (tmp_path / "evil.txt").exists() and not (tmp_path.parent / "evil.txt").exists()
    return message


def test_link_in_a_zip_is_rejected(home, files, tmp_path):
    path = pack(tmp_path / "evil.zip", without(files, "card.md"))
    with zipfile.ZipFile(path, "a") as archive:
        entry = zipfile.ZipInfo("card.md")
        entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    assert "link" in assert_rejected(path, home, tmp_path)


def test_link_in_a_folder_is_rejected(home, bundle, tmp_path):
    shutil.copytree(bundle.folder, tmp_path / "b")
    (tmp_path / "b" / "card.md").unlink()
    (tmp_path / "b" / "card.md").symlink_to("/etc/passwd")
    assert "link" in assert_rejected(tmp_path / "b", home, tmp_path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicate_name_is_rejected(home, files, tmp_path):
    path = pack(tmp_path / "evil.zip", files)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("card.md", "another")
    assert "twice" in assert_rejected(path, home, tmp_path)


def test_zip_bomb_is_rejected_by_its_stated_size(home, files, tmp_path):
    path = pack(tmp_path / "bomb.zip", {**files, "card.md": b"\0" * (11 * 2**20)})
    assert path.stat().st_size < 2**20
    assert "MiB" in assert_rejected(path, home, tmp_path)


def test_zip_bomb_with_a_false_size_is_rejected(home, files, tmp_path):
    path = pack(tmp_path / "bomb.zip", {**files, "card.md": b"\0" * 2**21})
    data = bytearray(path.read_bytes())
    stated_size = (2**21).to_bytes(4, "little")
    assert data.count(stated_size) == 2  # the file's header and the directory's
    path.write_bytes(bytes(data).replace(stated_size, (100).to_bytes(4, "little")))
    assert_rejected(path, home, tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04" + b"\0" * 100])
def test_file_that_is_no_zip_is_rejected(content, home, tmp_path):
    (tmp_path / "x.zip").write_bytes(content)
    assert_rejected(tmp_path / "x.zip", home, tmp_path)


def test_missing_file_is_named(home, tmp_path):
    assert "does not exist" in assert_rejected(tmp_path / "missing.zip", home, tmp_path)


def test_files_inside_one_folder_are_accepted(home, files, tmp_path):
    path = pack(tmp_path / "ok.zip", {f"my run/{name}": data for name, data in files.items()})
    assert runs.import_run(path).state == "finished"
