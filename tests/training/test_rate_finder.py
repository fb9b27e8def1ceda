"""Learning-rate range test: its suggestion trains, it changes nothing, and it runs as a job."""

import json

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from dlcore import projects
from dlcore.cli import main
from dlcore.runs import rate_tests
from dlcore.training.rate_finder import STEPS, suggest_rate, sweep


def quadratic(curvature: float):
    """Least squares whose gradient descent diverges beyond 2 / curvature."""
    module = nn.Linear(1, 1, bias=False)
    nn.init.constant_(module.weight, 3.0)
    x = torch.full((4, 1), curvature**0.5)
    return module, [((x,), torch.zeros(4, 1))] * STEPS


@pytest.mark.parametrize("curvature", [1.0, 10.0, 100.0])
def test_suggestion_is_below_the_rate_of_divergence(curvature):
    module, batches = quadratic(curvature)
    rates, losses = sweep(
        module,
        batches,
        loss=lambda output, target: 0.5 * functional.mse_loss(output, target),
        optimizer=lambda copy: torch.optim.SGD(copy.parameters(), lr=1.0),
    )
    assert 0.005 * 2 / curvature < suggest_rate(rates, losses) < 2 / curvature
    assert module.weight.item() == 3.0


def test_curve_that_never_falls_suggests_the_smallest_rate():
    rates = np.geomspace(1e-6, 1, 50)
    assert suggest_rate(rates, np.linspace(1, 2, 50)) == rates[0]


@pytest.fixture
def config(home):
    return projects.configure("fashion", dataset="digits", preset="quick", device="cpu")


def test_test_repeats_and_leaves_the_generator(config):
    state = torch.random.get_rng_state()
    first, again = (rate_tests.find_rate(config, steps=30) for _ in range(2))
    assert first == again and first["steps"] <= 30
    assert torch.equal(torch.random.get_rng_state(), state)


def test_suggestion_is_a_rate_that_learns_digits(config):
    result = rate_tests.find_rate(config)
    assert 3e-4 < result["suggestion"] < 0.1
    assert min(result["smoothed"]) < 0.7 * result["smoothed"][0]


def test_worker_runs_the_test(config):
    assert rate_tests.find(config) is None
    rate_tests.start(config)
    test = rate_tests.wait(config, timeout=120)
    assert test.state == "finished", test.reason
    assert test.result["losses"] == rate_tests.find_rate(config)["losses"]
    other = projects.with_settings(config, {"learning_rate": 0.5, "epochs": 3})
    assert rate_tests.find(other) == test  # neither matters for the test


def test_command(home, capsys):
    flags = ["--dataset", "digits", "--preset", "quick", "--device", "cpu", "--steps", "20", "--json"]
    assert main(["find-rate", "fashion", *flags]) == 0
    assert len(json.loads(capsys.readouterr().out)["rates"]) <= 20


def test_model_with_its_own_loop_is_rejected(home, capsys):
    model = next(
        (slug, name)
        for slug in projects.PROJECTS
        for name, entry in projects.get(slug).models.items()
        if entry.training_loop is not None
    )
    assert main(["find-rate", model[0], "--model", model[1]]) == 2
    assert "no learning rate to find" in capsys.readouterr().err
