"""Moving average of the weights and recalibrated batch norms."""

import io
from itertools import islice

import numpy as np
import torch
from torch import nn

from dlcore.core import seeds
from dlcore.data.batches import Batches
from dlcore.data.splits import Split
from dlcore.runs.accelerator import connect
from dlcore.training.averaging import moving_average, recalibrate_norms
from dlcore.training.config import TrainingConfig
from dlcore.training.events import Epoch
from dlcore.training.fit import Objective, Validation, fit
from dlcore.training.state import TrainingState, load_snapshot

ROWS = torch.randn(40, 4, generator=torch.Generator().manual_seed(1)) * 3 + 1
SPLIT = Split((ROWS,), (ROWS.sum(1) > 4).long(), np.arange(40))


def start(**settings):
    seeds.seed_everything(3)
    config = TrainingConfig(epochs=3, batch_size=8, learning_rate=0.05, **settings)
    batches = Batches(SPLIT, 8, seed=3)
    network = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2))
    return TrainingState(network, config, steps_per_epoch=5, fabric=connect("cpu")), batches


def run(state, batches):
    rule = Validation(
        lambda module: {"validation_loss": float(nn.functional.cross_entropy(module(ROWS), SPLIT.targets))}
    )
    return fit(state, batches, objective=Objective(nn.functional.cross_entropy), validation=rule)


def test_moving_average_follows_the_formula_for_weights_and_buffers():
    module = nn.BatchNorm1d(2)
    average = moving_average(module, 0.5)
    expected = None
    for step, value in enumerate((1.0, 5.0, 2.0)):
        with torch.no_grad():
            module.weight.fill_(value)
            module.running_mean.fill_(10 * value)
            module.num_batches_tracked.fill_(step)
        average.update_parameters(module)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = value if expected is None else decay * expected + (1 - decay) * value
    assert torch.allclose(average.module.weight, torch.full((2,), expected))
    assert torch.allclose(average.module.running_mean, torch.full((2,), 10 * expected))
    assert average.module.num_batches_tracked == 2


def test_the_average_is_validated_and_kept_and_does_not_change_training():
    plain, batches = start()
    plain_losses = [e.metrics for e in run(plain, batches) if isinstance(e, Epoch)]
    state, batches = start(ema=0.9)
    losses = [e.metrics for e in run(state, batches) if isinstance(e, Epoch)]
    assert [m["train_loss"] for m in losses] == [m["train_loss"] for m in plain_losses]
    assert [m["validation_loss"] for m in losses] != [m["validation_loss"] for m in plain_losses]
    for name, value in plain.module.state_dict().items():
        assert torch.equal(value, state.module.state_dict()[name])
    state.load_best()
    with torch.no_grad():
        loss = nn.functional.cross_entropy(state.module.eval()(ROWS), SPLIT.targets)
    assert float(loss) == losses[state.best_epoch - 1]["validation_loss"]


def test_resuming_with_average_and_recalibration_is_bitwise_identical():
    settings = {"ema": 0.9, "recalibrate_norms": 3}
    whole, batches = start(**settings)
    list(run(whole, batches))
    first, batches = start(**settings)
    list(islice(run(first, batches), 9))
    file = io.BytesIO()
    torch.save(first.snapshot(), file)
    file.seek(0)
    second, batches = start(**settings)
    torch.rand(17)
    second.restore(load_snapshot(file))
    list(run(second, batches))
    for expected, module in ((whole.module, second.module), (whole.evaluated, second.evaluated)):
        assert all(
            torch.equal(a, b) for a, b in zip(expected.state_dict().values(), module.state_dict().values(), strict=True)
        )
    assert all(torch.equal(value, second.best_weights[name]) for name, value in whole.best_weights.items())


def test_recalibrated_norms_have_the_statistics_of_the_batches():
    module = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5))
    module[0].running_mean.fill_(99.0)
    seeds.seed_everything(5)
    expected = torch.rand(2)
    seeds.seed_everything(5)
    recalibrate_norms(module.eval(), (((part,), part) for part in ROWS.split(8)), 4)
    assert torch.equal(torch.rand(2), expected) and not module.training
    assert torch.allclose(module[0].running_mean, ROWS[:32].mean(0), atol=1e-5)
    variance = torch.stack([part.var(0) for part in ROWS[:32].split(8)]).mean(0)
    assert torch.allclose(module[0].running_var, variance, atol=1e-5) and module[0].momentum == 0.1


def test_frozen_norms_are_not_recalibrated():
    class Frozen(nn.BatchNorm1d):
        def train(self, mode=True):
            return super().train(False)

    module = Frozen(4)
    module.running_mean.fill_(2.0)
    recalibrate_norms(module, [((ROWS,), ROWS)], 1)
    assert module.running_mean.tolist() == [2.0] * 4
