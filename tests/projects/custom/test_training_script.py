"""The exported training script of a network of custom code reaches the figures of its run without dlcore."""

import subprocess
import sys
import zipfile
from types import SimpleNamespace

import pytest
from test_functions import CASES, HEAD, configure, train, unlimited  # noqa: F401 - a fixture

from dlcore import projects
from dlcore.projects.custom import definitions, networks, source
from dlcore.runs.standalone import archive, script

FIGURES = {"custom": "accuracy", "custom_text": "accuracy", "custom_forecast": "r2_mean", "custom_anomaly": "auc_pr"}
RANDOM = (
    HEAD
    + "import random\nscale = random.random()\n"
    + """
model = nn.Sequential(nn.Flatten(), nn.LazyLinear(16), nn.ReLU(), nn.Linear(16, 10))
nn.init.normal_(model[3].weight, std=scale)
"""
)
WITHOUT_DLCORE = (
    "import sys; sys.modules['dlcore'] = None; import runpy; runpy.run_path('train.py', run_name='__main__')"
)


@pytest.fixture
def export(tmp_path, monkeypatch):
    """Train a config, export the run, and return its bundle and the folder with the files."""
    monkeypatch.setattr(archive, "prediction_files", lambda bundle: {"predict.py": b""})  # not what is tested

    def run(config):
        bundle = train(config, tmp_path / "run")
        monkeypatch.setattr(
            archive, "open_run", lambda ref: SimpleNamespace(finished_bundle=bundle, record=bundle.record)
        )
        report = archive.export_standalone("mine", tmp_path / "run.zip")
        assert report["missing"] == {}
        with zipfile.ZipFile(report["path"]) as packed:
            packed.extractall(tmp_path / "files")
        return bundle, tmp_path / "files"

    return run


def read_figure(folder, name):
    """Run the script in an empty environment, and return a figure that it prints."""
    command = [sys.executable, "-c", WITHOUT_DLCORE]
    result = subprocess.run(command, cwd=folder, env={}, capture_output=True, text=True, timeout=600, check=False)
    assert result.returncode == 0, result.stderr
    return float(next(line.split()[1] for line in result.stdout.splitlines() if line.startswith(f"{name} ")))


@pytest.mark.parametrize("task", CASES)
def test_script_with_loss_and_augmentation_reaches_the_figure(task, export):
    _, _, loss, augmentation = CASES[task]
    config = configure(task, **{definitions.LOSS: loss, definitions.AUGMENTATION: augmentation})
    bundle, folder = export(config)
    text = (folder / "train.py").read_text()
    assert text.count("\n") <= script.MOST_LINES and "dlcore" not in text.replace("in plain PyTorch", "")
    assert (folder / source.FILE).read_text() == source.find(config.model).text
    assert read_figure(folder, FIGURES[task]) == pytest.approx(bundle.evaluation.metrics[FIGURES[task]], abs=2e-3)


def test_script_of_a_module_with_random_numbers_starts_like_the_run(export):
    model = source.save(source.parse_text(RANDOM))
    config = projects.configure(
        "custom", model=model, dataset="digits", preset="quick", settings={"epochs": 1, "device": "cpu"}
    )
    bundle, folder = export(config)
    assert read_figure(folder, "accuracy") == pytest.approx(bundle.evaluation.metrics["accuracy"], abs=1e-4)


def test_export_runs_no_code(export, monkeypatch):
    def fail(*_):
        raise AssertionError("the code ran")

    config = configure("custom")
    monkeypatch.setattr(networks, "RemoteModule", fail)
    export(config)
