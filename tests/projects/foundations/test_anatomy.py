"""The anatomy project: held-out class, metrics of its run, and quiz questions."""

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


def test_images_have_1_000_values_and_outliers_come_last(prepared):
    assert prepared.train.inputs[0].shape[1:] == (1000,) and prepared.train.inputs[0].dtype == torch.uint8
    strange = prepared.source["classes"] == 3
    assert strange.any() and (np.diff(strange.astype(int)) >= 0).all()


def test_held_out_class_is_only_in_the_test_split(prepared):
    labels = images.load("digits").labels
    for part in (prepared.train, prepared.validation):
        assert 3 not in labels[part.ids]
    assert set(labels[prepared.train.ids]) == set(range(10)) - {3}


def test_principal_components_reconstruct_their_subspace():
    draw = np.random.default_rng(0)
    rows = draw.normal(size=(50, 4)) @ draw.normal(size=(4, 12))
    mean = rows.mean(axis=0)
    axes = anatomy._components(rows - mean, 4)
    assert np.abs((rows - mean) @ axes.T @ axes + mean - rows).max() < 1e-9


@pytest.fixture(scope="module")
def evidence() -> RunEvidence:
    return quiz.run_evidence(runs.open_run("reference:anatomy/autoencoder"))


@pytest.mark.parametrize("question", anatomy.QUESTIONS, ids=lambda item: item.name)
def test_stored_run_marks_correct_and_incorrect_answers(evidence, question):
    result = question.find(evidence)
    assert [mark_answer(question, place, evidence).right for place in range(len(question.choices))] == [
        place == result.right for place in range(len(question.choices))
    ]


def test_answer_depends_on_the_run(evidence):
    question = anatomy.QUESTIONS[0]
    swapped = {
        **evidence.metrics,
        "loss": evidence.metrics["error_strangers"],
        "error_strangers": evidence.metrics["loss"],
    }
    assert question.find(evidence).right > 0 == question.find(replace(evidence, metrics=swapped)).right


def test_reference_run_beats_pca_in_outlier_detection_only():
    evaluation = runs.open_run("reference:anatomy/autoencoder").bundle.evaluation
    baseline = evaluation.baselines["principal_components"]
    assert evaluation.metrics["roc_auc_low"] > baseline["roc_auc"]
    assert evaluation.metrics["loss"] > baseline["loss"]


def test_command_line_counts_parameters(capsys):
    assert cli.main(["models", "anatomy", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"project": "anatomy", "model": "autoencoder", "parameters": 1_058_824, "trainable": 1_058_824}
    ]
