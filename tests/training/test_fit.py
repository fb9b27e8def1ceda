"""The training loop: events, resuming, early stopping and non-finite losses."""

import io
import math
from itertools import islice

import numpy as np
import pytest
import torch
from torch import nn

from dlcore.core import seeds
from dlcore.core.errors import NotFiniteError, OutOfMemoryError
from dlcore.data.batches import Batches
from dlcore.data.splits import Split
from dlcore.runs.accelerator import connect
from dlcore.training import gradients, schedules
from dlcore.training.config import TrainingConfig
from dlcore.training.events import MEASURES, Epoch, Finished, Gradients, Step
from dlcore.training.fit import Objective, Validation, fit
from dlcore.training.state import TrainingState, load_snapshot

ROWS = 70


def split():
    rows = torch.randn(ROWS, 4, generator=torch.Generator().manual_seed(1))
    return Split((rows,), (rows.sum(1) > 0).long(), np.arange(ROWS))


def network():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2))


def find_correct(outputs, targets):
    return outputs.argmax(1) == targets


OBJECTIVE = Objective(nn.functional.cross_entropy, find_correct)


def start(seed=3, data=None, **settings):
    config = TrainingConfig(**{"epochs": 4, "batch_size": 16, "gradient_every": 3, **settings})
    seeds.seed_everything(seed)
    batches = Batches(data or split(), config.batch_size, seed=seed)
    state = TrainingState(network(), config, steps_per_epoch=len(batches), fabric=connect("cpu"))
    return state, batches


def measure(module):
    rows = split()
    return {"validation_loss": float(nn.functional.cross_entropy(module(*rows.inputs), rows.targets))}


def events(state, batches, **rule):
    return fit(state, batches, objective=OBJECTIVE, validation=Validation(measure, **rule))


def test_every_step_and_epoch_is_reported_once():
    state, batches = start()
    emitted = list(events(state, batches))
    steps = [e.step for e in emitted if isinstance(e, Step)]
    assert steps == list(range(1, 4 * 5 + 1))
    assert [e.epoch for e in emitted if isinstance(e, Epoch)] == [1, 2, 3, 4]
    assert [e.step for e in emitted if isinstance(e, Gradients)] == [1, 3, 6, 9, 12, 15, 18]
    assert emitted[-1] == Finished(20, 4, early=False)
    last = [e for e in emitted if isinstance(e, Epoch)][-1]
    assert set(last.metrics) == {"train_loss", "train_accuracy", "validation_loss"}
    assert [e.samples for e in emitted if isinstance(e, Step)][:5] == [16, 32, 48, 64, 70]


def test_train_loss_is_the_mean_over_samples_not_over_batches():
    state, batches = start(epochs=1)
    emitted = list(events(state, batches))
    steps = [e for e in emitted if isinstance(e, Step)]
    sizes = np.diff([0, *[e.samples for e in steps]])
    mean = float(np.dot(sizes, [e.loss for e in steps]) / ROWS)
    assert next(e for e in emitted if isinstance(e, Epoch)).metrics["train_loss"] == pytest.approx(mean, abs=1e-9)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
@pytest.mark.parametrize("schedule", ["constant", "one_cycle"])
@pytest.mark.parametrize("cut", [1, 7, 8, 12, 23])
def test_resuming_is_bitwise_identical(optimizer, schedule, cut):
    settings = {"optimizer": optimizer, "schedule": schedule, "clip_norm": 1.0}
    straight, batches = start(**settings)
    whole = list(events(straight, batches))

    first, batches = start(**settings)
    before = list(islice(events(first, batches), cut))
    file = io.BytesIO()
    torch.save(first.snapshot(), file)
    file.seek(0)
    seeds.seed_everything(999)
    second, batches = start(seed=3, **settings)
    torch.rand(17)  # a new process has another generator state
    second.restore(load_snapshot(file))
    after = list(events(second, batches))

    assert [strip(e) for e in before + after] == [strip(e) for e in whole]
    for weight, other in zip(straight.module.state_dict().values(), second.module.state_dict().values(), strict=True):
        assert torch.equal(weight, other)
    for name, tensor in straight.best_weights.items():
        assert torch.equal(tensor, second.best_weights[name])
    assert [bits.tolist() for bits in straight.epoch_correct] == [bits.tolist() for bits in second.epoch_correct]
    assert len(second.epoch_correct) == 4


def strip(event):
    """Return the event without its time."""
    fields = {name: getattr(event, name) for name in event.__slots__ if name != "seconds"}
    return type(event).__name__, fields


def test_early_stopping_restores_the_best_epoch():
    state, batches = start(epochs=50, patience=2)
    values = iter([3.0, 1.0, 2.0, 4.0, 0.5])
    weights = []

    def measure(module):
        weights.append({k: v.clone() for k, v in module.state_dict().items()})
        return {"validation_loss": next(values)}

    emitted = list(fit(state, batches, objective=OBJECTIVE, validation=Validation(measure)))
    assert [e.is_best for e in emitted if isinstance(e, Epoch)] == [True, True, False, False]
    assert emitted[-1] == Finished(20, 4, early=True)
    assert (state.best_epoch, state.best_value) == (2, 1.0)
    state.load_best()
    assert all(torch.equal(v, weights[1][k]) for k, v in state.module.state_dict().items())


def test_metric_can_be_maximized():
    state, batches = start(epochs=3)
    values = iter([0.2, 0.9, 0.5])
    rule = Validation(lambda _: {"validation_accuracy": next(values)}, "validation_accuracy", "max")
    list(fit(state, batches, objective=OBJECTIVE, validation=rule))
    assert state.best_epoch == 2


def test_gradient_norms_equal_autograd():
    module = network().double()
    rows = torch.randn(8, 4, dtype=torch.float64)
    module(rows).square().sum().backward()
    norms = gradients.norms(list(gradients.layers(module).values()))
    expected = [
        math.sqrt(sum(p.grad.square().sum().item() for p in layer.parameters())) for layer in (module[0], module[3])
    ]
    assert list(gradients.layers(module)) == ["0", "3"]
    assert norms == pytest.approx(expected, rel=1e-12)


def test_tiny_network_is_probed_at_every_fifth_recorded_step():
    state, batches = start(gradient_every=1)
    recorded = [e for e in events(state, batches) if isinstance(e, Gradients)]
    assert [e.step for e in recorded] == list(range(1, 21))
    assert [e.step for e in recorded if e.measures] == [1, 5, 10, 15, 20]
    assert set(recorded[0].measures) == set(MEASURES)


def test_layer_without_a_gradient_has_norm_zero():
    module = nn.ModuleDict({"used": nn.Linear(2, 2), "idle": nn.Linear(2, 2)})
    module["used"](torch.ones(1, 2)).sum().backward()
    assert gradients.norms(list(gradients.layers(module).values()))[1] == 0.0


def test_nan_in_the_data_names_the_input():
    data = split()
    data.inputs[0][5, 2] = float("nan")
    state, batches = start(data=data)
    with pytest.raises(NotFiniteError) as caught:
        list(events(state, batches))
    order = torch.randperm(ROWS, generator=seeds.generator(3, 1)).tolist()
    assert caught.value.step == order.index(5) // 16 + 1
    assert caught.value.layer == "input"


def test_overflow_names_step_and_layer():
    state, batches = start()
    with torch.no_grad():
        state.module[0].weight.fill_(3e38)
    with pytest.raises(NotFiniteError) as caught:
        list(events(state, batches))
    assert (caught.value.step, caught.value.layer) == (1, "0")
    assert "step 1" in str(caught.value) and "layer '0'" in str(caught.value)


def test_divergence_names_the_layer():
    state, batches = start(optimizer="sgd", learning_rate=10.0, epochs=200, momentum=0.999)
    objective = Objective(lambda outputs, targets: outputs.square().square().mean())
    with pytest.raises(NotFiniteError) as caught:
        list(fit(state, batches, objective=objective, validation=Validation(measure)))
    assert caught.value.step > 1
    assert caught.value.layer in ("0", "1", "3")


def test_out_of_memory_suggests_half_the_batch():
    state, batches = start()

    def greedy(outputs, targets):
        return torch.empty(2**60)

    with pytest.raises(OutOfMemoryError, match="batch_size=8"):
        list(fit(state, batches, objective=Objective(greedy), validation=Validation(measure)))


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle", "step"])
def test_learning_rates_stay_between_zero_and_the_peak(schedule):
    config = TrainingConfig(schedule=schedule, learning_rate=0.1)
    rates = [schedules.learning_rate(config, step, 100) for step in range(1, 101)]
    assert all(0 < rate <= 0.1 + 1e-12 for rate in rates)
    assert max(rates) == pytest.approx(0.1, rel=0.05)


def test_cosine_schedule_matches_torch():
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    rule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50)
    config = TrainingConfig(schedule="cosine", learning_rate=0.1)
    for step in range(1, 51):
        assert schedules.learning_rate(config, step, 50) == pytest.approx(rule.get_last_lr()[0], rel=1e-6)
        optimizer.step()
        rule.step()


def test_mixed_precision_trains_and_can_be_saved():
    state, batches = start(precision="bf16-mixed", epochs=2)
    emitted = list(events(state, batches))
    assert emitted[-1] == Finished(10, 2, early=False)
    assert state.snapshot()["progress"]["step"] == 10
