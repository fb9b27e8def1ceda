"""Probes of training steps: measures compared with direct computation; outputs are unchanged."""

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


def probe_step(module: nn.Module, x: torch.Tensor, *, rate: float = 0.1) -> tuple[dict, dict]:
    """Probe one SGD step; return measures by layer and the weights before it."""
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


def test_activations_are_measured_after_norm_and_activation():
    module = small()
    with torch.no_grad():
        module[1].bias[2] = -1e6  # a dead channel
        after = copy.deepcopy(module)[:3](X)
    measures, _ = probe_step(module, X)
    assert measures["activation_mean"]["0"] == pytest.approx(after.mean().item(), rel=1e-4)
    assert measures["activation_variance"]["0"] == pytest.approx(after.var(correction=0).item(), rel=1e-4)
    assert measures["dead_units"]["0"] == pytest.approx(1 / 6)
    assert (
        measures["dead_units"]["1"] is None and measures["dead_units"]["4"] is None
    )  # batch norm; a layer followed by tanh
    assert measures["activation_mean"]["1"] < -1e5  # output of the norm, not of the activation
    assert measures["activation_variance"]["4"] <= 1


def test_update_ratio_is_the_norm_of_the_change_over_the_norm():
    module = small()
    measures, before = probe_step(module, X)
    now = module.state_dict()
    for layer, names in {"0": ["0.weight"], "4": ["4.weight", "4.bias"]}.items():
        change = torch.cat([(now[name] - before[name]).flatten() for name in names]).norm()
        length = torch.cat([before[name].flatten() for name in names]).norm()
        assert measures["update_ratio"][layer] == pytest.approx((change / length).item(), rel=1e-5)


def test_dead_units_of_dense_layers_are_features():
    module = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
    with torch.no_grad():
        module[0].bias[:3] = -1e3
    measures, _ = probe_step(module, torch.randn(16, 4))
    assert measures["dead_units"]["0"] == pytest.approx(3 / 8)


def test_zero_layer_has_no_update_ratio():
    module = nn.Sequential(nn.Linear(2, 2, bias=False))
    nn.init.zeros_(module[0].weight)
    measures, _ = probe_step(module, torch.ones(1, 2))
    assert measures["update_ratio"]["0"] is None


def test_recurrent_layers_and_bare_parameters_are_supported():
    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.shift = nn.LSTM(3, 4, batch_first=True), nn.Parameter(torch.ones(4))

        def forward(self, x):
            return self.lstm(x)[0] + self.shift

    measures, _ = probe_step(Reader(), torch.randn(2, 5, 3))
    assert measures["activation_mean"]["shift"] is None and measures["activation_mean"]["lstm"] is not None


def test_hooks_are_removed_and_outputs_unchanged():
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


def test_gradient_norms_of_a_deep_network_match_autograd():
    torch.manual_seed(0)
    module = DeepNetwork(DeepNetworkConfig(depth=12, normalization="batch"), channels=1, height=8, classes=3)
    loss = nn.functional.cross_entropy(module(torch.rand(6, 8, 8)), torch.tensor([0, 1, 2, 0, 1, 2]))
    grads = torch.autograd.grad(loss, list(module.parameters()), retain_graph=True)
    loss.backward()
    by_name = dict(zip([name for name, _ in module.named_parameters()], grads, strict=True))
    groups = gradients.layers(module)
    for layer, norm in zip(groups, gradients.norms(list(groups.values())), strict=True):
        parts = [grad.double().flatten() for name, grad in by_name.items() if name.rpartition(".")[0] == layer]
        assert norm == pytest.approx(torch.cat(parts).norm().item(), rel=1e-6)


def test_half_precision_gradient_norms_use_float32():
    parameter = nn.Parameter(torch.zeros(3, dtype=torch.bfloat16))
    parameter.grad = torch.full((3,), 1e-20, dtype=torch.bfloat16)
    assert gradients.norms([[parameter]])[0] == pytest.approx(3**0.5 * 1e-20, rel=1e-2)
