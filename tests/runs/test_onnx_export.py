import dataclasses
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dlcore import cli, projects, runs
from dlcore.core.errors import RequestError, RunError, WorkbenchError
from dlcore.data.images import images
from dlcore.inference import onnx_graph
from dlcore.models.transfer import TransferConfig, TransferNet
from dlcore.models.vit import Vit, VitConfig


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A quick run on digits, exported once per module."""
    folder = tmp_path_factory.mktemp("onnx")
    settings = {"epochs": 1}
    config = projects.configure("fashion", dataset="digits", preset="quick", settings=settings, device="cpu")
    runs.train_here(config, folder / "bundle")
    with pytest.MonkeyPatch.context() as patch:
        bundle = runs.Bundle(folder / "bundle")
        patch.setattr("dlcore.runs.onnx_export.open_run", lambda ref: SimpleNamespace(finished_bundle=bundle))
        report = runs.export_onnx("mine", folder / "out" / "digits.onnx")
    return bundle, report


def test_onnx_predictions_equal_torch(exported):
    import onnxruntime

    bundle, report = exported
    assert set(report.differences) == {1, 8} and max(report.differences.values()) <= onnx_graph.TOLERANCE
    assert min(report.torch_s, report.onnxruntime_s) > 0
    graph, loaded = onnxruntime.InferenceSession(report.path, providers=["CPUExecutionProvider"]), bundle.load()
    height = int(loaded.preprocessing["height"])
    pixels = np.random.default_rng(3).integers(0, 256, (5, height, height), dtype=np.uint8)
    inputs = np.stack([images.to_model_input(image, loaded.preprocessing) for image in pixels])
    with torch.no_grad():
        expected = loaded.module(torch.from_numpy(inputs)).numpy()
    assert np.abs(graph.run(["logits"], {"images": inputs})[0] - expected).max() <= onnx_graph.TOLERANCE


def test_the_card_and_the_metadata_describe_the_input(exported):
    import onnx

    bundle, report = exported
    card = Path(report.card).read_text(encoding="utf-8")
    preprocessing = bundle.preprocessing
    for word in (
        bundle.card.splitlines()[0],
        str(preprocessing["mean"]),
        str(preprocessing["std"]),
        "`images`",
        "`logits`",
        f"(N, {preprocessing['height']}, {preprocessing['width']})",
        *bundle.labels,
        report.summary,
    ):
        assert word in card
    model = onnx.load(report.path)
    onnx.checker.check_model(model)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert (
        json.loads(metadata["labels"]) == list(bundle.labels) and json.loads(metadata["preprocessing"]) == preprocessing
    )
    assert float(metadata["temperature"]) > 0


def test_the_faster_one_is_named():
    report = runs.OnnxReport("m.onnx", "m.md", 1, {1: 0.0, 8: 0.0}, 0.02, 0.01, 1)
    assert report.faster == "onnxruntime" and "onnxruntime is 2.0 times as fast" in report.summary
    slower = dataclasses.replace(report, torch_s=0.001)
    assert slower.faster == "torch" and "torch is 10.0 times as fast" in slower.summary and "torch" in slower.advice
    alike = dataclasses.replace(report, torch_s=0.0105)
    assert alike.faster == "" and "They tie" in alike.summary and "either" in alike.advice
    busy = dataclasses.replace(report, is_quiet=False)  # a run was active: the ratio counts, the times do not
    assert "ms" not in busy.summary and "onnxruntime is 2.0 times as fast" in busy.summary


@pytest.mark.parametrize(
    ("ref", "word"),
    [
        ("reference:anomaly/dense_32", "image models only"),
        ("reference:seq2seq/transformer", "image models only"),
        ("reference:backprop/dense", "implemented in NumPy"),
        ("reference:anatomy/autoencoder", "single images"),
        ("reference:rnn/lstm", ""),
    ],
)
def test_an_unsupported_run_fails_in_one_line(ref, word, tmp_path, capsys):
    assert cli.main(["runs", "export", ref, str(tmp_path / "m.onnx"), "--onnx", "--json"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and word in err and "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_collides_with_the_card_is_rejected(tmp_path):
    with pytest.raises(RequestError, match=r"end in \.onnx"):
        runs.export_onnx("reference:fashion/dense", tmp_path / "card.md")


def test_a_missing_package_is_one_line(tmp_path, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxscript" else real(name))
    with pytest.raises(RequestError, match="pip install onnxscript"):
        runs.export_onnx("reference:fashion/dense", tmp_path)


def first_blocks():
    """The first blocks of a network for photos: the rest repeats the same operators a hundred times."""
    module = TransferNet(TransferConfig(initialization="random"), backbone="mobilenet_v2", classes=3)
    module.blocks, module.head[1] = module.blocks[:4], torch.nn.Linear(24, 3)
    return module


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (first_blocks(), (3, 64, 64)),
        (Vit(VitConfig(depth=1, width=8, heads=2), channels=1, height=8, width=8, classes=3), (8, 8)),
    ],
    ids=["transfer", "vit"],
)
def test_networks_of_other_kinds_take_any_batch(module, shape):
    inputs = torch.randn(8, *shape, generator=torch.Generator().manual_seed(0))
    training = module.training
    graph = onnx_graph.open_session(onnx_graph.export_graph(module, inputs[:2], {}), threads=1)
    assert max(onnx_graph.differences(module, graph, inputs, sizes=(1, 8)).values()) <= onnx_graph.TOLERANCE
    assert module.training == training


def test_a_graph_with_other_outputs_is_rejected(exported):
    bundle, report = exported
    graph = onnx_graph.open_session(Path(report.path).read_bytes(), threads=1)
    other = bundle.load().module
    with torch.no_grad():
        next(other.parameters()).add_(0.1)
    with pytest.raises(RunError, match="off torch's"):
        onnx_graph.differences(other, graph, torch.randn(8, 8, 8), sizes=(1, 8))
    with pytest.raises(RunError, match="fails on a batch of 1"):
        onnx_graph.differences(other, graph, torch.randn(8, 4, 16), sizes=(1, 8))


def test_an_unsupported_operation_fails_in_one_line():
    class Undecided(torch.nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    with pytest.raises(RunError, match="cannot be exported to ONNX") as raised:
        onnx_graph.export_graph(Undecided(), torch.ones(2, 3), {})
    assert "\n" not in str(raised.value)


def test_a_separate_process_returns_the_same_report(exported, tmp_path, monkeypatch):
    _, report = exported

    def run(command, **settings):
        assert command[1:6] == ["-m", "dlcore", "runs", "export", "mine"] and "--onnx" in command
        return subprocess.CompletedProcess(command, 0, json.dumps(report.as_json()).encode(), b"a warning\n")

    monkeypatch.setattr(subprocess, "run", run)
    assert runs.export_onnx_apart("mine", tmp_path) == report


@pytest.mark.parametrize(
    ("code", "stderr", "error", "word"),
    [
        (2, b"a warning\ndlcore: take the bundle instead.\n", RequestError, "^take the bundle instead.$"),
        (1, b"dlcore: the disk is full\n", WorkbenchError, "^the disk is full$"),
        (-9, b"", WorkbenchError, "memory"),
    ],
)
def test_the_error_of_a_separate_process_is_raised(code, stderr, error, word, tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, code, b"", stderr))
    with pytest.raises(error, match=word):
        runs.export_onnx_apart("mine", tmp_path)


def test_pages_load_no_onnx():
    code = "import sys, dlcore.runs, dlcore.cli; print(sorted({'onnx', 'onnxruntime', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
