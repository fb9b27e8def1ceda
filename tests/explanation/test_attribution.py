import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dlcore.core.errors import RequestError
from dlcore.explanation.attribution import METHODS, attribute
from dlcore.models.base_lstm import BaseLstm, BaseLstmConfig
from dlcore.models.conv_autoencoder import ConvAutoencoder, ConvAutoencoderConfig
from dlcore.models.dense_classifier import DenseClassifier, DenseClassifierConfig


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def dense() -> nn.Module:
    return DenseClassifier(DenseClassifierConfig(dropout=0.3, batch_norm=True), features=36, classes=4)


def lstm() -> nn.Module:
    return BaseLstm(BaseLstmConfig(embedding=8, hidden=10), vocabulary=40, classes=2)


def ids() -> Tensor:
    ids = torch.randint(1, 40, (3, 12), dtype=torch.int32)
    ids[1, 5:] = 0
    return ids


def error(inputs: Tensor, outputs: Tensor) -> Tensor:
    """What an autoencoder does not rebuild."""
    return (inputs - outputs).square().flatten(1).mean(dim=1)


CASES = {
    "image": (dense, lambda: torch.rand(3, 6, 6), 2),
    "text": (lstm, ids, 1),
    "series": (lambda: ConvAutoencoder(ConvAutoencoderConfig()), lambda: torch.rand(3, 1, 24), error),
}


@pytest.mark.parametrize("name", CASES)
def test_integrated_gradients_are_complete(name):
    build, make, target = CASES[name]
    module, inputs = build().eval(), make()
    result = attribute(module, inputs, target, steps=200)
    assert result.values.shape == tuple(inputs.shape) and np.isfinite(result.values).all()
    total = result.values.reshape(3, -1).sum(axis=1)
    gap = result.output - result.baseline_output
    np.testing.assert_allclose(total, gap, atol=2e-3)
    np.testing.assert_allclose(result.delta, total - gap, atol=1e-5)
    assert np.abs(gap).max() > 1e-3  # else there was nothing to explain


@pytest.mark.parametrize("name", CASES)
def test_the_output_explained_is_the_modules_own(name):
    build, make, target = CASES[name]
    module, inputs = build().eval(), make()
    outputs = module(inputs)
    expected = outputs[:, target] if isinstance(target, int) else target(inputs, outputs)
    result = attribute(module, inputs, target)
    np.testing.assert_allclose(result.output, expected.detach().numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", CASES)
def test_module_is_neither_changed_nor_hooked_nor_trained(name, method):
    build, make, target = CASES[name]
    module = build().train()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    inputs = make()
    clone = inputs.clone()
    with torch.no_grad():  # as inference code may call it
        attribute(module, inputs, target, method=method, steps=8)
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    for part in module.modules():
        assert part.training and not part._forward_hooks and not part._forward_pre_hooks and not part._backward_hooks
    assert all(parameter.grad is None and parameter.requires_grad for parameter in module.parameters())
    assert torch.equal(inputs, clone) and not inputs.requires_grad


def test_a_linear_model_is_explained_exactly():
    """For f(x) = w.x + b: attribution w_i (x_i - b_i), gradient w_i, input x gradient w_i x_i."""
    module, x, floor = nn.Linear(5, 2), torch.rand(4, 5), torch.rand(1, 5)
    w = module.weight[1].detach().numpy()
    whole = attribute(module, x, 1, baseline=floor)
    np.testing.assert_allclose(whole.values, w * (x - floor).numpy(), atol=1e-6)
    np.testing.assert_allclose(attribute(module, x, 1, method="gradients").values, np.tile(w, (4, 1)), atol=1e-6)
    product = attribute(module, x, 1, method="input_x_gradient")
    np.testing.assert_allclose(product.values, w * x.numpy(), atol=1e-6)
    assert product.delta is None


def test_ids_agree_with_captums_own_layer_attribution():
    """Against LayerIntegratedGradients, on rows without padding, where both start from the same baseline."""
    from captum.attr import LayerIntegratedGradients

    module, inputs = lstm().eval(), torch.randint(1, 40, (2, 9))
    floor = torch.full_like(inputs, 1)
    theirs = LayerIntegratedGradients(lambda x: module(x)[:, 1], module.embedding).attribute(
        inputs, baselines=floor, n_steps=64
    )
    ours = attribute(module, inputs, 1, baseline=floor, steps=64)
    np.testing.assert_allclose(ours.values, theirs.sum(dim=-1).detach().numpy(), atol=1e-5)


def test_padding_gets_nothing():
    inputs = ids()
    result = attribute(lstm(), inputs, 1)
    assert np.abs(result.values[inputs.numpy() == 0]).max() == 0
    assert (np.abs(result.values[inputs.numpy() != 0]) > 0).all()


def test_ablation_takes_out_what_a_linear_model_gives():
    """For f(x) = w.x + b without interaction, taking a part out costs exactly what it adds."""
    module, x, floor = nn.Linear(6, 2), torch.rand(3, 6), torch.rand(1, 6)
    alone = attribute(module, x, 1, baseline=floor, method="feature_ablation")
    added = module.weight[1].detach().numpy() * (x - floor).numpy()
    np.testing.assert_allclose(alone.values, added, atol=1e-6)
    assert alone.delta is None
    blocks = torch.tensor([[0, 0, 1, 1, 1, 2]])
    together = attribute(module, x, 1, baseline=floor, method="feature_ablation", blocks=blocks).values
    for block in range(3):
        inside = (blocks[0] == block).numpy()
        whole = np.repeat(added[:, inside].sum(axis=1, keepdims=True), inside.sum(), axis=1)
        np.testing.assert_allclose(together[:, inside], whole, atol=1e-6)


def test_ablation_of_a_word_is_the_answer_without_it():
    module, inputs = lstm().eval(), torch.randint(1, 40, (1, 7), dtype=torch.int32)
    floor = torch.full_like(inputs, 1)
    result = attribute(module, inputs, 1, baseline=floor, method="feature_ablation")
    assert result.values.shape == (1, 7)
    without = inputs.clone()
    without[0, 3] = 1
    gap = (module(inputs) - module(without))[0, 1].item()
    assert result.values[0, 3] == pytest.approx(gap, abs=1e-6)


class Gated(nn.Module):
    """Adds up its first input where the second says so."""

    def forward(self, x, gate):
        return (x * gate).sum(dim=1, keepdim=True)


@pytest.mark.parametrize("method", METHODS)
def test_further_inputs_are_held_as_they_are(method):
    x, gate = torch.rand(2, 5), torch.tensor([[1, 0, 1, 0, 1], [0, 0, 0, 1, 1]])
    result = attribute(Gated(), (x, gate), 0, method=method, steps=8)
    values = gate.numpy() * (x.numpy() if method != "gradients" else 1)
    np.testing.assert_allclose(result.values, values, atol=1e-6)


def test_ids_without_an_embedding_are_refused():
    with pytest.raises(RequestError, match="this one has 0"):
        attribute(nn.Linear(3, 2), torch.ones(1, 3, dtype=torch.int32), 0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here: cuDNN's backward pass is not tried")
def test_recurrent_layers_on_a_gpu_and_the_flag_is_put_back():
    result = attribute(lstm().cuda(), ids(), 1, steps=100)
    np.testing.assert_allclose(result.values.sum(axis=1), result.output - result.baseline_output, atol=5e-3)
    assert torch.backends.cudnn.enabled
