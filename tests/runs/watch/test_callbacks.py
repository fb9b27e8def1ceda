"""Callbacks: the events of each library in their order, on the real base class where it is installed."""

import types

import pytest
import torch
from torch import nn

import dlcore
from dlcore.runs.callbacks import keras, lightning


def step(module: nn.Module, optimizer: torch.optim.Optimizer) -> torch.Tensor:
    inputs = torch.randn(16, 4)
    loss = nn.functional.cross_entropy(module(inputs), (inputs[:, 0] > 0).long())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


@pytest.fixture
def module() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))


def check(run_id: str, *, steps: int, epochs: int) -> None:
    run = dlcore.load(run_id)
    assert (run.record.state, run.record.epoch, run.record.step) == ("finished", epochs, steps)
    assert {"batch_loss", "train_loss", "validation_loss"} <= set(run.history())
    assert run.gradients() is not None


def test_lightning(home, module):
    callback = lightning.LightningCallback(project="light")
    optimizer = torch.optim.Adam(module.parameters())
    trainer = types.SimpleNamespace(
        max_epochs=2, global_step=0, current_epoch=0, callback_metrics={}, sanity_checking=False
    )
    callback.on_train_start(trainer, module)
    for epoch in range(2):
        trainer.current_epoch = epoch
        for batch in range(5):
            loss = step(module, optimizer)
            trainer.global_step += 1
            callback.on_train_batch_end(trainer, module, {"loss": loss}, None, batch)
        trainer.callback_metrics = {"val_loss": loss, "loss": loss, "val/other": loss}
        callback.on_train_epoch_end(trainer, module)
    callback.on_train_end(trainer, module)
    check(callback.run.run_id, steps=10, epochs=2)


def test_lightning_error(home, module):
    callback = lightning.LightningCallback()
    trainer = types.SimpleNamespace(max_epochs=2)
    callback.on_train_start(trainer, module)
    callback.on_exception(trainer, module, RuntimeError("no"))
    assert dlcore.load(callback.run.run_id).record.state == "failed"


def test_hugging_face_on_its_callback_handler(home, module):
    from transformers import TrainerControl, TrainerState
    from transformers.trainer_callback import CallbackHandler

    from dlcore.runs.callbacks.huggingface import HuggingFaceCallback

    callback = HuggingFaceCallback(project="text")
    optimizer = torch.optim.Adam(module.parameters())
    handler = CallbackHandler([callback], module, None, optimizer, None)
    arguments = types.SimpleNamespace(learning_rate=1e-3, per_device_train_batch_size=16, num_train_epochs=2.0)
    state, control = TrainerState(), TrainerControl()
    handler.on_train_begin(arguments, state, control)
    for epoch in (1, 2):
        for _ in range(5):
            loss = float(step(module, optimizer))
            state.global_step += 1
            handler.on_step_end(arguments, state, control)
            handler.on_log(arguments, state, control, {"loss": loss, "learning_rate": 1e-3, "epoch": epoch - 0.5})
        handler.on_log(arguments, state, control, {"eval_loss": loss, "eval_runtime": 1.0, "epoch": float(epoch)})
    handler.on_train_end(arguments, state, control)
    check(callback.run.run_id, steps=10, epochs=2)


def test_keras(home, module):
    module.name = "functional"
    callback = keras.KerasCallback()
    vars(callback).update(params={"epochs": 2}, _model=module)
    if keras.Base is object:
        callback.model = module
    optimizer = torch.optim.Adam(module.parameters())
    callback.on_train_begin()
    for epoch in range(2):
        for batch in range(5):
            loss = float(step(module, optimizer))
            callback.on_train_batch_end(batch, {"loss": loss, "accuracy": 0.5})
        callback.on_epoch_end(epoch, {"loss": loss, "accuracy": 0.5, "val_loss": loss})
    callback.on_train_end()
    check(callback.run.run_id, steps=10, epochs=2)


def test_callbacks_are_short():
    from pathlib import Path

    folder = Path(lightning.__file__).parent
    for name in ("lightning", "huggingface", "keras"):
        assert len((folder / f"{name}.py").read_text().splitlines()) <= 60
