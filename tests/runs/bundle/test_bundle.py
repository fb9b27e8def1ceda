import json
import shlex
import shutil

import numpy as np
import pytest
import safetensors.torch
import torch

from dlcore import projects
from dlcore.core.errors import RunError
from dlcore.runs import Bundle, train_here
from dlcore.runs.bundle import weight_format
from dlcore.training.events import MEASURES


def test_bundle_holds_the_documented_files(bundle):
    names = {path.name for path in bundle.folder.iterdir()}
    assert names == {
        "card.md",
        "run.json",
        "metrics.csv",
        "model.safetensors",
        "preprocessing.json",
        "labels.json",
        "threshold.json",
        "predictions.npz",
        "gradients.npz",
    }


def test_record_describes_a_finished_run(bundle):
    record = bundle.record
    assert (record.state, record.epoch, record.step) == ("finished", 2, 2 * record.steps_per_epoch)
    assert record.parameters == 5063
    assert record.best.metric == "validation_loss"
    assert record.metrics["f1_low"] <= record.metrics["f1"] <= record.metrics["f1_high"]
    assert record.metrics["validation_loss"] == record.best.value


def test_metrics_match_the_stored_predictions(bundle):
    again = projects.get("anomaly").evaluate(bundle.predictions(), bundle.threshold, bundle.config)
    assert again.metrics == pytest.approx(bundle.evaluation.metrics)
    assert again.threshold == bundle.threshold


def test_weights_reproduce_the_stored_predictions(bundle):
    project, loaded = projects.get("anomaly"), bundle.load()
    assert not loaded.module.training
    again = project.predict(loaded.module, project.prepare(loaded.config), loaded.config)
    assert np.array_equal(again["test_scores"], bundle.predictions()["test_scores"])


def test_command_reproduces_the_config(bundle):
    words = shlex.split(bundle.run["command"])
    flags = dict(zip(words[5::2], words[6::2], strict=True))
    settings = dict(pair.split("=") for flag, pair in zip(words[5::2], words[6::2], strict=True) if flag == "--set")
    config = projects.configure(
        words[4],
        model=flags["--model"],
        dataset=flags["--dataset"],
        preset=flags["--preset"],
        seed=flags["--seed"],
        device=flags["--device"],
        settings=settings,
    )
    assert config == bundle.config


def test_card_names_data_hardware_seed_command_and_baselines(bundle):
    for piece in (
        bundle.run["data_checksum"],
        "seed 0",
        bundle.run["command"],
        "cores",
        "Weekly median",
        "## Limitations",
    ):
        assert piece in bundle.card, piece


def test_curves_and_gradients_are_complete(bundle):
    history, norms = bundle.history(), bundle.gradients()
    assert len(history["batch_loss"].steps) == bundle.record.step
    assert history["validation_loss"].steps.tolist() == [79, 158]
    assert norms.norms.shape == (len(norms.steps), len(norms.layers)) and np.isfinite(norms.norms).all()
    assert set(norms.measures) == set(MEASURES)
    assert all(values.shape == norms.norms.shape for values in norms.measures.values())


def test_bundle_without_gradient_measures_opens(bundle, tmp_path):
    shutil.copytree(bundle.folder, tmp_path / "b")
    now = bundle.gradients()
    np.savez(tmp_path / "b" / "gradients.npz", layers=np.array(now.layers), steps=now.steps, norms=now.norms)
    old = Bundle(tmp_path / "b").gradients()
    assert np.array_equal(old.norms, now.norms) and old.measures == {}


def test_arrays_with_objects_are_rejected(bundle, tmp_path):
    shutil.copytree(bundle.folder, tmp_path / "b")
    np.savez(tmp_path / "b" / "predictions.npz", scores=np.array([{}], dtype=object))
    with pytest.raises(RunError, match="allow_pickle"):
        Bundle(tmp_path / "b").predictions()


def test_weights_of_another_model_are_rejected_in_one_line(bundle, tmp_path):
    shutil.copytree(bundle.folder, tmp_path / "b")
    run = json.loads((tmp_path / "b" / "run.json").read_text())
    run["config"]["model"] = "dense_16"
    (tmp_path / "b" / "run.json").write_text(json.dumps(run))
    with pytest.raises(RunError, match="does not fit dense_16") as raised:
        Bundle(tmp_path / "b").load()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("form", ["float16", "int8"])
def test_rounded_weights_are_stated_and_evaluated(bundle, config, tmp_path, monkeypatch, form):
    monkeypatch.setattr(weight_format, "SMALL", 100)
    train_here(config, tmp_path / "half", weights=form)
    half = Bundle(tmp_path / "half")
    stored = safetensors.torch.load_file(tmp_path / "half" / "model.safetensors")
    assert getattr(torch, form) in {tensor.dtype for tensor in stored.values()}
    assert half.run["weights"] == form and f"stored as {form}" in half.card
    project, loaded = projects.get("anomaly"), half.load()
    again = project.predict(loaded.module, project.prepare(config), config)
    assert np.array_equal(again["test_scores"], half.predictions()["test_scores"])
    assert not np.array_equal(again["test_scores"], bundle.predictions()["test_scores"])
