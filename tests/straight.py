"""Compares an interrupted run with an uninterrupted one; shared by tests with killed workers and with a cluster."""

import json

import numpy as np
import torch

from dlcore import runs
from dlcore.runs import folder

TIMES = {"elapsed_s", "epoch_s"}


def same_as_straight(run_id, config, tmp_path):
    """Assert that the run equals an uninterrupted one bitwise and logged no step twice."""
    if not (tmp_path / "straight").exists():
        runs.train_here(config, tmp_path / "straight")
    left, right = runs.open_run(run_id).bundle, runs.Bundle(tmp_path / "straight")
    curves, straight = runs.open_run(run_id).history(), right.history()
    lines = folder.of_run(run_id).metrics.read_text().splitlines()
    assert set(curves) - {"resumed"} == set(straight)
    for name in straight:
        assert np.array_equal(curves[name].steps, straight[name].steps), name
        logged = sum(name in json.loads(line)["values"] for line in lines)
        assert logged == len(straight[name].steps), f"{name} was logged twice"
        if name not in TIMES:
            assert np.array_equal(curves[name].values, straight[name].values), name
    assert np.array_equal(runs.open_run(run_id).gradients().steps, right.gradients().steps)
    assert np.array_equal(runs.open_run(run_id).gradients().norms, right.gradients().norms)
    weights, expected = left.load().module.state_dict(), right.load().module.state_dict()
    assert all(torch.equal(weights[name], expected[name]) for name in weights)
    assert left.evaluation == right.evaluation
