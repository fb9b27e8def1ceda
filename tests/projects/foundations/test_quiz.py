import numpy as np
import pytest

from dlcore.core.errors import RequestError
from dlcore.projects.foundations.quiz import CorrectChoice, Question, RunEvidence, mark_answer, score

FALLS = Question(
    "falls",
    "Does the loss fall?",
    ("yes", "no"),
    lambda evidence: CorrectChoice(
        0 if evidence.last("batch_loss") < evidence.first("batch_loss") else 1, "it went there"
    ),
)


def measured(*losses: float) -> RunEvidence:
    return RunEvidence({}, {"batch_loss": (np.arange(len(losses)), np.array(losses))})


def test_evidence_decides_the_correct_choice():
    assert mark_answer(FALLS, 0, measured(2.3, 0.1)).right and not mark_answer(FALLS, 1, measured(2.3, 0.1)).right
    assert mark_answer(FALLS, 1, measured(2.3, 9.0)).right and not mark_answer(FALLS, 0, measured(2.3, 9.0)).right


def test_choice_out_of_range_is_an_error():
    with pytest.raises(RequestError, match="no choice 2"):
        mark_answer(FALLS, 2, measured(2.3, 0.1))
    odd = Question("odd", "?", ("a", "b"), lambda evidence: CorrectChoice(7, ""))
    with pytest.raises(RequestError, match="no choice 7"):
        mark_answer(odd, 0, measured(1.0))


def test_score_text():
    right, wrong = mark_answer(FALLS, 0, measured(2.0, 1.0)), mark_answer(FALLS, 1, measured(2.0, 1.0))
    assert score([right, wrong, wrong]) == "1 of 3 predicted right."
    assert score([right, right]) == "All of 2 predicted right." and score([wrong]) == "None of 1 predicted right."
