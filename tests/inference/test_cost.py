"""Cost estimates compared with published values."""

import time

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


class Busy(nn.Module):
    """A model whose calls take `seconds` of processor time, and wait for `idle` seconds now and then."""

    def __init__(self, seconds: float, idle: float = 0.0, *, every: int = 2) -> None:
        super().__init__()
        self.seconds, self.idle, self.every, self.calls = seconds, idle, every, 0

    def forward(self, x):
        self.calls += 1
        if self.idle and self.calls % self.every:
            time.sleep(self.idle)
        begin = time.thread_time()
        while time.thread_time() - begin < self.seconds:
            pass
        return x


def test_latency_is_that_of_one_thread_and_restores_threads_and_training_mode():
    module = nn.Sequential(nn.Linear(4, 4), nn.Dropout()).train()
    threads, thread_counts = torch.get_num_threads(), []
    module.register_forward_hook(lambda *_: thread_counts.append(torch.get_num_threads()))
    torch.set_num_threads(2)
    try:
        measured = cost.measure_latencies({"a": (module, torch.zeros(1, 4))})
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert 0 < measured.seconds["a"] < 1 and set(thread_counts) == {1} and module.training


def test_latency_is_the_fastest_call_of_interleaved_rounds():
    """Interruptions of most calls do not change the ratio of two models."""
    sample = torch.zeros(1, 4)
    models = {"small": (Busy(0.002, 0.02, every=3), sample), "large": (Busy(0.004), sample)}
    measured = cost.measure_latencies(models)
    assert measured.seconds["small"] == pytest.approx(0.002, rel=0.3)
    assert measured.seconds["large"] == pytest.approx(0.004, rel=0.3)
    assert abs(models["small"][0].calls - models["large"][0].calls) <= cost.CALLS + 1


def test_latency_of_which_every_call_was_interrupted_is_not_quiet():
    measured = cost.measure_latencies({"a": (Busy(0.002, 0.02, every=10**9), torch.zeros(1, 4))})
    assert not measured.is_quiet and measured.seconds["a"] == pytest.approx(0.002, rel=0.3)
    assert cost.measure_latencies({"a": (Busy(0.002), torch.zeros(1, 4))}).is_quiet
