"""What a probed step tells, against the same numbers taken by hand, and that looking changes nothing."""

import copy

import pytest
import torch
from torch import nn

from dlcore.models.deep_network import DeepNetwork, DeepNetworkConfig
from dlcore.training import gradients
from dlcore.training.events import MEASURES
from dlcore.training.probes import Probe


def small() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(216, 5),
        nn.Tanh(),
        nn.Linear(5, 3),
    )


X = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(1))


def probed(module: nn.Module, x: torch.Tensor, *, rate: float = 0.1) -> tuple[dict, dict]:
    """One step of plain gradient descent, looked at; what was seen, and the weights before it."""
    layers = gradients.layers(module)
    probe, before = Probe(module, layers), copy.deepcopy(module.state_dict())
    with probe.watching():
        out = module(x)
    module.zero_grad()
    out.square().mean().backward()
    probe.before_update()
    torch.optim.SGD(module.parameters(), lr=rate).step()
    measures = probe.measures()
    assert set(measures) == set(MEASURES) and all(len(values) == len(layers) for values in measures.values())
    return {name: dict(zip(layers, values, strict=True)) for name, values in measures.items()}, before


def test_activations_are_those_after_norm_and_activation():
    module = small()
    with torch.no_grad():
        module[1].bias[2] = -1e6  # one channel that nothing can wake
        after = copy.deepcopy(module)[:3](X)
    result, _ = probed(module, X)
    assert result["activation_mean"]["0"] == pytest.approx(after.mean().item(), rel=1e-4)
    assert result["activation_variance"]["0"] == pytest.approx(after.var(correction=0).item(), rel=1e-4)
    assert result["dead_units"]["0"] == pytest.approx(1 / 6)
    assert result["dead_units"]["1"] is None and result["dead_units"]["4"] is None  # a norm, a tanh's layer
    assert result["activation_mean"]["1"] < -1e5  # a norm's own output, not the activation's
    assert result["activation_variance"]["4"] <= 1


def test_the_update_ratio_is_the_change_over_the_length():
    module = small()
    result, before = probed(module, X)
    now = module.state_dict()
    for layer, names in {"0": ["0.weight"], "4": ["4.weight", "4.bias"]}.items():
        change = torch.cat([(now[name] - before[name]).flatten() for name in names]).norm()
        length = torch.cat([before[name].flatten() for name in names]).norm()
        assert result["update_ratio"][layer] == pytest.approx((change / length).item(), rel=1e-5)


def test_units_of_dense_layers_are_their_features():
    module = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
    with torch.no_grad():
        module[0].bias[:3] = -1e3
    result, _ = probed(module, torch.randn(16, 4))
    assert result["dead_units"]["0"] == pytest.approx(3 / 8)


def test_a_layer_of_zeros_has_no_ratio():
    module = nn.Sequential(nn.Linear(2, 2, bias=False))
    nn.init.zeros_(module[0].weight)
    result, _ = probed(module, torch.ones(1, 2))
    assert result["update_ratio"]["0"] is None


def test_recurrent_layers_and_bare_parameters_are_taken():
    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.shift = nn.LSTM(3, 4, batch_first=True), nn.Parameter(torch.ones(4))

        def forward(self, x):
            return self.lstm(x)[0] + self.shift

    result, _ = probed(Reader(), torch.randn(2, 5, 3))
    assert result["activation_mean"]["shift"] is None and result["activation_mean"]["lstm"] is not None


def test_hooks_are_gone_and_outputs_are_the_same():
    module = DeepNetwork(DeepNetworkConfig(depth=8, width=4, skip_connections=True), channels=1, height=8, classes=3)
    x = torch.rand(3, 8, 8)
    before = module(x)
    probe = Probe(module, gradients.layers(module))
    with probe.watching():
        assert any(part._forward_hooks for part in module.modules())
        assert torch.equal(module(x), before)
    with pytest.raises(ValueError, match="planted"), probe.watching():
        raise ValueError("planted")
    assert not any(part._forward_hooks for part in module.modules())
    assert not probe._outputs


def test_gradient_norms_of_a_deep_network_equal_autograds():
    torch.manual_seed(0)
    module = DeepNetwork(DeepNetworkConfig(depth=12, normalization="batch"), channels=1, height=8, classes=3)
    loss = nn.functional.cross_entropy(module(torch.rand(6, 8, 8)), torch.tensor([0, 1, 2, 0, 1, 2]))
    result = torch.autograd.grad(loss, list(module.parameters()), retain_graph=True)
    loss.backward()
    lengths = dict(zip([name for name, _ in module.named_parameters()], result, strict=True))
    groups = gradients.layers(module)
    for layer, norm in zip(groups, gradients.norms(list(groups.values())), strict=True):
        flattens = [grad.double().flatten() for name, grad in lengths.items() if name.rpartition(".")[0] == layer]
        assert norm == pytest.approx(torch.cat(flattens).norm().item(), rel=1e-6)


def test_half_precision_gradients_are_measured_in_full():
    parameter = nn.Parameter(torch.zeros(3, dtype=torch.bfloat16))
    parameter.grad = torch.full((3,), 1e-20, dtype=torch.bfloat16)
    assert gradients.norms([[parameter]])[0] == pytest.approx(3**0.5 * 1e-20, rel=1e-2)
