"""Models packed for a browser: exported and checked, or the reason; ONNX Runtime Web found, fetched, refused."""

import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from dlcore import cli, runs
from dlcore.core.errors import DataError, RequestError, RunError
from dlcore.models.numpy_module import NumpyConvConfig, NumpyDenseConfig, convolutional, dense
from dlcore.runs.browser_model import ort_web
from dlcore.runs.browser_model.build import pack_run
from dlcore.runs.browser_model.numpy_twin import TorchTwin


def bundle(ref: str) -> runs.Bundle:
    return runs.open_run(f"reference:{ref}").finished_bundle


@pytest.mark.parametrize(
    ("ref", "kind"),
    [
        ("fashion/dense", "image"),
        ("anomaly/dense_16", "score"),
        ("forecast/lstm", "forecast"),
        ("attention/attention", "recall"),
    ],
)
def test_a_model_is_packed_with_its_settings(ref, kind):
    model = pack_run(bundle(ref))
    assert model.kind == kind and json.loads(json.dumps(dict(model.settings))) == dict(model.settings)
    assert onnxruntime.InferenceSession(model.onnx).get_outputs()[0].name == "logits"


@pytest.mark.parametrize(("ref", "word"), [("bert/head", "pretrained BERT"), ("rnn/lstm", "synthetic")])
def test_a_model_that_cannot_answer_says_why(ref, word):
    try:
        with pytest.raises(RunError, match=word):
            pack_run(bundle(ref))
    except DataError:
        pytest.skip("the pretrained BERT is not on this machine")


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (dense(NumpyDenseConfig(activation="sigmoid"), {"height": 6, "width": 6, "classes": 3}), (4, 6, 6)),
        (convolutional(NumpyConvConfig(), {"height": 8, "classes": 3}), (4, 8, 8)),
    ],
    ids=["dense", "convolutional"],
)
def test_the_twin_of_a_numpy_network_has_its_outputs(network, shape):
    x = torch.from_numpy(np.random.default_rng(0).random(shape, dtype=np.float32))
    with torch.no_grad():
        assert torch.allclose(TorchTwin(network)(x), network.eval()(x), atol=1e-6)


def package(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"package/dist/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def npm(monkeypatch, tmp_path):
    """An npm that packs two small files, and an empty cache."""
    content = package({ort_web.SCRIPT: b"var a=1;export{a as Tensor,a as default};", ort_web.WASM: b"wasm"})

    def run(command, *, cwd, **settings):
        assert command[1:3] == ["pack", f"{ort_web.PACKAGE}@{ort_web.VERSION}"]
        (Path(cwd) / "p.tgz").write_bytes(content)
        return subprocess.CompletedProcess(command, 0, json.dumps([{"filename": "p.tgz"}]), "")

    monkeypatch.delenv(ort_web.VARIABLE, raising=False)
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(ort_web.shutil, "which", lambda name: "/bin/npm")
    monkeypatch.setattr(ort_web.subprocess, "run", run)
    monkeypatch.setattr(ort_web, "SHA256", hashlib.sha256(content).hexdigest())


def test_a_fetched_package_is_checked_and_found_again(npm, monkeypatch):
    assert ort_web.find() is None
    files = ort_web.fetch()
    assert ort_web.find() == files and files.wasm.read_bytes() == b"wasm"
    assert files.global_script() == "var a=1;globalThis.dlcoreOrtModule={Tensor:a};\n"


def test_a_package_with_another_checksum_is_refused(npm, monkeypatch):
    monkeypatch.setattr(ort_web, "SHA256", "0" * 64)
    with pytest.raises(DataError, match="another sha256"):
        ort_web.fetch()
    assert ort_web.find() is None


def test_without_npm_the_error_names_the_setting(npm, monkeypatch):
    monkeypatch.setattr(ort_web.shutil, "which", lambda name: None)
    with pytest.raises(RequestError, match="DLCORE_ORT_WEB"):
        ort_web.fetch()


def test_a_wrong_folder_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv(ort_web.VARIABLE, str(tmp_path))
    with pytest.raises(DataError, match="there is no ort"):
        ort_web.find()


def test_the_command_says_size_license_and_checksum_and_needs_a_yes(npm, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    file = tmp_path / "report.html"
    assert cli.main(["report", "reference:fashion/dense", "-o", str(file), "--model"]) == 2
    error = capsys.readouterr().err
    assert "33.1 MB" in error and "MIT" in error and ort_web.SHA256 in error and "--yes" in error
    assert not file.exists() and ort_web.find() is None
