"""A run paused in the middle of an epoch and resumed in another process equals an uninterrupted run, bitwise."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from dlcore.runs import Bundle

SCRIPT = """
import json, sys
from pathlib import Path
from dlcore import projects, runs
from dlcore.runs import folder
from dlcore.runs.worker import checkpoint_scheduler
from dlcore.runs.execution import Job, execute
from dlcore.runs.folder import RunFolder
from dlcore.runs.metric_log import MemoryMetricLog, FolderMetricLog

checkpoint_scheduler.POLL_SECONDS = 0.0
part, where, known = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
REVIEWS = {"rows": 300, "length": 30, "vocabulary": 1000, "embedding": 16, "hidden": 16}
CALENDAR = {"seeds": 2, "folds": 3, "window": 48, "batch_size": 512}
MODELS = [("anomaly", model, "nyc_taxi", {}) for model in ("conv", "dense_32", "lstm")]
MODELS += [("anomaly", "calendar", "nyc_taxi", CALENDAR)]
MODELS += [("fashion", "dense", "digits", {}), ("reviews_lstm", "base_lstm", "movie_reviews", REVIEWS)]
for project, model, dataset, small in MODELS:
    settings = {**small, "epochs": 3, "gradient_every": 3}
    config = projects.configure(project, model=model, dataset=dataset, preset="quick", device="cpu", settings=settings)
    if part == "straight":
        place = where / model
        done = execute(Job("0" * 32, config, RunFolder(place), place / "bundle", MemoryMetricLog(), checkpoints=False))
        assert done.state == "finished", done
        continue
    run_id = known.get(model) or runs.create(config).run_id
    known[model] = run_id
    metric_log, at, step_reached = FolderMetricLog(folder.of_run(run_id)), folder.of_run(run_id), [0]
    pause_at = [float("inf")]
    def note(event):
        step_reached[0] = event.step
        if part == "first" and type(event).__name__ == "Epoch":
            pause_at[0] = event.step + 2  # two steps into the second epoch
    def poll_command():
        return "pause" if step_reached[0] >= pause_at[0] else None
    outcome = execute(Job(run_id, config, at, at.bundle, metric_log, poll_command=poll_command, on_event=note))
    metric_log.close()
    assert outcome.state == ("paused" if part == "first" else "finished"), outcome
print(json.dumps(known))
"""

MODELS = ("conv", "dense_32", "lstm", "calendar", "dense", "base_lstm")
CLOCKS = {"elapsed_s", "epoch_s"}
RESUMED = {"resumed"}


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Three processes: the first part of every run, its second part, and the run without interruption."""
    where = tmp_path_factory.mktemp("parts")
    known = {}
    for part in ("first", "second", "straight"):
        known = _process(part, where, known) or known
    return where, known


def _process(part, where, known):
    environment = {**os.environ, "DLCORE_HOME": str(where / "home"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", SCRIPT, part, str(where), json.dumps(known)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("model", MODELS)
def test_run_resumed_in_another_process_equals_an_uninterrupted_run(parts, model):
    where, known = parts
    resumed = Bundle(where / "home" / "runs" / known[model] / "artifacts" / "bundle")
    straight = Bundle(where / model / "bundle")
    weights, expected_weights = resumed.load().module.state_dict(), straight.load().module.state_dict()
    assert all(torch.equal(weights[name], expected_weights[name]) for name in expected_weights)
    curves, expected = resumed.history(), straight.history()
    assert set(curves) - RESUMED == set(expected)
    for name in set(expected) - CLOCKS:
        assert np.array_equal(curves[name].steps, expected[name].steps), name
        assert np.array_equal(curves[name].values, expected[name].values), name
    assert np.array_equal(resumed.gradients().norms, straight.gradients().norms)
    assert resumed.evaluation == straight.evaluation
    per_epoch = straight.record.steps_per_epoch
    (step,) = curves["resumed"].steps.tolist()
    assert per_epoch < step < 2 * per_epoch  # it was in the middle of the second epoch
