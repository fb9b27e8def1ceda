import shutil
import subprocess
import sys

import pytest

from dlcore import runs
from dlcore.core import settings
from dlcore.core.errors import RunError


@pytest.fixture
def assets(tmp_path, monkeypatch, bundle):
    monkeypatch.setattr(settings, "ASSETS", tmp_path / "assets")
    shutil.copytree(bundle.folder, tmp_path / "assets" / "runs" / "anomaly" / "dense_32")
    return tmp_path / "assets"


def test_bundle_in_assets_is_listed_as_a_run(assets, home, bundle):
    (run,) = runs.references()
    assert run.run_id == "reference:anomaly/dense_32" and run.is_reference and run.record.is_reference
    opened = runs.open_run("reference:anomaly/dense_32")
    assert opened.record.state == "finished" and opened.record.metrics == bundle.record.metrics
    assert opened.config == bundle.config and opened.bundle.folder == run.folder
    assert sorted(opened.history()) == sorted(bundle.history()) and opened.gradients() is not None
    assert runs.references("fashion") == []
    assert runs.evaluate("reference:anomaly/dense_32")["metrics"] == bundle.evaluation.metrics
    assert not home.exists()


def test_reference_run_can_be_exported_and_forked_but_not_changed(assets, home, tmp_path):
    assert runs.export_run("reference:anomaly/dense_32", tmp_path).name == "anomaly-dense_32-reference.zip"
    child = runs.fork("reference:anomaly/dense_32", {"epochs": 5})
    assert child.parent == "reference:anomaly/dense_32" and child.epochs == 5
    for verb in (runs.pause, runs.stop, runs.resume, runs.start, runs.delete_run):
        with pytest.raises(RunError):
            verb("reference:anomaly/dense_32")
    assert (assets / "runs" / "anomaly" / "dense_32" / "card.md").exists()


@pytest.mark.parametrize("ref", ["reference:anomaly/none", "reference:", "reference:../../x", "reference:anomaly/*"])
def test_unknown_reference_run_is_rejected(assets, ref):
    with pytest.raises(RunError, match="no reference run"):
        runs.open_run(ref)


def test_reading_a_reference_run_needs_no_mlflow(bundle, tmp_path):
    shutil.copytree(bundle.folder, tmp_path / "runs" / "anomaly" / "dense_32")
    code = (
        "import sys; from pathlib import Path; from dlcore.core import settings;"
        f"settings.ASSETS = Path({str(tmp_path)!r});"
        "sys.modules['mlflow'] = None; from dlcore import runs; run = runs.references('anomaly')[0];"
        "print(run.record.state, len(run.history()), run.bundle.load().module is not None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["finished", "8", "True"], done.stderr


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("bert/head", "2,310 trained of 22,567,686 parameters"),
        ("food/mobilenet_v2_frozen", "12,810 trained of 2,236,682 parameters"),
        ("questions/bert_gru", "398,598 trained of 22,963,974 parameters"),  # BERT reads, a GRU learns
        ("news/encoder", "1,810,596 trained of 4,345,496 parameters"),
        ("fashion/dense", "242,762 parameters"),
    ],
)
def test_parameters_count_all_and_those_that_are_trained(name, text):
    assert runs.open_run(f"reference:{name}").record.parameter_text == text
