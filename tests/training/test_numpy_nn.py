"""NumPy training loop: events, resuming, early stopping and non-finite losses, without torch."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dlcore.core.errors import NotFiniteError
from dlcore.data.array_batches import ArrayBatches, RandomShift
from dlcore.models.numpy_nn import architectures
from dlcore.models.numpy_nn.layers import SoftmaxCrossEntropy
from dlcore.models.numpy_nn.optimizers import Adam, NumpyOptimizer, Sgd
from dlcore.training.config import TrainingConfig
from dlcore.training.events import MEASURES, Epoch, Finished, Gradients, Step
from dlcore.training.numpy_nn import Check, NumpyTrainingState, fit

ROOT = Path(__file__).resolve().parents[2]
CONFIG = TrainingConfig(
    epochs=3, batch_size=16, learning_rate=0.01, schedule="one_cycle", clip_norm=1.0, gradient_every=2
)


def make_images(rows: int = 50) -> tuple[np.ndarray, np.ndarray]:
    """Return images (N, 4, 4) of bytes, bright in the row of their class, and targets (N,)."""
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 4, rows)
    pixels = rng.integers(0, 80, (rows, 4, 4)).astype(np.uint8)
    pixels[np.arange(rows), targets] += 120
    return pixels, targets


def start(
    config: TrainingConfig = CONFIG, rule: NumpyOptimizer | None = None
) -> tuple[NumpyTrainingState, ArrayBatches]:
    draw = architectures.WeightInitializer(np.random.default_rng(1))
    network = architectures.dense(draw, 16, [12, 6], 4, activation="relu", norm=True, dropout=0.2).train_only()
    batches = ArrayBatches(*make_images(), config.batch_size, seed=3, prepare=RandomShift(0.3, 0.2, shift=1))
    return NumpyTrainingState(network, rule or Adam(), config, steps_per_epoch=len(batches), seed=3), batches


def events(state: NumpyTrainingState, batches: ArrayBatches):
    def measure() -> dict[str, float]:
        pixels, targets = make_images()
        return {"validation_loss": SoftmaxCrossEntropy().forward(state.network.forward(pixels / 50.0 - 1.5), targets)}

    return fit(state, batches, loss=SoftmaxCrossEntropy(), check=Check(measure))


def test_events_match_fit():
    state, batches = start()
    emitted = list(events(state, batches))
    assert [event.epoch for event in emitted if isinstance(event, Epoch)] == [1, 2, 3]
    assert sum(event.samples for event in emitted if isinstance(event, Step) and event.step % 4 == 0) == 150
    assert isinstance(emitted[-1], Finished) and not emitted[-1].early and emitted[-1].step == 12
    recorded = [event for event in emitted if isinstance(event, Gradients)]
    assert [event.step for event in recorded] == [1, 2, 4, 6, 8, 10, 12]
    assert set(recorded[0].measures) == set(MEASURES)
    assert len(recorded[0].norms) == len(state.layers) == 5 and all(norm > 0 for norm in recorded[0].norms)
    losses = [event.metrics["train_loss"] for event in emitted if isinstance(event, Epoch)]
    assert losses[-1] < losses[0]
    assert state.best_epoch and set(state.best_weights) == set(state.arrays())


@pytest.mark.parametrize("rule", [lambda: Adam(decay=0.1, decoupled=True), lambda: Sgd(momentum=0.9, decay=0.01)])
def test_resuming_is_bitwise_identical(rule):
    uninterrupted, batches = start(rule=rule())
    list(events(uninterrupted, batches))
    count = sum(1 for _ in events(*start(rule=rule())))
    for stop in range(1, count, 3):
        state, batches = start(rule=rule())
        for number, _ in enumerate(events(state, batches), 1):
            if number == stop:
                break
        snapshot = state.snapshot()
        resumed, batches = start(rule=rule())
        resumed.restore(snapshot)
        list(events(resumed, batches))
        for name, array in uninterrupted.arrays().items():
            assert np.array_equal(array, resumed.arrays()[name]), (stop, name)
        assert resumed.best_epoch == uninterrupted.best_epoch and resumed.best_value == uninterrupted.best_value


def test_patience_stops_early():
    config = CONFIG.model_copy(update={"epochs": 50, "patience": 2, "learning_rate": 1e-7})
    state, batches = start(config)
    emitted = list(fit(state, batches, loss=SoftmaxCrossEntropy(), check=Check(lambda: {"validation_loss": 1.0})))
    assert emitted[-1] == Finished(state.step, 3, early=True)


def test_non_finite_loss_names_step_and_layer():
    state, batches = start()
    state.network.parameters["dense_2.weight"][0, 0] = np.inf
    with pytest.raises(NotFiniteError, match=r"step 1, layer 'dense_2': its weight"):
        list(events(state, batches))


def test_optimizers_match_torch():
    import torch

    pairs = [
        (Sgd(momentum=0.9, decay=0.1), lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.1)),
        (Adam(decay=0.1), lambda p: torch.optim.Adam(p, lr=0.05, weight_decay=0.1)),
        (Adam(decay=0.1, decoupled=True), lambda p: torch.optim.AdamW(p, lr=0.05, weight_decay=0.1)),
    ]
    rng = np.random.default_rng(0)
    for optimizer, build in pairs:
        w = rng.normal(size=(3, 4))
        twin = torch.nn.Parameter(torch.tensor(w))
        reference = build([twin])
        for _ in range(5):
            g = rng.normal(size=w.shape)
            optimizer.step({"w": w}, {"w": g}, 0.05)
            twin.grad = torch.tensor(g)
            reference.step()
        np.testing.assert_allclose(w, twin.detach().numpy(), rtol=1e-9)


def test_training_on_digits_does_not_import_torch():
    script = """
import sys
import numpy as np
from dlcore.data.images import images
from dlcore.data.array_batches import ArrayBatches, RandomShift
from dlcore.models.numpy_nn import architectures, layers, optimizers
from dlcore.training.numpy_nn import Check, NumpyTrainingState, fit
from dlcore.training.config import TrainingConfig
digits = images.load("digits")
scale = RandomShift(**images.mean_and_std(digits.pixels))
draw = architectures.WeightInitializer(np.random.default_rng(0))
network = architectures.dense(draw, 64, [64], 10, activation="relu", norm=True, dropout=0.0).train_only()
config = TrainingConfig(epochs=8, batch_size=32, learning_rate=0.01, gradient_every=0)
batches = ArrayBatches(digits.pixels, digits.labels, 32, seed=0, prepare=scale)
state = NumpyTrainingState(network, optimizers.Adam(), config, steps_per_epoch=len(batches), seed=0)
list(fit(state, batches, loss=layers.SoftmaxCrossEntropy(), check=Check(lambda: {"validation_loss": 0.0})))
scores = network.forward(scale(digits.test_pixels, None))
print((scores.argmax(axis=1) == digits.test_labels).mean() > 0.95, "torch" in sys.modules)
"""
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["True", "False"]
