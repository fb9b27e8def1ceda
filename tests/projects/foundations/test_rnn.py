import json

import numpy as np
import pytest
import torch

from dlcore import projects, runs
from dlcore.core.errors import DataError
from dlcore.data import memory_task
from dlcore.data.splits import SPLITS
from dlcore.projects.foundations import rnn
from dlcore.projects.foundations.quiz import CorrectChoice, mark_answer
from dlcore.projects.foundations.rnn_walk import unroll
from dlcore.projects.project import LoadedModel
from dlcore.runs.short_run import run_short
from dlcore.ui.pages.backprop.predict import short_run_evidence
from dlcore.ui.pages.rnn.results import TABLE, mean_accuracies

PROJECT = projects.get("rnn")
REFERENCE = "reference:rnn/rnn"


def configured(model: str = "rnn", dataset: str = "memory", **settings):
    few = {"gap": 6, "rows": 300, "width": 12, **settings} if dataset == "memory" else {"width": 12, **settings}
    return projects.configure("rnn", model=model, dataset=dataset, preset="quick", settings=few)


def built(config):
    prepared = PROJECT.prepare(config)
    torch.manual_seed(0)
    return PROJECT.models[config.model].build(config.model_options, prepared.facts).eval(), prepared


def test_memory_task_has_the_signal_first_and_then_noise():
    sequences = memory_task.make_sequences(500, gap=9, seed=0)
    assert sequences.inputs.shape == (500, 10, 10) and sequences.inputs.dtype == np.float32
    assert np.array_equal(sequences.inputs[:, 0].argmax(axis=1), sequences.targets)
    assert np.all(sequences.inputs[:, 0].sum(axis=1) == 1)
    later = [
        np.corrcoef(sequences.inputs[:, t, k], sequences.targets == k)[0, 1] for t in range(1, 10) for k in range(10)
    ]
    assert np.abs(later).max() < 0.2 and abs(sequences.inputs[:, 1:].std() - memory_task.NOISE) < 0.01
    assert np.array_equal(sequences.inputs, memory_task.make_sequences(500, gap=9, seed=0).inputs)
    assert sequences.checksum != memory_task.make_sequences(500, gap=9, seed=1).checksum


def test_splits_are_disjoint_and_test_is_the_same_for_every_seed():
    first, other = (PROJECT.prepare(configured(seed=seed)) for seed in (0, 1))
    assert torch.equal(first.test.inputs[0], other.test.inputs[0])
    assert not torch.equal(first.train.inputs[0][:50], other.train.inputs[0][:50])
    rows = [{row.tobytes() for row in first.split(name).inputs[0].numpy()} for name in SPLITS]
    assert not rows[0] & rows[1] and not rows[0] & rows[2] and first.facts["steps"] == 7


@pytest.mark.parametrize("dataset", ["memory", "digits"])
@pytest.mark.parametrize("model", ["rnn", "lstm"])
def test_unrolled_states_and_gradients(model, dataset):
    config = configured(model, dataset)
    module, prepared = built(config)
    x, target = rnn.example(dataset, 6, 3, prepared.preprocessing)
    result = unroll(module, x, target)
    steps = prepared.facts["steps"]
    assert result.states.shape == result.by_step.shape == (steps, 12) and result.lengths.shape == (steps,)
    with torch.no_grad():
        scores = module(torch.from_numpy(x)[None]).softmax(dim=1)[0].numpy()
    np.testing.assert_allclose(result.probabilities, scores, atol=1e-5)
    assert result.loss == pytest.approx(-np.log(scores[target]), abs=1e-4)
    if model == "rnn":
        assert result.error is not None and result.error <= 1e-6
    stored = prepared.test.inputs[0][3].numpy()
    assert stored.shape == x.shape


def test_lstm_equals_torch_and_its_gradient_follows_from_the_gates():
    module, _ = built(configured("lstm"))
    x, target = rnn.example("memory", 6, 0, {})
    result = unroll(module, x, target)
    states, (_, cells) = module.lstm(torch.from_numpy(x)[None])
    np.testing.assert_allclose(result.states, states[0].detach().numpy(), atol=1e-6)
    scores = torch.nn.functional.one_hot(torch.tensor(target), 10).float()
    dh = (torch.from_numpy(result.probabilities) - scores) @ module.classes.weight
    gate = states[0, -1] / cells[0, 0].tanh()  # h = o tanh(c)
    values = (dh * gate * (1 - cells[0, 0].tanh() ** 2)).detach().numpy()
    np.testing.assert_allclose(result.by_step[-1], values, atol=1e-6)


def test_memory_task_reads_no_images():
    config = configured()
    module, prepared = built(config)
    loaded = LoadedModel(module, config, prepared.facts, prepared.preprocessing, prepared.labels)
    with pytest.raises(DataError, match="memory task"):
        PROJECT.answer(loaded, b"x")


def test_questions_on_the_measured_curves():
    about = json.loads(TABLE.read_text(encoding="utf-8"))
    assert "synthetic" in about["dataset"] and set(about["accuracy"]) == {"rnn", "lstm", "lstm_forget_1"}
    accuracies = mean_accuracies()
    assert rnn.longest_gap(accuracies, "lstm") > rnn.longest_gap(accuracies, "rnn") >= 10
    for question in rnn.QUESTIONS:
        right = question.find(accuracies).right
        marks = [mark_answer(question, place, accuracies).right for place in range(len(question.choices))]
        assert marks == [place == right for place in range(len(question.choices))]
    turned = {"rnn": {5: 1.0, 50: 0.95, 150: 0.95}, "lstm": {5: 1.0, 50: 0.5}}
    answers: list[CorrectChoice] = [question.find(turned) for question in rnn.QUESTIONS]
    assert [answer.right for answer in answers] == [0, 3, 2]


@pytest.mark.parametrize("broken", rnn.BREAKS, ids=lambda broken: broken.name)
def test_each_failure_shows_its_signature_and_default_settings_do_not(broken):
    assert broken.shows(tried(dict(broken.settings)))[0]
    defaults = {**broken.settings, "gain": 1.0, "optimizer": "adam", "learning_rate": 3e-3, "width": 64}
    assert not broken.shows(tried(defaults))[0]


def tried(settings):
    config = projects.configure("rnn", model="rnn", dataset="memory", preset="quick", settings=settings)
    short_run = run_short(config, PROJECT.prepare(config), steps=rnn.BREAK_STEPS, every=2)
    return short_run_evidence(short_run, settings)


def test_reference_run_has_97_percent_accuracy():
    run = runs.open_run(REFERENCE)
    assert run.record.dataset == "mnist" and run.record.metrics["accuracy"] >= 0.97
