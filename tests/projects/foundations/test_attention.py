"""The attention project: metrics of its run, answers to texts, and quiz questions."""

import numpy as np
import pytest

from dlcore import projects, runs
from dlcore.core.errors import DataError
from dlcore.projects.foundations import attention
from dlcore.projects.foundations.quiz import RunEvidence, mark_answer


@pytest.fixture(scope="module")
def reference():
    return runs.open_run("reference:attention/attention").bundle


def test_attention_is_on_the_relevant_pair(reference):
    answer = attention.answer(reference.load(), b"a3 b7 c1 d7 b?")
    assert answer["label"] == "7" and answer["probability"] > 0.9
    assert int(np.argmax(answer["looked_at"][0])) == 1 and sum(answer["looked_at"][0]) == pytest.approx(1)
    with pytest.raises(DataError, match="6"):
        attention.answer(reference.load(), b"a1 b1 c1 d1 e1 f1 g1 a?")


def test_baselines_are_far_below(reference):
    evaluation = reference.evaluation
    assert evaluation.metrics["accuracy_low"] > 0.99
    assert max(values["accuracy"] for values in evaluation.baselines.values()) < 0.5


def test_training_and_test_sequences_differ():
    data = attention.prepare(projects.configure("attention", settings={"train_rows": 300}))
    other = attention.prepare(projects.configure("attention", seed=1, settings={"train_rows": 300}))
    assert np.array_equal(data.test.inputs[0], other.test.inputs[0])
    assert not np.array_equal(data.train.inputs[0], other.train.inputs[0])


def evidence(losses: np.ndarray, *, pair: float = 0.1, other: float = 1.0) -> RunEvidence:
    layers = tuple(f"attention.{name}" for name in ("query", "key", "value", "out"))
    norms = np.tile([pair, pair, other, other], (len(losses), 1))
    steps = np.arange(1, len(losses) + 1)
    return RunEvidence({}, {"batch_loss": (steps, losses)}, layers, steps, norms)


@pytest.mark.parametrize(
    ("end", "right"), [(0.01, 0), (1.0, 1), (2.3, 2)], ids=["as with scaling", "slowly", "not at all"]
)
def test_answers_follow_the_short_run(end, right):
    run = evidence(np.linspace(2.3, end, 100) if end < 2 else np.full(100, end))
    run.curves["batch_loss"][1][-10:] = end
    question = next(item for item in attention.QUESTIONS if item.name == "root")
    assert [mark_answer(question, place, run).right for place in range(3)] == [place == right for place in range(3)]


def test_smaller_gradient_is_read_from_the_short_run():
    question = next(item for item in attention.QUESTIONS if item.name == "shortest")
    losses = np.full(20, 2.3)
    assert question.find(evidence(losses)).right == 0
    assert question.find(evidence(losses, pair=2.0)).right == 1
