"""N-gram models: equal to scikit-learn's baselines, explained exactly, and runs like any other."""

import json

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import TfidfVectorizer

from dlcore import projects, runs
from dlcore.core.errors import ConfigError
from dlcore.data.text import question_rules
from dlcore.data.text.vocabulary import Vocabulary
from dlcore.evaluation import linear
from dlcore.models.ngram_classifier import NbSvmConfig, NgramClassifier, TfidfConfig
from dlcore.projects.language import ngrams
from dlcore.runs import inference

TEXTS = ["the film is good good fun", "not a good film", "a bad film", "bad bad bad plot", "good plot and not bad"] * 4
TARGETS = np.array([1, 0, 0, 0, 1] * 4)


def fit(config, weighting, classes=2, targets=TARGETS):
    known = Vocabulary.fit(TEXTS, size=100, min_frequency=1)
    ids = known.encode(TEXTS, length=10)
    model = NgramClassifier(config, weighting=weighting, vocabulary=len(known), classes=classes)
    split = ngrams.Split((torch.from_numpy(ids),), torch.from_numpy(targets), np.arange(len(ids)))
    ngrams.make_start(split, config, known, labels=tuple("abcd"[:classes]), balanced=False)(model)
    return model.eval(), torch.from_numpy(ids)


def test_tfidf_features_are_those_of_scikit_learn():
    model, ids = fit(TfidfConfig(), "tfidf")
    expected = TfidfVectorizer(sublinear_tf=True, token_pattern=r"\w+").fit_transform(TEXTS)
    features = ngrams.count_entries(model, ids.numpy())
    assert np.allclose(np.sort(features.data), np.sort(expected.data), atol=1e-6)
    margins = model(ids)[:, 1].numpy()
    weights, intercept = linear.fit_logistic_regression(expected, TARGETS, classes=2)
    assert np.allclose(margins, (expected @ weights.T + intercept)[:, 1], atol=1e-3)


@pytest.mark.parametrize("classes", [2, 3])
def test_nb_svm_predicts_as_the_baseline(classes):
    targets = TARGETS if classes == 2 else np.array([1, 0, 0, 2, 1] * 4)
    model, ids = fit(NbSvmConfig(), "binary", classes, targets)
    scores = linear.nb_svm(TEXTS, targets, TEXTS, classes=classes)
    assert np.allclose(model(ids).softmax(dim=1).numpy(), scores, atol=1e-3)


@pytest.mark.parametrize(("config", "weighting"), [(TfidfConfig(ngrams=2), "tfidf"), (NbSvmConfig(), "binary")])
def test_contributions_of_words_sum_to_the_logit(config, weighting):
    model, ids = fit(config, weighting)
    for target, sign in ((0, -1), (1, 1)):
        parts = model.word_contributions(ids, target).sum(dim=1)
        assert torch.allclose(parts, sign * (model(ids)[:, 1] - model.bias), atol=1e-5)


def test_unknown_words_and_padding_count_nothing():
    model, ids = fit(NbSvmConfig(), "binary")
    padded = torch.nn.functional.pad(ids, (0, 5))
    assert torch.equal(model(padded), model(ids))
    assert torch.allclose(model(torch.tensor([[1, 1, 0]]))[0, 1], model.bias[0])


def test_run_predicts_and_explains(tmp_path):
    config = projects.configure("questions", model="nb_svm", dataset="template_questions", preset="quick", device="cpu")
    runs.train_here(config, tmp_path / "bundle")
    bundle = runs.Bundle(tmp_path / "bundle")
    assert bundle.evaluation.metrics["accuracy"] > 0.95
    answer = inference.predict(bundle, "Who invented the telescope ?")
    assert answer["label"].startswith("human")
    explained = inference.explain(bundle, "Who invented the telescope ?")
    assert explained["methods"] == ["weights", "feature_ablation"]
    largest = max(explained["contributions"], key=lambda part: part["value"])
    assert largest["part"] == "who"
    assert {check["name"]: check["status"] for check in explained["checks"]}["Completeness"] == "passed"
    json.dumps(explained)


def test_rules_classify_plain_questions_and_refuse_other_classes():
    phrases = [phrase for group in question_rules.RULES.values() for phrase in group]
    known = Vocabulary.fit(phrases * 2, size=1000, min_frequency=1)
    labels = ("abbreviation", "description", "entity", "human or group", "location", "numeric")
    options = ngrams.RulesConfig()
    model = NgramClassifier(options, weighting="binary", vocabulary=len(known), classes=6)
    split = ngrams.Split((torch.zeros(1, 1, dtype=torch.int32),), torch.zeros(1, dtype=torch.long), np.zeros(1))
    ngrams.make_start(split, options, known, labels=labels, balanced=False)(model)
    questions = {
        "Who is she ?": 3,
        "Where is it ?": 4,
        "How many are there ?": 5,
        "Why ?": 1,
        "What color is it ?": 2,
        "What does it stand for ?": 0,
    }
    ids = torch.from_numpy(known.encode(list(questions), length=8))
    assert model(ids).argmax(dim=1).tolist() == list(questions.values())
    with pytest.raises(ConfigError, match="rules predict TREC's classes"):
        ngrams.make_start(split, options, known, labels=("good", "bad"), balanced=False)(model)
