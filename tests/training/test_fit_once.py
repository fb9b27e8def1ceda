"""The training loop of models without trainable weights."""

import torch
from torch import nn

from dlcore.training.config import TrainingConfig
from dlcore.training.events import Epoch, Finished
from dlcore.training.fit import Validation
from dlcore.training.fit_once import FitOnce

VALIDATION = Validation(lambda module: {"validation_loss": 2.0, "train_loss": 1.0})


def loop() -> FitOnce:
    module = nn.Module()
    module.register_buffer("bank", torch.ones(3))
    return FitOnce(module, TrainingConfig(epochs=5))


def test_one_epoch_for_any_number_of_epochs():
    state = loop()
    first, last = state.events(VALIDATION)
    assert isinstance(first, Epoch) and first.metrics["train_loss"] == 1.0 and first.is_best
    assert isinstance(last, Finished) and (state.steps, state.best_epoch, state.best_value) == (1, 1, 2.0)


def test_resumed_run_measures_only_if_it_had_not():
    before, after = loop(), loop()
    fresh = before.snapshot()
    list(before.events(VALIDATION))
    after.module.bank.zero_()
    after.restore(before.snapshot())
    assert [type(event) for event in after.events(VALIDATION)] == [Finished] and after.module.bank.sum() == 3
    after.restore(fresh)
    assert [type(event) for event in after.events(VALIDATION)] == [Epoch, Finished]
