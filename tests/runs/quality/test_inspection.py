"""Inspection of a small run with planted errors, correction, and the correctness that a run records."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from dlcore import projects, runs
from dlcore.cli import main
from dlcore.core.errors import RequestError, RunError
from dlcore.data.custom import versions
from dlcore.data.custom.decisions import Decision, write_csv
from dlcore.data.splits import SPLITS
from dlcore.runs import Bundle
from dlcore.runs.bundle.exchange import import_run
from dlcore.runs.bundle.inspection import validate_bundle
from dlcore.runs.paired_tests import compare_variants
from dlcore.runs.quality import correction
from dlcore.runs.quality.inspection import find_duplicates, inspect_run
from dlcore.runs.quality.samples import RunSamples


def configure(**settings):
    values = {"epochs": 8, **settings}
    return projects.configure("fashion", model="dense", dataset="digits", preset="quick", device="cpu", settings=values)


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clean") / "bundle"
    runs.train_here(configure(), folder)
    return Bundle(folder)


def plant(quality, count=60):
    """Return decisions that shift the labels of some training and validation samples by one class."""
    samples = quality.samples
    rows = np.random.default_rng(0).permutation(np.flatnonzero(~samples.is_test))[:count]
    names = samples.names
    return [
        Decision(
            SPLITS[samples.parts[row]],
            int(samples.ids[row]),
            names[samples.labels[row]],
            names[(samples.labels[row] + 1) % len(names)],
            "relabel",
        )
        for row in rows
    ]


def test_planted_errors_are_found_corrected_and_tested(clean, tmp_path, home):
    quality = inspect_run(clean)
    assert len(quality.errors.suspects) < 0.05 * len(quality.samples)  # false accusations
    planted = plant(quality)
    damaged = correction.save_corrected(clean.config, quality.samples, planted, name="damaged")
    runs.train_here(correction.configure_corrected(clean.config, damaged), tmp_path / "damaged")
    before = Bundle(tmp_path / "damaged")
    inspected = inspect_run(before)
    truth = {(each.part, each.row): each.label for each in planted}
    listed = correction.list_decisions(inspected, inspected.errors.suspects)
    hits = [each for each in listed if (each.part, each.row) in truth]
    assert len(hits) > 0.6 * len(planted) and len(hits) > 0.6 * len(listed)
    assert sum(each.suggested == truth[each.part, each.row] for each in hits) > 0.9 * len(hits)

    decisions = [dataclasses.replace(each, decision="relabel") for each in hits]
    corrected = correction.save_corrected(before.config, inspected.samples, decisions, name="corrected")
    assert versions.find_base(corrected.dataset) == "digits"
    runs.train_here(correction.configure_corrected(before.config, corrected), tmp_path / "corrected")
    (test,) = compare_variants({"after": [Bundle(tmp_path / "corrected")], "before": [before]})
    assert test.difference is not None and test.method == "McNemar's exact test"
    sizes = [Bundle(tmp_path / name).run["sizes"] for name in ("damaged", "corrected")]
    assert sizes[0] == sizes[1] == clean.run["sizes"]


def test_correctness_of_every_epoch_is_recorded_as_the_curves_say(clean):
    correctness = clean.correctness()
    accuracies = clean.history()["train_accuracy"].values
    assert correctness.shape == (8, clean.run["sizes"]["train"])
    assert correctness.mean(axis=1) == pytest.approx(accuracies)
    # a sample of the last epoch is correct about as often for the final network
    assert correctness[-1].mean() > correctness[0].mean()


def test_correctness_names_the_samples_not_their_order_in_the_epoch(tmp_path):
    config = configure(epochs=4, learning_rate=1e-7)
    runs.train_here(config, tmp_path / "frozen")
    bundle = Bundle(tmp_path / "frozen")
    correctness = bundle.correctness()
    assert (correctness == correctness[0]).mean() > 0.99  # the network hardly changes, the order of samples does


def test_damaged_correctness_is_rejected(clean, tmp_path):
    shutil.copytree(clean.folder, tmp_path / "copy")
    validate_bundle(tmp_path / "copy")
    for arrays in (
        {"bits": np.zeros((2, 3), np.uint8), "samples": np.array(10**9)},
        {"bits": np.zeros(3, np.uint8), "samples": np.array(3)},
        {"bits": np.zeros((2, 3), np.uint8)},
        {"other": np.zeros(3)},
    ):
        np.savez(tmp_path / "copy" / "correctness.npz", **arrays)
        with pytest.raises(RunError, match="correctness"):
            validate_bundle(tmp_path / "copy")


def test_command_line_writes_suspects_and_reads_decisions(clean, home, tmp_path, capsys):
    record = import_run(clean.folder)
    table = tmp_path / "suspects.csv"
    assert main(["inspect", record.run_id, "--json", "--limit", "3"]) == 0
    inspected = json.loads(capsys.readouterr().out)
    assert (
        inspected["epochs_recorded"] == 8
        and len(inspected["hardest"]) == 3
        and inspected["label_errors"]["suspects"] < 100
    )
    assert main(["inspect", record.run_id, "--csv", str(table)]) == 0
    assert table.read_text().count("\n") == 1 + inspected["label_errors"]["suspects"]
    sample = next(row for row in inspected["hardest"] if row["part"] != "test")
    decision = Decision(sample["part"], sample["row"], sample["label"], sample["suggested"], "exclude")
    table.write_bytes(write_csv([decision]))
    capsys.readouterr()
    assert main(["inspect", record.run_id, "--decisions", str(table), "--name", "fewer", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["dataset"] == "custom:fewer" and answer["rows"] == inspected["samples"] - 1


def test_copies_and_leaks_are_found():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (6, 32, 32, 3)).astype(np.uint8)
    pixels[5] = pixels[1]
    samples = RunSamples(np.array([0, 0, 0, 1, 1, 2]), np.arange(6), np.zeros(6, int), ("a", "b"), images=pixels)
    assert find_duplicates(samples).tolist() == [0, 1, 2, 3, 4, 1]


def test_other_tasks_are_refused():
    bundle = runs.open_run("reference:anomaly/conv").finished_bundle
    with pytest.raises(RequestError, match="classifier"):
        inspect_run(bundle)
