"""Diagnosis of runs: each rule on a run that was trained for it."""

from itertools import pairwise

import pytest
import torch
from torch import nn

import dlcore
from dlcore.cli import main
from dlcore.runs import diagnosis
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


def test_too_high_rate_is_unstable_or_not_finite():
    assert "unstable" in kinds(train(dense(), rate=2.0))
    assert kinds(train(dense(), rate=20.0))[0] == "not finite"


def test_random_labels_overfit():
    assert "overfitting" in kinds(train(dense(width=256), rate=0.2, epochs=40, noise=True))


def test_tiny_rate_makes_no_progress():
    assert kinds(train(dense(), rate=1e-7)) == ["no progress"]


def test_command_prints_evidence_and_remedy(capsys):
    run_id = train(dense(), rate=1e-7)
    assert main(["diagnose", run_id, "--json"]) == 0
    assert '"no progress"' in capsys.readouterr().out
