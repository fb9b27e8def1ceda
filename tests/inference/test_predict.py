import pytest
import torch
from torch import nn

from dlcore.inference import predict


@pytest.fixture
def module() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))


def batches(x: torch.Tensor, y: torch.Tensor, size: int) -> list[predict.Batch]:
    return [((x[i : i + size],), y[i : i + size]) for i in range(0, len(x), size)]


def test_batched_outputs_equal_one_pass(module):
    x, y = torch.rand(23, 4), torch.arange(23)
    outputs, targets = predict.predict_outputs(module, batches(x, y, 5))
    module.eval()
    torch.testing.assert_close(outputs, module(x))
    assert torch.equal(targets, y) and not outputs.requires_grad


def test_prediction_does_not_change_the_module(module):
    module.train()
    module[2].eval()  # one submodule in evaluation mode
    before = {name: value.clone() for name, value in module.state_dict().items()}
    predict.predict_outputs(module, batches(torch.rand(9, 4), torch.zeros(9), 4))
    predict.forward_batch(module, torch.rand(1, 4))
    assert module.training and module[0].training and not module[2].training
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert torch.is_grad_enabled() and all(parameter.grad is None for parameter in module.parameters())


def test_training_mode_is_restored_after_an_error(module):
    with pytest.raises(RuntimeError):
        predict.forward_batch(module, torch.rand(1, 5))
    assert module.training and torch.is_grad_enabled()


def test_half_precision_outputs_are_float32():
    module = nn.Linear(4, 3).bfloat16()
    assert predict.forward_batch(module, torch.rand(2, 4).bfloat16()).dtype == torch.float32
