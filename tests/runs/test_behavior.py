"""Behavioral tests of runs: rates are those that are stored, and failures are real."""

import numpy as np
import pytest

from dlcore import runs
from dlcore.core.errors import RequestError
from dlcore.data.text import behavior as templates
from dlcore.evaluation import behavior as rates
from dlcore.runs import behavior

RUN = "reference:reviews_lstm/base_lstm"


@pytest.fixture(scope="module")
def report():
    return behavior.check(runs.open_run(RUN).finished_bundle, suites=templates.shipped_suites())


def test_stored_rates_are_those_of_the_run(report):
    assert list(report.rates) == behavior.stored_rates()[RUN]


def test_every_text_classifier_has_stored_rates():
    from dlcore import projects

    expected = {
        run.run_id
        for run in runs.references()
        if projects.get(run.record.project).modality == "text"
        and templates.suites_for(run.finished_bundle.labels, templates.shipped_suites())
    }
    assert set(behavior.stored_rates()) == expected


def test_worst_failures_are_predicted_again(report):
    run = runs.open_run(RUN)
    for failure in report.worst[:4]:
        assert failure.kind == "minimum"
        answer = run.predict(failure.text)
        assert answer["label"] == failure.before[0] != failure.expected
        assert answer["probabilities"][failure.before[0]] == pytest.approx(failure.before[1], abs=1e-5)


def test_run_without_suitable_templates_is_refused():
    with pytest.raises(RequestError, match="no behavioral tests suit"):
        behavior.check(runs.open_run("reference:seq2seq/transformer").finished_bundle)


def test_severity_of_each_kind():
    scores = np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7]])
    after = np.array([[0.75, 0.25], [0.55, 0.45], [0.25, 0.75]])
    labels, changed = scores.argmax(axis=1), after.argmax(axis=1)
    assert rates.expected_label_severity(scores, labels, [1]).tolist() == [0.9, 0, 0]
    assert np.allclose(rates.changed_label_severity(scores, labels, after, changed), [0, 0.15, 0])
    assert np.allclose(rates.falling_probability_severity(scores, after, [0]), [0.15, 0, 0])
    (rate,) = rates.sum_by_capability([("A", "minimum", np.array([0.9, 0])), ("A", "minimum", np.zeros(2))])
    assert (rate.failed, rate.n, rate.rate) == (1, 4, 0.25) and rate.interval[0] < 0.25 < rate.interval[1]
