"""Rules of the diagnosis on numbers made for them; what a look at data and network says."""

import numpy as np
import pytest
import torch
from torch import nn

from dlcore.evaluation.data_checks import check_data
from dlcore.evaluation.diagnosis import REMEDIES, Measurements, diagnose
from dlcore.inference.structure import check_structure

FALLING = np.geomspace(2.0, 0.2, 100)


def data(*, shift: int = 0, shuffled: bool = False, scale: float = 1.0, leaked: float = 0.0):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    x = rng.normal(0, 0.3, (300, 4)).astype(np.float32)
    x[np.arange(300), y] += 2
    targets = rng.permutation(y) if shuffled else np.roll(y, shift)
    validation = np.concatenate([x[: int(100 * leaked)], rng.normal(0, 1, (100 - int(100 * leaked), 4))])
    return check_data(x * scale, targets, (validation * scale).astype(np.float32), classes=3)


def first(**measured) -> str:
    finding = diagnose(Measurements(**{"losses": FALLING, "validation_accuracy": 0.35, **measured}))[0]
    assert finding.remedy == REMEDIES[finding.kind] and finding.evidence and 0 < finding.confidence < 1
    return finding.kind


def test_nothing_wrong():
    assert first(data=data(), validation_accuracy=0.95) == "healthy"


@pytest.mark.parametrize("shift", [1, 2, 3, -1])
def test_shift_of_the_targets_is_measured(shift):
    checks = data(shift=shift)
    assert max(checks.agreement, key=checks.agreement.__getitem__) == shift
    assert first(data=checks) == "targets shifted"


def test_shuffled_labels_leak_and_scale():
    assert first(data=data(shuffled=True)) == "labels shuffled"
    assert first(data=data(leaked=0.4)) == "validation leak"
    assert data(leaked=0.4).leaked == pytest.approx(0.4)
    assert first(data=data(scale=100.0)) == "inputs not scaled"


def test_hard_labels_are_not_called_shuffled_if_the_network_learns_them():
    assert first(data=data(shuffled=True), validation_accuracy=0.9) == "healthy"


def test_imbalance_beyond_chance_only():
    def counts(*numbers):
        return data().__class__(class_counts=numbers)

    assert first(data=counts(400, 10)) == "class imbalance"
    assert first(data=counts(9, 1), validation_accuracy=0.95) == "healthy"


def test_overflow_and_decay():
    assert first(losses=np.array([1.0, 5.0, np.inf])) == "learning rate too high"
    ratios = np.full((10, 2), 0.01)
    assert first(update_ratios=ratios, decay=0.008) == "strong regularization"
    assert first(update_ratios=ratios, decay=1e-4) == "healthy"


def test_structure_of_networks():
    x = torch.randn(4, 6)
    dense = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4), nn.Dropout(0.3), nn.Linear(4, 3))
    structure = check_structure(dense.train(), x)
    assert (structure.products, structure.bare, structure.dropout) == (2, 1, 0.3)
    assert dense.training and all(parameter.grad is None for parameter in dense.parameters())
    assert check_structure(nn.Sequential(dense, nn.Softmax(dim=1)), x).is_softmax and not structure.is_softmax
    assert check_structure(nn.Linear(6, 3), x).products == 0
    norm = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Linear(5, 3))
    assert check_structure(norm, x).bare == 1


def test_residual_and_recurrent_networks_lack_no_activation():
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.head = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 3)

        def forward(self, x):
            x = x + self.b(self.a(x).relu())
            return self.head(x.relu())

    assert check_structure(Residual(), torch.randn(4, 6)).bare == 0
    gru = nn.GRU(2, 4, batch_first=True)

    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru, self.head = gru, nn.Linear(4, 3)

        def forward(self, x):
            return self.head(self.gru(x)[0][:, -1])

    assert check_structure(Recurrent(), torch.randn(4, 7, 2)).bare == 0
