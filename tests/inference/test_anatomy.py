"""Layer tables and graphs of networks, compared with PyTorch's own counts."""

import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from dlcore.inference import anatomy
from dlcore.inference.anatomy import BATCH
from dlcore.models.dense_autoencoder import DenseAutoencoder
from dlcore.models.vit import Vit, VitConfig


def parameters(module: nn.Module) -> int:
    return sum(part.numel() for part in module.parameters())


def test_autoencoder_layers_and_operations():
    result = anatomy.analyze(DenseAutoencoder(1000, (512, 32)), (torch.rand(BATCH, 1000),))
    dense = [layer for layer in result.layers if layer.kind == "Linear"]
    assert [layer.total for layer in dense] == [512_512, 16_416, 16_896, 513_000]
    assert [layer.biases for layer in dense] == [512, 32, 512, 1000]
    assert [layer.shape for layer in dense] == [(None, 512), (None, 32), (None, 512), (None, 1000)]
    assert result.parameters == 1_058_824
    assert result.multiply_adds == 2 * (1000 * 512 + 512 * 32)
    assert [operation.name for operation in result.operations] == [
        "input",
        "linear",
        "relu",
        "linear",
        "linear",
        "relu",
        "linear",
        "sigmoid",
    ]
    assert [operation.sources for operation in result.operations[1:]] == [(i,) for i in range(7)]


class Shared(nn.Module):
    """One layer called twice and added to its input, in place."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)
        self.scale = nn.Parameter(torch.ones(8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scaled = x * self.scale
        x = self.layer(self.layer(scaled))
        x += scaled
        return x.relu_()


def test_shared_layer_counts_once_and_skip_connections_are_edges():
    module = Shared()
    result = anatomy.analyze(module, (torch.rand(BATCH, 8),))
    assert result.parameters == parameters(module) == 80
    assert [operation.scope for operation in result.operations if operation.name == "linear"] == [
        ("layer",),
        ("layer (2)",),
    ]
    assert result.multiply_adds == 2 * 64
    named = {operation.name: operation for operation in result.operations}
    assert named["add"].sources == (3, 1) and named["relu"].sources == (4,)


MODULES = {
    "conv": (nn.Sequential(nn.Conv2d(2, 6, 3, groups=2, stride=2), nn.Flatten(), nn.Linear(6 * 49, 5)), (2, 16, 16)),
    "transposed": (nn.ConvTranspose1d(4, 6, 5, stride=2, groups=2), (4, 9)),
    "vit": (Vit(VitConfig(depth=2, width=32), channels=1, height=28, width=28, classes=10), (28, 28)),
    "transformer": (
        nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), 2, enable_nested_tensor=False),
        (7, 16),
    ),
}


@pytest.mark.parametrize("name", MODULES)
def test_multiply_adds_match_pytorch(name):
    module, shape = MODULES[name]
    module.eval()
    result = anatomy.analyze(module, (torch.rand(BATCH, *shape),))
    counter = FlopCounterMode(display=False)
    with counter, sdpa_kernel(SDPBackend.MATH):  # the counter knows no formula for the fused attention on a CPU
        module(torch.rand(1, *shape))
    assert result.multiply_adds == counter.get_total_flops() // 2 > 0
    assert result.parameters == parameters(module)
    assert sum(operation.weights + operation.biases for operation in result.operations) == parameters(module)


def test_multiply_adds_of_an_lstm_match_its_formula():
    module = nn.LSTM(5, 7, num_layers=2, bidirectional=True, batch_first=True)
    result = anatomy.analyze(nn.Sequential(module), (torch.rand(BATCH, 11, 5),))
    weights = sum(p.numel() for p in module.parameters() if p.dim() == 2)
    assert (result.layers[0].weights, result.layers[0].biases) == (weights, parameters(module) - weights)
    assert result.multiply_adds == 11 * weights


def test_module_is_restored_after_an_error():
    module = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(5, 2)).train()
    fast = torch.backends.mha.get_fastpath_enabled()
    with pytest.raises(RuntimeError):
        anatomy.analyze(module, (torch.rand(BATCH, 3),))
    assert module.training and all(not part._forward_hooks and not part._forward_pre_hooks for part in module.modules())
    assert torch.backends.mha.get_fastpath_enabled() == fast
