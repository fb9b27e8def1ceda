import io

import numpy as np
import pytest
import torch

from dlcore import projects, runs
from dlcore.data.images import images
from dlcore.projects.foundations import backprop
from dlcore.projects.foundations.backprop_walk import walk
from dlcore.projects.foundations.numpy_nn import NumpyTrainingLoop
from dlcore.projects.foundations.quiz import mark_answer
from dlcore.runs.short_run import run_short
from dlcore.training.fit import Validation
from dlcore.training.state import load_snapshot
from dlcore.ui.widgets import quiz

PROJECT = projects.get("backprop")
REFERENCE = "reference:backprop/dense"


def configured(model: str = "dense", **settings):
    few = {"epochs": 2, "batch_size": 64, "train_rows": 400, **settings}
    return projects.configure("backprop", model=model, dataset="digits", preset="quick", settings=few)


def built(config):
    prepared = PROJECT.prepare(config)
    torch.manual_seed(0)
    return PROJECT.models[config.model].build(config.model_options, prepared.facts), prepared


def trained(config, *, stop: int | None = None, snapshot: dict | None = None) -> NumpyTrainingLoop:
    module, prepared = built(config)
    state = PROJECT.models[config.model].training_loop(module, prepared, config)
    if snapshot is not None:
        state.restore(snapshot)
    validation = Validation(lambda module: PROJECT.epoch_metrics(module, prepared, config))
    for number, _ in enumerate(state.events(validation), 1):
        if number == stop:
            break
    return state


@pytest.mark.parametrize("model", PROJECT.models)
def test_resumed_training_is_bitwise_equal(model):
    config = configured(model)
    straight = trained(config)
    left = trained(config, stop=5)
    buffer = io.BytesIO()
    torch.save(left.snapshot(), buffer)
    buffer.seek(0)
    again = trained(config, snapshot=load_snapshot(buffer))
    for name, tensor in straight.module.state_dict().items():
        assert torch.equal(tensor, again.module.state_dict()[name]), name


def test_numpy_run_writes_a_bundle(tmp_path):
    config = configured(epochs=6, train_rows=0, batch_size=32)
    record = runs.train_here(config, tmp_path / "bundle")
    assert record.state == "finished" and record.metrics["accuracy"] > 0.85
    loaded = runs.Bundle(tmp_path / "bundle").load()
    stored = runs.Bundle(tmp_path / "bundle").predictions()
    prepared = PROJECT.prepare(config)
    again = PROJECT.predict(loaded.module, prepared, config)
    np.testing.assert_allclose(again["test_scores"], stored["test_scores"], atol=1e-6)


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        ("dense", {}),
        ("dense", {"depth": 3, "activation": "tanh", "norm": False}),
        ("dense", {"activation": "sigmoid"}),
        ("convolutional", {}),
    ],
)
def test_every_layer_equals_autograd(model, settings):
    module, prepared = built(configured(model, **settings))
    (x,) = prepared.transform((prepared.test.inputs[0][:1],), False)
    result = walk(module, x[0].numpy(), 3)
    assert [stage.name for stage in result.stages] == list(module.network.layers)
    assert result.error <= 1e-9 and result.stages[0].dx.shape == (8, 8)
    for before, after in zip(result.stages, result.stages[1:], strict=False):
        assert np.array_equal(before.y, after.x) and np.array_equal(before.dy, after.dx)
    with torch.no_grad():
        np.testing.assert_allclose(module.eval()(x).softmax(dim=1)[0].numpy(), result.probabilities, atol=1e-5)
    assert result.loss == pytest.approx(-np.log(result.probabilities[3]))


def test_reference_run_has_98_5_percent_accuracy():
    run = runs.open_run(REFERENCE)
    assert run.record.dataset == "mnist" and run.record.metrics["accuracy"] >= 0.985
    scores = run.finished_bundle.predictions()
    assert len(scores["test_targets"]) == 10_000
    assert (scores["test_scores"].argmax(axis=1) == scores["test_targets"]).mean() == run.record.metrics["accuracy"]


@pytest.mark.realdata("mnist")
def test_reference_network_reproduces_stored_answers():
    left = runs.open_run(REFERENCE).finished_bundle
    loaded, stored, result = left.load(), left.predictions(), images.load("mnist")
    rows = stored["test_ids"][:300]
    x = torch.from_numpy(images.normalize(np.asarray(result.test_pixels[rows]), left.preprocessing))
    with torch.no_grad():
        scores = loaded.module(x).softmax(dim=1).numpy()
    np.testing.assert_allclose(scores, stored["test_scores"][:300], atol=1e-4)
    strokes = np.kron(np.asarray(result.test_pixels[rows[0]]), np.ones((2, 2), np.uint8))
    again = backprop.classify_pixels(loaded, backprop.prepare_drawing(strokes, 28))
    assert again["label"] == loaded.labels[int(stored["test_targets"][0])]


def test_questions_are_marked_from_the_stored_run():
    measured = quiz.run_evidence(runs.open_run(REFERENCE))
    for question in backprop.QUESTIONS:
        result = question.find(measured)
        marks = [mark_answer(question, place, measured).right for place in range(len(question.choices))]
        assert marks == [place == result.right for place in range(len(question.choices))] and result.why
    assert backprop.QUESTIONS[0].find(measured).right == 2  # near ln 10
    assert backprop.QUESTIONS[2].find(measured).right == 1  # dropout and augmentation make the training split harder


@pytest.mark.parametrize("broken", backprop.BREAKS, ids=lambda broken: broken.name)
def test_each_failure_shows_its_signature_and_default_settings_do_not(broken):
    assert broken.shows(tried(broken.settings))[0]
    assert not broken.shows(tried({"batch_size": 32}))[0]


def tried(settings):
    from dlcore.ui.pages.backprop.predict import short_run_evidence

    config = projects.configure("backprop", model="dense", dataset="digits", preset="quick", settings=dict(settings))
    short_run = run_short(config, PROJECT.prepare(config), steps=backprop.BREAK_STEPS, every=4)
    return short_run_evidence(short_run, dict(settings))


def test_drawing_is_cropped_and_centered_like_mnist():
    strokes = np.zeros((56, 56), dtype=np.uint8)
    strokes[3:25, 40:44] = 255
    drawing = backprop.prepare_drawing(strokes, 28)
    rows, columns = np.flatnonzero(drawing.any(axis=1)), np.flatnonzero(drawing.any(axis=0))
    assert drawing.shape == (28, 28) and len(rows) == 20 and rows[0] == 4 and 12 <= columns.mean() <= 15
    assert backprop.prepare_drawing(np.zeros((56, 56), dtype=np.uint8), 28) is None
