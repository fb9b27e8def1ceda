"""Import of TensorBoard event files and offline runs of Weights & Biases; the files here were written by these programs
(2.21 and 0.31), of the latter without what it notes about the machine."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from dlcore import runs
from dlcore.core.errors import DataError
from dlcore.runs import run_comparison
from dlcore.runs.watch import imports, tracker_files

FILES = Path(__file__).with_name("files")
EVENTS, OFFLINE = FILES / "events.out.tfevents.0", FILES / "run-abc.wandb"


def test_tensorboard_scalars(home):
    (record,) = imports.import_tracked(EVENTS)
    history = runs.open_run(record.run_id).history()
    assert history["batch_loss"].steps.tolist() == list(range(1, 31))
    np.testing.assert_allclose(history["batch_loss"].values, np.exp(-np.arange(1, 31) / 20), rtol=1e-6)
    np.testing.assert_allclose(
        history["validation_accuracy"].values, 1 - np.exp(-np.arange(10, 31, 10) / 15), rtol=1e-6
    )
    assert set(history) == {"batch_loss", "validation_loss", "validation_accuracy"}  # no histogram
    assert (record.epoch, record.step, record.steps_per_epoch, record.best.epoch) == (3, 30, 10, 3)
    assert record.duration_s == pytest.approx(29)


def test_weights_and_biases_scalars_and_settings(home):
    (record,) = imports.import_tracked(OFFLINE)
    run = runs.open_run(record.run_id)
    assert (record.model, record.dataset, record.epoch) == ("first try", "digits", 3)
    assert run.config.model_options.model_dump() == {"lr": 0.01, "layers": "[64, 32]", "model.width": 8}
    history = run.history()
    assert len(history["batch_loss"].steps) == 60
    np.testing.assert_allclose(history["validation_loss"].values, np.exp(-np.array([19, 39, 59]) / 22))


def test_folder_of_both_compares_with_other_runs(home, tmp_path):
    for name in ("a", "b"):
        (tmp_path / "logs" / name).mkdir(parents=True)
        shutil.copy(EVENTS, tmp_path / "logs" / name)
    shutil.copy(OFFLINE, tmp_path / "logs")
    assert imports.is_tracked(tmp_path / "logs") and not imports.is_tracked(tmp_path / "home")
    records = imports.import_tracked(tmp_path / "logs")
    assert {record.model for record in records} == {"a", "b", "first try"}
    compared = run_comparison.compare_runs([*(record.run_id for record in records), "reference:fashion/dense"])
    curves = compared.as_json()["variants"]
    assert all("validation_loss" in variant["curves"] for variant in curves)


def test_files_cut_short_keep_what_is_complete(tmp_path):
    for source, least in ((EVENTS, 20), (OFFLINE, 40)):
        path = tmp_path / source.name
        path.write_bytes(source.read_bytes()[:-300])
        (run,) = tracker_files.find_runs(path)
        assert max(len(values) for values in run.scalars.values()) >= least


@pytest.mark.parametrize("name", ["events.out.tfevents.1", "run-x.wandb", "notes.txt"])
def test_other_files_are_rejected(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"\xff" * 5000)
    with pytest.raises(DataError):
        tracker_files.find_runs(path)


def test_records_over_several_blocks(tmp_path):
    """A record longer than a block of 32 KiB is split into parts."""
    head, body = OFFLINE.read_bytes()[:7], b"\x0a\x00"  # an unknown field, then nothing
    import struct

    long = b"\xfa\x01" + b"\xb0\xea\x03" + b"x" * 62_768  # field 31, bytes
    parts, position, data = bytearray(head), 7, long + body
    while data:
        room = 32_768 - position % 32_768 - 7
        kind = (
            (1 if len(data) <= room else 2)
            if data is not None and len(data) == len(long + body)
            else (4 if len(data) <= room else 3)
        )
        parts += struct.pack("<IHB", 0, min(room, len(data)), kind) + data[:room]
        position, data = len(parts), data[room:]
    path = tmp_path / "run-long.wandb"
    path.write_bytes(bytes(parts))
    assert [len(record) for record in tracker_files._blocks(path)] == [len(long + body)]


@pytest.mark.parametrize(
    ("metric", "curve"),
    [
        ("val_loss", "validation_loss"),
        ("eval/loss", "validation_loss"),
        ("epoch_loss", "train_loss"),
        ("train/loss_step", "batch_loss"),
        ("Val Accuracy", "validation_accuracy"),
        ("train_acc", "train_accuracy"),
        ("lr-Adam", "learning_rate"),
        ("perplexity", "perplexity"),
    ],
)
def test_names_of_metrics(metric, curve):
    assert imports.curve_name(metric, set()) == curve
