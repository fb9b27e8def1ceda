"""Diagnosis of runs: each rule on a run that was trained for it."""

import json
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

import dlcore
from dlcore import projects, runs
from dlcore.cli import main
from dlcore.core.errors import RequestError
from dlcore.evaluation import diagnosis as rules
from dlcore.runs import diagnosis, training_checks
from dlcore.runs.folder import of_run
from dlcore.runs.watch import watched_run


@pytest.fixture(autouse=True)
def every_step(home, monkeypatch):
    monkeypatch.setattr(watched_run, "PROBED_SHARE", 1e9)


def kinds(run_id: str) -> list[str]:
    return [finding.kind for finding in diagnosis.diagnose_run(dlcore.load(run_id))]


def train(module: nn.Module, *, rate: float, epochs: int = 6, noise: bool = False, momentum: float = 0.0) -> str:
    torch.manual_seed(1)
    inputs = torch.randn(80, 10)
    targets = torch.randint(0, 2, (80,)) if noise else (inputs[:, 0] > 0).long()
    optimizer = torch.optim.SGD(module.parameters(), rate, momentum=momentum)
    loss = nn.functional.cross_entropy
    with dlcore.watch(module) as run:
        for epoch in range(1, epochs + 1):
            for start in range(0, 40, 4):
                value = loss(module(inputs[start : start + 4]), targets[start : start + 4])
                optimizer.zero_grad()
                value.backward()
                optimizer.step()
                run.log(loss=value)
            with torch.no_grad():
                run.log(epoch=epoch, val_loss=loss(module(inputs[40:]), targets[40:]))
    return run.run_id


def dense(*, depth: int = 1, activation: type[nn.Module] = nn.ReLU, width: int = 64) -> nn.Module:
    torch.manual_seed(0)
    sizes = [10, *[width] * depth]
    layers = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), activation())]
    return nn.Sequential(*layers, nn.Linear(width, 2))


def test_healthy_run():
    assert kinds(train(dense(), rate=0.05)) == ["healthy"]


def test_deep_sigmoids_vanish():
    assert kinds(train(dense(depth=10, activation=nn.Sigmoid, width=16), rate=0.05))[0] == "vanishing"


@pytest.mark.parametrize("rate", [2.0, 20.0])
def test_too_high_rate(rate):
    assert kinds(train(dense(), rate=rate))[0] == "learning rate too high"


def test_random_labels_overfit():
    assert "overfitting" in kinds(train(dense(width=256), rate=0.2, epochs=40, noise=True))


@pytest.mark.parametrize(
    ("validation", "is_overfitting"),
    [([0.5, 0.3, 0.2, 0.2, 0.3], False), ([0.5, 0.2, 0.25, 0.3, 0.26], True), ([0.2, 0.3, 0.4], False)],
)
def test_jump_of_the_last_epoch_is_no_overfitting(validation, is_overfitting):
    losses = np.array(validation)
    measured = rules.Measurements(train_losses=np.linspace(0.4, 0.05, len(losses)), validation_losses=losses)
    assert [finding.kind for finding in rules.diagnose(measured)] == ["overfitting" if is_overfitting else "healthy"]


def test_tiny_rate():
    assert kinds(train(dense(), rate=1e-7)) == ["learning rate too low"]


def test_command_prints_evidence_and_remedy(capsys):
    run_id = train(dense(), rate=1e-7)
    assert main(["diagnose", run_id, "--json"]) == 0
    assert '"learning rate too low"' in capsys.readouterr().out


def loop(module: nn.Module, *, zero: bool = True, evaluates: bool = True) -> str:
    """Train with a validation function, with or without two faults."""
    torch.manual_seed(1)
    inputs = torch.randn(80, 10)
    targets = (inputs[:, 0] > 0).long()
    optimizer = torch.optim.SGD(module.parameters(), 0.05)

    def validate():
        module.train(not evaluates)
        with torch.no_grad():
            loss = nn.functional.cross_entropy(module(inputs[40:]), targets[40:])
        module.train()
        return {"val_loss": float(loss)}

    with dlcore.watch(module, validation=validate) as run:
        for epoch in range(1, 5):
            for start in range(0, 40, 4):
                value = nn.functional.cross_entropy(module(inputs[start : start + 4]), targets[start : start + 4])
                if zero:
                    optimizer.zero_grad()
                value.backward()
                optimizer.step()
                run.log(loss=value)
            run.log(epoch=epoch)
    return run.run_id


def test_healthy_loop():
    assert kinds(loop(nn.Sequential(*dense(), nn.Dropout(0.1)))) == ["healthy"]


def test_forgotten_zero_grad():
    assert kinds(loop(dense(), zero=False))[0] == "gradients not zeroed"


def test_softmax_before_the_loss():
    assert kinds(loop(nn.Sequential(*dense(), nn.Softmax(dim=1))))[0] == "softmax output"


def test_validation_in_training_mode():
    assert kinds(loop(nn.Sequential(*dense(), nn.Dropout(0.1)), evaluates=False))[0] == "validation in training mode"


@pytest.fixture
def far_too_high(home):
    settings = {"learning_rate": 5.0, "epochs": 3}
    config = projects.configure("fashion", dataset="digits", preset="quick", device="cpu", settings=settings)
    run_id = runs.start(runs.create(config).run_id).run_id
    runs.wait(run_id, timeout=120)
    return run_id


def test_fork_with_the_remedy_scores_higher(far_too_high, capsys):
    report = diagnosis.diagnose(far_too_high)
    assert report["findings"][0]["kind"] == "learning rate too high"
    assert report["findings"][0]["settings"]["learning_rate"] == 0.5
    checks, structure = training_checks.read(of_run(far_too_high))
    assert checks.agreement[0] > 0.9 and len(checks.class_counts) == 10 and structure["products"] == 3
    assert main(["diagnose", far_too_high, "--fix", "--json"]) == 0
    fork = json.loads(capsys.readouterr().out)
    assert fork["parent"] == far_too_high and fork["state"] == "finished"


def test_finding_without_a_setting_has_no_fork(far_too_high):
    with pytest.raises(RequestError, match="labels shuffled"):
        diagnosis.fork_with_remedy(far_too_high, "labels shuffled")


def test_ids_of_words_are_not_inputs_to_scale(home):
    config = projects.configure("news", dataset="template_news", preset="quick", settings={"vectors": "none"})
    prepared = projects.get("news").prepare(config)
    folder = of_run(runs.create(config).run_id)
    training_checks.check_once(folder, prepared, nn.Embedding(10, 2))
    checks, _ = training_checks.read(folder)
    assert checks is not None and checks.spread != checks.spread and sum(checks.class_counts) == len(prepared.train)
