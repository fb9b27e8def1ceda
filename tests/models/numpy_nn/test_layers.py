"""Layers compared with finite differences and autograd, in float64, on random shapes."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from dlcore.models.numpy_nn import convolution, layers
from dlcore.models.numpy_nn.recurrent import Recurrent

ROOT = Path(__file__).resolve().parents[3]
FEW = settings(max_examples=12, deadline=None, derandomize=True)
SIZES = {name: st.integers(1, 6) for name in ("n", "f", "d")}
SEED = st.integers(0, 10_000)
CLOSE = 1e-6


def draw(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng([seed, len(shape)]).normal(size=shape)


def away_from_zero(x: np.ndarray) -> np.ndarray:
    """Move values away from 0, so that no finite-difference step crosses a kink."""
    return x + 0.05 * np.sign(x)


def assert_close(actual: np.ndarray, expected: np.ndarray) -> None:
    """Compare arrays with a tolerance relative to the largest value."""
    assert actual.shape == expected.shape
    largest = max(np.abs(expected).max(initial=0), 1e-3)
    assert np.abs(actual - expected).max(initial=0) <= CLOSE * largest


def finite_differences(loss, array: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """Return the central differences of a loss with respect to `array`, which is restored afterwards."""
    gradient = np.empty_like(array)
    for at in np.ndindex(array.shape):
        value = array[at]
        array[at] = value + step
        above = loss()
        array[at] = value - step
        gradient[at] = (above - loss()) / (2 * step)
        array[at] = value
    return gradient


def check(layer, x: np.ndarray, twin=None, *, training: bool = False) -> None:
    """Compare a layer's gradients with finite differences and with `twin`, the same layer as a torch function."""

    def forward():
        return layer.forward(x, np.random.default_rng(0) if training else None)

    dy = draw(1, *forward().shape)

    def loss() -> float:
        buffers = {name: value.copy() for name, value in layer.buffers.items()}
        y = forward()
        for name, value in buffers.items():
            layer.buffers[name][...] = value
        return float((y * dy).sum())

    y = forward()
    dx = layer.backward(dy)
    gradients = dict(layer.gradients)
    assert_close(dx, finite_differences(loss, x))
    for name, parameter in layer.parameters.items():
        assert_close(gradients[name], finite_differences(loss, parameter))
    if twin is None:
        return
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in layer.parameters.items()}
    tx = torch.tensor(x, requires_grad=True)
    ty = twin(tx, **tensors)
    assert_close(y, ty.detach().numpy())
    ty.backward(torch.tensor(dy))
    assert_close(dx, tx.grad.numpy())
    for name, tensor in tensors.items():
        assert_close(gradients[name], tensor.grad.numpy())


@FEW
@given(**SIZES, seed=SEED)
def test_dense(n, f, d, seed):
    check(layers.Dense(draw(seed, d, f), draw(seed, d)), draw(seed + 1, n, f), functional.linear)
    check(layers.Dense(draw(seed, d, f)), draw(seed + 1, n, f), functional.linear)


@FEW
@given(n=SIZES["n"], f=SIZES["f"], seed=SEED)
@pytest.mark.parametrize(
    ("layer", "twin"), [(layers.Relu, torch.relu), (layers.Tanh, torch.tanh), (layers.Sigmoid, torch.sigmoid)]
)
def test_activations(layer, twin, n, f, seed):
    check(layer(), away_from_zero(draw(seed, n, f)), twin)


@FEW
@given(n=st.integers(2, 6), c=st.integers(1, 3), side=st.integers(1, 3), seed=SEED, flat=st.booleans())
@pytest.mark.parametrize("training", [True, False])
def test_batch_norm(n, c, side, seed, flat, training):
    x = draw(seed, n, c) if flat else draw(seed, n, c, side, side)
    if n * (1 if flat else side * side) < 4:
        x = np.concatenate([x, draw(seed + 5, *x.shape)])  # two values always normalize to +1 and -1
    layer = layers.BatchNorm(draw(seed + 1, c), draw(seed + 2, c))
    layer.buffers["running_var"][...] = 0.5 + draw(seed + 3, c) ** 2
    mean, variance = (torch.tensor(layer.buffers[name]) for name in ("running_mean", "running_var"))

    def twin(tx, weight, bias):
        return functional.batch_norm(tx, mean.clone(), variance.clone(), weight, bias, training=training)

    check(layer, x, twin, training=training)


def test_running_statistics_match_torch():
    layer, twin = layers.BatchNorm(np.ones(3), np.zeros(3)), torch.nn.BatchNorm1d(3, dtype=torch.float64)
    for seed in range(5):
        layer.forward(draw(seed, 7, 3), np.random.default_rng(0))
        twin(torch.tensor(draw(seed, 7, 3)))
    assert_close(layer.buffers["running_mean"], twin.running_mean.numpy())
    assert_close(layer.buffers["running_var"], twin.running_var.numpy())


@FEW
@given(n=SIZES["n"], f=SIZES["f"], seed=SEED)
def test_dropout(n, f, seed):
    check(layers.Dropout(0.4), draw(seed, n, f), training=True)
    check(layers.Dropout(0.4), draw(seed, n, f), lambda tx: tx)


def test_dropout_preserves_the_expected_value():
    y = layers.Dropout(0.25).forward(np.ones((400, 400)), np.random.default_rng(0))
    assert abs(y.mean() - 1) < 0.01 and set(np.unique(y)) == {0.0, 1 / 0.75}


@FEW
@given(
    n=st.integers(1, 3),
    c=st.integers(1, 3),
    out=st.integers(1, 3),
    side=st.integers(1, 3),
    more=st.integers(0, 3),
    padding=st.integers(0, 2),
    seed=SEED,
)
def test_convolution(n, c, out, side, more, padding, seed):
    layer = convolution.Convolution(draw(seed, out, c, side, side), draw(seed, out), padding=padding)

    def twin(tx, weight, bias):
        return functional.conv2d(tx, weight, bias, padding=padding)

    check(layer, draw(seed + 1, n, c, side + more, side + more + 1), twin)


@FEW
@given(n=st.integers(1, 3), c=st.integers(1, 3), h=st.integers(2, 7), w=st.integers(2, 7), seed=SEED)
@pytest.mark.parametrize("side", [1, 2])
def test_max_pool(side, n, c, h, w, seed):
    x = np.random.default_rng(seed).permutation(n * c * h * w).reshape(n, c, h, w) / 10  # no ties
    check(convolution.MaxPool(side), x, lambda tx: functional.max_pool2d(tx, side))


@FEW
@given(n=SIZES["n"], k=st.integers(2, 6), seed=SEED, far=st.sampled_from([1.0, 30.0]))
def test_softmax_cross_entropy(n, k, seed, far):
    z, targets = draw(seed, n, k) * far, np.random.default_rng(seed).integers(0, k, n)
    loss = layers.SoftmaxCrossEntropy()
    value, dz = loss.forward(z, targets), None
    dz = loss.backward()
    tz = torch.tensor(z, requires_grad=True)
    tl = functional.cross_entropy(tz, torch.tensor(targets))
    tl.backward()
    assert value == pytest.approx(tl.item(), rel=1e-9, abs=1e-12)
    assert_close(dz, tz.grad.numpy())
    assert_close(dz, finite_differences(lambda: layers.SoftmaxCrossEntropy().forward(z, targets), z))
    np.testing.assert_allclose(loss.probabilities.sum(axis=1), 1)


@FEW
@given(n=st.integers(1, 4), t=st.integers(1, 7), f=st.integers(1, 4), d=st.integers(1, 4), seed=SEED)
def test_recurrent(n, t, f, d, seed):
    layer = Recurrent(draw(seed, d, f), draw(seed + 1, d, d), draw(seed + 2, d))

    def twin(tx, weight, recurrent, bias):
        h = torch.zeros(n, d, dtype=torch.float64)
        for step in range(t):
            h = torch.tanh(tx[:, step] @ weight.T + h @ recurrent.T + bias)
        return h

    check(layer, draw(seed + 3, n, t, f), twin)


def test_recurrent_states_and_gradients_match_torch():
    n, t, f, d = 3, 9, 4, 5
    twin = torch.nn.RNN(f, d, batch_first=True, dtype=torch.float64)
    weights = [value.detach().numpy() for value in (twin.weight_ih_l0, twin.weight_hh_l0)]
    layer = Recurrent(*weights, (twin.bias_ih_l0 + twin.bias_hh_l0).detach().numpy())
    x = draw(0, n, t, f)
    states, _ = twin(torch.tensor(x))
    states.retain_grad()
    dy = draw(1, n, d)
    assert_close(layer.forward(x), states[:, -1].detach().numpy())
    assert_close(layer.states[:, 1:], states.detach().numpy())
    layer.backward(dy)
    assert_close(layer.gradients["recurrent"], grad_of(twin.weight_hh_l0, states[:, -1], dy))
    cell, h, hidden = torch.tensor(layer.parameters["recurrent"]), torch.zeros(n, d, dtype=torch.float64), []
    for step in range(t):
        driven = torch.tensor(x[:, step] @ weights[0].T + layer.parameters["bias"])
        h = torch.tanh(driven + h @ cell.T).requires_grad_()
        h.retain_grad()
        hidden.append(h)
    h.backward(torch.tensor(dy))
    for step, state in enumerate(hidden):
        assert_close(layer.by_step[:, step], state.grad.numpy())


def grad_of(parameter, y, dy: np.ndarray) -> np.ndarray:
    return torch.autograd.grad(y, parameter, torch.tensor(dy), retain_graph=True)[0].numpy()


def test_package_imports_only_numpy():
    """Checks the import statements, and the modules loaded by importing the package in a new process."""
    files = sorted((ROOT / "dlcore/models/numpy_nn").glob("*.py"))
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                name = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
                known = {"numpy", *sys.stdlib_module_names}
                assert name.partition(".")[0] in known or name.startswith("dlcore.models.numpy_nn"), (path, name)
    names = [f"dlcore.models.numpy_nn.{path.stem}" for path in files if path.stem != "__init__"]
    assert len(names) >= 5
    script = (
        f"import sys, importlib\n[importlib.import_module(name) for name in {names}]\n"
        "print(sorted({'torch', 'pydantic', 'scipy', 'sklearn', 'pandas', 'jax'} & set(sys.modules)),"
        "sorted(name for name in sys.modules if name.startswith('dlcore.') and '.numpy_nn' not in name))"
    )
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[] ['dlcore.models']"
