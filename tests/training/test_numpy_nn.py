"""Training by hand: the events of `fit`, bitwise resume anywhere, errors in words; without torch."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dlcore.core.errors import NotFiniteError
from dlcore.data.array_batches import ArrayBatches, Shifted
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


def blobs(rows: int = 50) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (N, 4, 4) of bytes, bright in the row of their class."""
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 4, rows)
    pixels = rng.integers(0, 80, (rows, 4, 4)).astype(np.uint8)
    pixels[np.arange(rows), targets] += 120
    return pixels, targets


def started(
    config: TrainingConfig = CONFIG, rule: NumpyOptimizer | None = None
) -> tuple[NumpyTrainingState, ArrayBatches]:
    draw = architectures.WeightInitializer(np.random.default_rng(1))
    network = architectures.dense(draw, 16, [12, 6], 4, activation="relu", norm=True, dropout=0.2).train_only()
    batches = ArrayBatches(*blobs(), config.batch_size, seed=3, prepare=Shifted(0.3, 0.2, shift=1))
    return NumpyTrainingState(network, rule or Adam(), config, steps_per_epoch=len(batches), seed=3), batches


def events(state: NumpyTrainingState, batches: ArrayBatches):
    def measure() -> dict[str, float]:
        pixels, targets = blobs()
        return {"validation_loss": SoftmaxCrossEntropy().forward(state.network.forward(pixels / 50.0 - 1.5), targets)}

    return fit(state, batches, loss=SoftmaxCrossEntropy(), check=Check(measure))


def test_events_are_those_of_fit():
    state, batches = started()
    items = list(events(state, batches))
    assert [event.epoch for event in items if isinstance(event, Epoch)] == [1, 2, 3]
    assert sum(event.samples for event in items if isinstance(event, Step) and event.step % 4 == 0) == 150
    assert isinstance(items[-1], Finished) and not items[-1].early and items[-1].step == 12
    result = [event for event in items if isinstance(event, Gradients)]
    assert [event.step for event in result] == [1, 2, 4, 6, 8, 10, 12]
    assert set(result[0].measures) == set(MEASURES)
    assert len(result[0].norms) == len(state.layers) == 5 and all(norm > 0 for norm in result[0].norms)
    losses = [event.metrics["train_loss"] for event in items if isinstance(event, Epoch)]
    assert losses[-1] < losses[0]
    assert state.best_epoch and set(state.best_weights) == set(state.arrays())


@pytest.mark.parametrize("rule", [lambda: Adam(decay=0.1, decoupled=True), lambda: Sgd(momentum=0.9, decay=0.01)])
def test_left_off_at_any_event_and_gone_on_elsewhere_is_bitwise_the_same(rule):
    straight, batches = started(rule=rule())
    list(events(straight, batches))
    count = sum(1 for _ in events(*started(rule=rule())))
    for stop in range(1, count, 3):
        state, batches = started(rule=rule())
        for number, _ in enumerate(events(state, batches), 1):
            if number == stop:
                break
        snapshot = state.snapshot()
        again, batches = started(rule=rule())
        again.restore(snapshot)
        list(events(again, batches))
        for name, array in straight.arrays().items():
            assert np.array_equal(array, again.arrays()[name]), (stop, name)
        assert again.best_epoch == straight.best_epoch and again.best_value == straight.best_value


def test_patience_ends_it_early():
    config = CONFIG.model_copy(update={"epochs": 50, "patience": 2, "learning_rate": 1e-7})
    state, batches = started(config)
    items = list(fit(state, batches, loss=SoftmaxCrossEntropy(), check=Check(lambda: {"validation_loss": 1.0})))
    assert items[-1] == Finished(state.step, 3, early=True)


def test_a_loss_that_is_no_number_names_step_and_layer():
    state, batches = started()
    state.network.parameters["dense_2.weight"][0, 0] = np.inf
    with pytest.raises(NotFiniteError, match=r"step 1, layer 'dense_2': its weight"):
        list(events(state, batches))


def test_optimizers_are_torchs():
    import torch

    pairs = [
        (Sgd(momentum=0.9, decay=0.1), lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.1)),
        (Adam(decay=0.1), lambda p: torch.optim.Adam(p, lr=0.05, weight_decay=0.1)),
        (Adam(decay=0.1, decoupled=True), lambda p: torch.optim.AdamW(p, lr=0.05, weight_decay=0.1)),
    ]
    rng = np.random.default_rng(0)
    for result, make in pairs:
        w = rng.normal(size=(3, 4))
        twin = torch.nn.Parameter(torch.tensor(w))
        theirs = make([twin])
        for _ in range(5):
            g = rng.normal(size=w.shape)
            result.step({"w": w}, {"w": g}, 0.05)
            twin.grad = torch.tensor(g)
            theirs.step()
        np.testing.assert_allclose(w, twin.detach().numpy(), rtol=1e-9)


def test_digits_are_learnt_in_a_process_that_never_loads_torch():
    script = """
import sys
import numpy as np
from dlcore.data.images import images
from dlcore.data.array_batches import ArrayBatches, Shifted
from dlcore.models.numpy_nn import architectures, layers, optimizers
from dlcore.training.numpy_nn import Check, NumpyTrainingState, fit
from dlcore.training.config import TrainingConfig
found = images.load("digits")
scale = Shifted(**images.mean_and_std(found.pixels))
draw = architectures.WeightInitializer(np.random.default_rng(0))
network = architectures.dense(draw, 64, [64], 10, activation="relu", norm=True, dropout=0.0).train_only()
config = TrainingConfig(epochs=8, batch_size=32, learning_rate=0.01, gradient_every=0)
batches = ArrayBatches(found.pixels, found.labels, 32, seed=0, prepare=scale)
state = NumpyTrainingState(network, optimizers.Adam(), config, steps_per_epoch=len(batches), seed=0)
list(fit(state, batches, loss=layers.SoftmaxCrossEntropy(), check=Check(lambda: {"validation_loss": 0.0})))
scores = network.forward(scale(found.test_pixels, None))
print((scores.argmax(axis=1) == found.test_labels).mean() > 0.95, "torch" in sys.modules)
"""
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["True", "False"]
