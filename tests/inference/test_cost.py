"""Cost estimates compared with published values."""

import pytest
import torch
from torch import nn

from dlcore.inference import cost
from dlcore.models.resnet import ResNetConfig, resnet
from dlcore.models.vgg import Vgg, VggConfig


def test_multiply_adds_of_resnet_18_and_vgg_16_match_published_values():
    counted = cost.count_cost(
        lambda: resnet(ResNetConfig(stem="imagenet"), channels=3, classes=1000), (3, 224, 224), batch_size=2
    )
    assert counted.parameters == 11_689_512 and counted.multiply_adds == pytest.approx(1.81e9, rel=0.01)
    options = VggConfig(version="D", batch_norm=False)
    build = lambda: Vgg(options, channels=3, height=224, width=224, classes=1000)  # noqa: E731
    counted = cost.count_cost(build, (3, 224, 224), batch_size=2)
    assert counted.parameters == 138_357_544 and counted.multiply_adds == pytest.approx(15.47e9, rel=0.01)


def test_training_memory_includes_gradients_optimizer_state_and_activations():
    build = lambda: nn.Sequential(nn.Linear(100, 50), nn.ReLU(), nn.Linear(50, 10))  # noqa: E731
    counted = cost.count_cost(build, (100,), batch_size=32, optimizer="sgd")
    weights = 100 * 50 + 50 + 50 * 10 + 10
    activations = 32 * (100 + 50)  # the input, and the hidden values after the ReLU
    assert counted.training_bytes == 4 * (3 * weights + activations)
    assert cost.count_cost(build, (100,), batch_size=32).training_bytes == 4 * (4 * weights + activations)
    assert counted.multiply_adds == 100 * 50 + 50 * 10


def test_latency_is_positive_and_restores_training_mode():
    module = nn.Sequential(nn.Linear(4, 4), nn.Dropout()).train()
    assert 0 < cost.latency(module, torch.zeros(1, 4)) < 1
    assert module.training
