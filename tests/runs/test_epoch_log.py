"""Outputs after each epoch: what is recorded, that it is the same twice, and what a resumed run keeps."""

import shutil

import numpy as np
import pytest

from dlcore import projects, runs
from dlcore.core.errors import RunError
from dlcore.projects.project import EpochOutputs
from dlcore.runs import Bundle
from dlcore.runs.bundle.inspection import validate_bundle
from dlcore.runs.epoch_log import BYTES, EpochLog
from dlcore.runs.report.document import render_report
from dlcore.runs.views.epochs import epochs_data
from dlcore.training.events import Epoch


def train(folder, **settings):
    values = {"epochs": 6, **settings}
    config = projects.configure("fashion", dataset="digits", preset="quick", device="cpu", settings=values)
    runs.train_here(config, folder)
    return Bundle(folder)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return train(tmp_path_factory.mktemp("epochs") / "bundle")


def test_recorded_predictions_are_those_of_the_curves(bundle):
    record, stored = bundle.epochs(), bundle.predictions()
    targets = stored["validation_targets"][record.rows]
    assert record.epochs.tolist() == [1, 2, 3, 4, 5, 6]
    assert len(record.rows) == len(stored["validation_targets"])  # fewer than 2,000
    accuracy = (record.scores.argmax(axis=2) == targets).mean(axis=1)
    assert accuracy == pytest.approx(bundle.history()["validation_accuracy"].values)
    best = record.scores[bundle.record.best.epoch - 1].astype(np.float32)
    assert best == pytest.approx(stored["validation_scores"][record.rows], abs=1e-3)
    assert (record.preserved > 0.6).all() and (record.preserved <= 1).all()
    assert (bundle.folder / "epochs.npz").stat().st_size < BYTES


def test_the_embedding_is_the_same_twice_from_one_seed(bundle, tmp_path):
    again = train(tmp_path / "again").epochs()
    for name, values in vars(bundle.epochs()).items():
        assert np.array_equal(values, getattr(again, name)), name


def test_browser_gets_thumbnails_and_texts_of_the_recorded_samples(bundle):
    data = epochs_data(bundle)
    assert data["sheet"].startswith("data:image/webp") and data["best"] == bundle.record.best.epoch
    assert data["scores"]["shape"] == [6, len(bundle.epochs().rows), 10]


def test_report_shows_the_same_component(bundle, monkeypatch):
    assert 'data-kind="epochs"' not in render_report(["reference:fashion/dense"])
    monkeypatch.setattr(runs.Run, "finished_bundle", property(lambda self: bundle))
    assert 'data-kind="epochs"' in render_report(["reference:fashion/dense"])


def test_damaged_records_are_rejected(bundle, tmp_path):
    shutil.copytree(bundle.folder, tmp_path / "copy")
    validate_bundle(tmp_path / "copy")
    arrays = vars(bundle.epochs())
    for change in (
        {"rows": arrays["rows"] + 10_000},
        {"scores": arrays["scores"][..., :3]},
        {"points": arrays["points"][1:]},
        {"epochs": arrays["epochs"][::-1]},
        {"preserved": np.full(6, np.nan, np.float32)},
        {"other": np.zeros(3)},
    ):
        np.savez(tmp_path / "copy" / "epochs.npz", **{**arrays, **change})
        with pytest.raises(RunError, match="epochs"):
            validate_bundle(tmp_path / "copy")


class Sizes:
    """What the log reads of prepared data: ten labels and the size of the validation split."""

    labels = tuple("0123456789")

    def __init__(self, samples):
        self.validation = range(samples)


def write(log, epoch, *, is_best=False):
    rng = np.random.default_rng(epoch)
    samples = int(log.rows.max()) + 1
    log.hold(EpochOutputs(rng.standard_normal((samples, 10)), rng.standard_normal((samples, 40))))
    log.write(Epoch(epoch, epoch, {}, 0.0, is_best=is_best))


def test_long_runs_keep_first_best_last_and_spaced_epochs(tmp_path):
    log = EpochLog(tmp_path / "epochs", Sizes(50), epochs=100, first=1)
    for epoch in range(1, 40):
        write(log, epoch, is_best=epoch in (5, 23))
    assert log.collect().epochs.tolist() == [1, 4, 8, 12, 16, 20, 23, 24, 28, 32, 36, 39]
    resumed = EpochLog(tmp_path / "epochs", Sizes(50), epochs=100, first=30, best=23)
    write(resumed, 30)
    assert resumed.collect().epochs.tolist() == [1, 4, 8, 12, 16, 20, 23, 24, 28, 30]


def test_a_resumed_run_records_the_same_as_one_without_a_break(tmp_path):
    straight = EpochLog(tmp_path / "straight", Sizes(50), epochs=6, first=1)
    broken = EpochLog(tmp_path / "broken", Sizes(50), epochs=6, first=1)
    for epoch in range(1, 7):
        write(straight, epoch)
    for epoch in range(1, 5):
        write(broken, epoch)
    resumed = EpochLog(tmp_path / "broken", Sizes(50), epochs=6, first=3)
    assert resumed.collect().epochs.tolist() == [1, 2]
    for epoch in range(3, 7):
        write(resumed, epoch)
    for name, values in vars(straight.collect()).items():
        assert np.array_equal(values, getattr(resumed.collect(), name)), name
    resumed.clear()
    assert resumed.collect() is None


def test_size_is_bounded_for_many_classes(tmp_path):
    class Many(Sizes):
        labels = tuple(map(str, range(1000)))

    log = EpochLog(tmp_path, Many(5000), epochs=90, first=1)
    assert len(log.rows) * 8 * 2004 <= BYTES and log.stride >= 11
