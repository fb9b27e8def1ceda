import pytest
import torch
from torch import nn

from dlcore.models.dense_classifier import DenseClassifier, DenseClassifierConfig


def test_parameter_count():
    model = DenseClassifier(DenseClassifierConfig(), features=784, classes=10)
    expected = (784 + 1) * 256 + (256 + 1) * 128 + (128 + 1) * 64 + (64 + 1) * 10
    assert sum(parameter.numel() for parameter in model.parameters()) == expected == 242_762
    assert [type(part) for part in model.hidden] == [nn.Linear, nn.ReLU] * 3


@pytest.mark.parametrize("config", [{"dropout": 0.4}, {"batch_norm": True}, {"dropout": 0.2, "batch_norm": True}])
def test_dropout_and_batch_norm_are_optional(config):
    torch.manual_seed(0)
    options = DenseClassifierConfig(**config)
    model = DenseClassifier(options, features=64, classes=10)
    kinds = [type(part) for part in model.hidden]
    assert kinds.count(nn.Dropout) == (3 if options.dropout else 0)
    assert kinds.count(nn.BatchNorm1d) == (3 if options.batch_norm else 0)
    x = torch.rand(5, 8, 8)
    assert model(x).shape == (5, 10)
    assert torch.equal(model.eval()(x), model(x))
