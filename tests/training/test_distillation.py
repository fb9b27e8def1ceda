"""The distillation loss against its formula."""

import torch
from torch.nn import functional

from dlcore.training.distillation import distill
from dlcore.training.fit import Objective

PLAIN = Objective(functional.cross_entropy, lambda outputs, targets: outputs.argmax(dim=1) == targets)
OUTPUTS = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.3]])
LABELS, TEACHER = torch.tensor([2, 2]), torch.tensor([[0.7, 0.2, 0.1], [0.2, 0.2, 0.6]])
TARGETS = torch.cat([LABELS[:, None].float(), TEACHER.log()], dim=1)


def test_loss_is_the_weighted_sum_of_divergence_and_cross_entropy():
    temperature, weight = 3.0, 0.25
    student = (OUTPUTS / temperature).softmax(dim=1)
    teacher = TEACHER ** (1 / temperature)
    teacher = teacher / teacher.sum(dim=1, keepdim=True)
    divergence = (teacher * (teacher / student).log()).sum(dim=1).mean()
    expected = weight * temperature**2 * divergence + (1 - weight) * functional.cross_entropy(OUTPUTS, LABELS)
    loss = distill(PLAIN, temperature=temperature, weight=weight).loss(OUTPUTS, TARGETS)
    torch.testing.assert_close(loss, expected)


def test_labels_are_unused_at_weight_1_but_counted():
    objective = distill(PLAIN, temperature=2.0, weight=1.0)
    relabeled = torch.cat([torch.zeros(2, 1), TARGETS[:, 1:]], dim=1)
    torch.testing.assert_close(objective.loss(OUTPUTS, TARGETS), objective.loss(OUTPUTS, relabeled))
    assert objective.loss(TEACHER.log(), TARGETS).abs() < 1e-6
    assert objective.correct is not None and objective.correct(OUTPUTS, TARGETS).tolist() == [False, True]
