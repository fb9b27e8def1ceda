"""Watched loops: what is logged and measured, how a run ends, and that unmeasured steps have no hooks."""

import contextlib
import importlib

import numpy as np
import pytest
import torch
from torch import nn

import dlcore
from dlcore.core.errors import DataError, RequestError
from dlcore.runs import run_comparison
from dlcore.runs.watch import watched_run

optimizers = importlib.import_module("torch.optim.optimizer")


def loop(run, module, *, steps: int = 30, rate: float = 0.1, clear_after: bool = False):
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(64, 5, generator=generator)
    targets = (inputs[:, 0] > 0).long()
    optimizer = torch.optim.SGD(module.parameters(), rate)
    for _ in range(steps):
        loss = nn.functional.cross_entropy(module(inputs), targets)
        if not clear_after:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if clear_after:
            optimizer.zero_grad()
        run.log(loss=loss)
    return inputs, targets


def build() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 2))


@pytest.mark.parametrize("clear_after", [False, True])
def test_gradient_norms_are_those_of_the_optimizer(home, monkeypatch, clear_after):
    monkeypatch.setattr(watched_run, "PROBED_SHARE", 1e9)  # measure every step
    module, norms = build(), []
    handle = optimizers.register_optimizer_step_pre_hook(
        lambda *_: norms.append(
            [
                float(torch.cat([p.grad.flatten() for p in layer.parameters()]).norm())
                for layer in (module[0], module[2])
            ]
        )
    )
    with contextlib.closing(contextlib.ExitStack()) as stack, dlcore.watch(module) as run:
        stack.callback(handle.remove)
        loop(run, module, steps=6, clear_after=clear_after)
    recorded = dlcore.load(run.run_id).gradients()
    assert recorded.layers == ("0", "2")
    np.testing.assert_allclose(recorded.norms, np.array(norms)[recorded.steps - 1], rtol=1e-5)
    assert np.isfinite(recorded.measures["update_ratio"]).all()
    assert recorded.measures["dead_units"][:, 0].max() <= 1


def test_steps_between_measured_ones_have_no_hooks(home):
    module = build()
    with dlcore.watch(module) as run:
        loop(run, module, steps=1)
        assert not run._probe._began  # measured once; the next comes later
        assert all(not part._forward_hooks for part in module.modules())
        assert not optimizers._global_optimizer_pre_hooks
    assert not optimizers._global_optimizer_post_hooks


def test_watching_changes_no_weight(home, monkeypatch):
    monkeypatch.setattr(watched_run, "PROBED_SHARE", 1e9)
    watched, plain = build(), build()

    class Silent:
        def log(self, **_):
            pass

    with dlcore.watch(watched) as run:
        loop(run, watched)
    loop(Silent(), plain)
    for ours, theirs in zip(watched.parameters(), plain.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_epochs_best_and_names_of_curves(home):
    module = build()
    with dlcore.watch(module, project="toy", name="net", epochs=3, validation=lambda: {"val_acc": 0.5}) as run:
        for epoch, value in ((1, 0.9), (2, 0.4), (3, 0.6)):
            loop(run, module, steps=10)
            run.log(epoch=epoch, val_loss=value, lr=0.1)
    record, history = dlcore.load(run.run_id).record, dlcore.load(run.run_id).history()
    assert (record.project, record.model, record.dataset, record.state) == ("watched", "net", "toy", "finished")
    assert (record.epoch, record.epochs, record.step, record.steps_per_epoch) == (3, 3, 30, 10)
    assert (record.best.epoch, record.best.value) == (2, 0.4)
    assert history["validation_loss"].steps.tolist() == [10, 20, 30]
    np.testing.assert_allclose(history["train_loss"].values[0], history["batch_loss"].values[:10].mean(), rtol=1e-6)
    assert {"validation_accuracy", "learning_rate", "elapsed_s"} <= set(history)


def test_errors_and_interrupts_end_the_run(home):
    for error, state in ((ValueError("no\ndata"), "failed"), (KeyboardInterrupt(), "stopped")):
        with pytest.raises(type(error)), dlcore.watch(build()) as run:
            loop(run, run.module, steps=2)
            raise error
        record = dlcore.load(run.run_id).record
        assert record.state == state
        assert "\n" not in record.reason
    with pytest.raises(RequestError, match="is stopped"):
        run.finish()


def test_killed_loop_is_interrupted(home):
    run = dlcore.watch(build())
    assert dlcore.load(run.run_id).record.state == "running"
    from dlcore.runs.folder import read_json, write_json

    worker = read_json(run.folder.worker)
    write_json(run.folder.worker, {**worker, "started": worker["started"] - 100})  # another process has the pid now
    assert dlcore.load(run.run_id).record.state == "interrupted"
    run.finish()


def test_validation_batches_are_predicted(home):
    module = build()
    inputs = torch.randn(40, 5)
    batches = [(inputs[:20], (inputs[:20, 0] > 0).long()), (inputs[20:], (inputs[20:, 0] > 0).long())]
    with dlcore.watch(module, validation=batches) as run:
        loop(run, module, steps=80)
    bundle = dlcore.load(run.run_id).bundle
    assert bundle.evaluation.split == "validation"
    assert bundle.evaluation.metrics["accuracy"] > 0.8
    assert bundle.labels == ("class 0", "class 1")


@pytest.mark.parametrize(
    ("scores", "targets", "words"),
    [
        (torch.zeros(4, 3), torch.zeros(5), "do not fit"),
        (torch.zeros(4, 3), torch.tensor([0, 1, 2, 3]), "class numbers from 0 to 2"),
        (torch.full((4,), float("nan")), torch.zeros(4), "NaN"),
        (torch.zeros(4, 2), None, "without targets"),
    ],
)
def test_predictions_that_do_not_fit_are_rejected(home, scores, targets, words):
    run = dlcore.watch(build())
    with pytest.raises(DataError, match=words):
        run.finish(scores, targets)
    run.finish()


def test_watched_runs_are_compared(home):
    ids = []
    for rate in (0.1, 0.5):
        module = build()
        with dlcore.watch(module, hyperparameters={"rate": rate, "note": object()}) as run:
            inputs, targets = loop(run, module, rate=rate)
            run.finish(module(inputs).softmax(1), targets)
        ids.append(run.run_id)
    compared = run_comparison.compare_runs([*ids, "reference:fashion/dense"])
    assert compared.settings["rate"][:2] == (0.1, 0.5)
    assert compared.metric == "accuracy"
    two = run_comparison.compare_runs(ids)
    assert len(two.tests) == 1 and "epochs" not in two.settings
