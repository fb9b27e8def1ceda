"""The autoencoder's project: what it never sees, what its run says, and questions marked from that."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from dlcore import cli, projects, runs
from dlcore.data.images import images
from dlcore.projects.foundations import anatomy
from dlcore.projects.foundations.quiz import RunEvidence, mark_answer
from dlcore.ui.widgets import quiz


@pytest.fixture(scope="module")
def prepared():
    config = projects.configure("anatomy", dataset="digits", settings={"left_out": 3, "train_rows": 200})
    return anatomy.prepare(config)


def test_a_picture_is_a_thousand_numbers_and_strangers_come_last(prepared):
    assert prepared.train.inputs[0].shape[1:] == (1000,) and prepared.train.inputs[0].dtype == torch.uint8
    strange = prepared.source["classes"] == 3
    assert strange.any() and (np.diff(strange.astype(int)) >= 0).all()


def test_the_class_left_out_is_in_no_other_part(prepared):
    labels = images.load("digits").labels
    for part in (prepared.train, prepared.validation):
        assert 3 not in labels[part.ids]
    assert set(labels[prepared.train.ids]) == set(range(10)) - {3}


def test_as_many_principal_components_as_the_bottleneck_rebuild_what_lies_in_them():
    draw = np.random.default_rng(0)
    rows = draw.normal(size=(50, 4)) @ draw.normal(size=(4, 12))
    mean = rows.mean(axis=0)
    axes = anatomy._components(rows - mean, 4)
    assert np.abs((rows - mean) @ axes.T @ axes + mean - rows).max() < 1e-9


@pytest.fixture(scope="module")
def seen() -> RunEvidence:
    return quiz.run_evidence(runs.open_run("reference:anatomy/autoencoder"))


@pytest.mark.parametrize("question", anatomy.QUESTIONS, ids=lambda item: item.name)
def test_a_stored_run_marks_right_and_wrong(seen, question):
    result = question.find(seen)
    assert [mark_answer(question, place, seen).right for place in range(len(question.choices))] == [
        place == result.right for place in range(len(question.choices))
    ]


def test_another_run_another_answer(seen):
    question = anatomy.QUESTIONS[0]
    swapped = {**seen.metrics, "loss": seen.metrics["error_strangers"], "error_strangers": seen.metrics["loss"]}
    assert question.find(seen).right > 0 == question.find(replace(seen, metrics=swapped)).right


def test_the_reference_run_beats_principal_components_at_telling_strangers_only():
    evaluation = runs.open_run("reference:anatomy/autoencoder").bundle.evaluation
    rival = evaluation.baselines["principal_components"]
    assert evaluation.metrics["roc_auc_low"] > rival["roc_auc"]
    assert evaluation.metrics["loss"] > rival["loss"]


def test_the_command_line_counts_its_parameters(capsys):
    assert cli.main(["models", "anatomy", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"project": "anatomy", "model": "autoencoder", "parameters": 1_058_824, "trainable": 1_058_824}
    ]
