import json

import numpy as np
import pytest
import torch

from dlcore import projects
from dlcore.core.errors import DataError
from dlcore.data.splits import SPLITS
from dlcore.data.text import corpora as text
from dlcore.data.text.corpora import TextDataset
from dlcore.projects import LoadedModel
from dlcore.projects.language import texts

PROJECT = projects.get("reviews_lstm")
SMALL = {"bucketed": True, "length": 12, "vocabulary": 200, "embedding": 8, "hidden": 8, "layers": 1, "dropout": 0.0}


def make_dataset(n: int = 400) -> TextDataset:
    """Reviews whose label depends on one word."""
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=n)
    fill = np.array(["film", "plot", "actor", "scene", "music", "story"])
    texts = [
        " ".join(
            [*rng.choice(fill, rng.integers(3, 20)), "great" if label else "awful", f"w{row}", *rng.choice(fill, 2)]
        )
        for row, label in enumerate(labels)
    ]
    return TextDataset(texts, labels, np.arange(n), text.SENTIMENT, 0, "x")


@pytest.fixture(autouse=True)
def reviews(monkeypatch):
    monkeypatch.setattr(text, "load", lambda name: make_dataset())


@pytest.fixture(scope="module")
def config():
    return projects.configure("reviews_lstm", settings=SMALL)


@pytest.fixture(scope="module")
def prepared(config):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "load", lambda name: make_dataset())
        return PROJECT.prepare(config)


@pytest.fixture(scope="module")
def loaded(config, prepared) -> LoadedModel:
    torch.manual_seed(0)
    module = PROJECT.models["base_lstm"].build(config.model_options, prepared.facts)
    optimiser, objective = torch.optim.Adam(module.parameters(), lr=2e-2), PROJECT.objective(config, prepared)
    (ids,) = prepared.transform(prepared.train.inputs, True)
    for _ in range(40):
        optimiser.zero_grad()
        objective.loss(module(ids), prepared.train.targets).backward()
        optimiser.step()
    preprocessing = json.loads(json.dumps(prepared.preprocessing))  # as stored in a bundle
    return LoadedModel(module.eval(), config, prepared.facts, preprocessing, prepared.labels, threshold=0.5)


def test_splits_are_disjoint_balanced_and_test_is_fixed(prepared):
    other = PROJECT.prepare(projects.configure("reviews_lstm", seed=1, settings=SMALL))
    ids = [set(prepared.split(name).ids.tolist()) for name in SPLITS]
    assert len(set.union(*ids)) == sum(len(part) for part in ids) == 400
    assert [len(part) for part in ids] == [280, 40, 80]
    assert np.array_equal(prepared.test.ids, other.test.ids)
    assert not np.array_equal(prepared.validation.ids, other.validation.ids)
    for name in SPLITS:
        assert abs(prepared.split(name).targets.float().mean() - make_dataset().labels.mean()) < 0.03


def test_fewer_rows_move_no_test_review_into_training(prepared):
    few = PROJECT.prepare(projects.configure("reviews_lstm", seed=3, settings={**SMALL, "rows": 100}))
    assert 95 <= sum(len(few.split(name)) for name in SPLITS) <= 105
    assert set(few.test.ids) < set(prepared.test.ids)
    assert not set(few.train.ids) & set(prepared.test.ids)


def test_vocabulary_is_fitted_on_the_training_split_only():
    """Every review has a unique word; those of validation and test must stay unknown."""
    config = projects.configure("reviews_lstm", settings={**SMALL, "min_frequency": 1, "vocabulary": 1000})
    prepared = PROJECT.prepare(config)
    words = set(prepared.preprocessing["words"])
    assert {f"w{row}" for row in prepared.train.ids} <= words
    assert not {f"w{row}" for name in ("validation", "test") for row in prepared.split(name).ids} & words


def test_trim_removes_only_padding(prepared):
    ids = torch.tensor([[5, 6, 0, 0, 0], [7, 0, 0, 0, 0]], dtype=torch.int32)
    (trimmed,) = prepared.transform((ids,), True)
    assert trimmed.tolist() == [[5, 6], [7, 0]]


def test_model_learns_and_beats_baselines(loaded, prepared, config):
    predictions = PROJECT.predict(loaded.module, prepared, config)
    evaluation = PROJECT.evaluate(predictions, None, config)
    assert evaluation.metrics["accuracy"] > 0.9 and evaluation.metrics["roc_auc"] > 0.95
    assert 0 <= evaluation.threshold <= 1
    baselines = PROJECT.baselines(prepared, config)
    assert baselines["tfidf_logistic_regression"]["accuracy"] > 0.9  # one word determines the label
    assert 0.4 < baselines["majority"]["accuracy"] < 0.65


def test_answer_for_a_text(loaded):
    answer = PROJECT.answer(loaded, b"A <b>GREAT</b> film, story zzz")
    assert answer["label"] == "positive" and answer["probability"] > 0.5
    assert (answer["tokens"], answer["unknown"], answer["left_out"]) == (5, 2, 0)  # "a" and "zzz" are unknown
    assert sum(answer["probabilities"].values()) == pytest.approx(1.0)
    assert PROJECT.answer(loaded, b"awful film story")["label"] == "negative"
    json.dumps(answer)


def test_answer_equals_the_stored_prediction(loaded, prepared, config):
    predictions = PROJECT.predict(loaded.module, prepared, config)
    for row in range(10):
        answer = PROJECT.answer(loaded, prepared.source["texts"]["test"][row].encode())
        assert answer["probabilities"]["positive"] == pytest.approx(predictions["test_scores"][row, 1], abs=1e-5)


def test_answer_uses_the_threshold(loaded):
    strict = LoadedModel(loaded.module, loaded.config, loaded.facts, loaded.preprocessing, loaded.labels, threshold=1.0)
    assert PROJECT.answer(strict, b"great film story")["label"] == "negative"


def test_long_text_is_cut(loaded):
    answer = PROJECT.answer(loaded, b"film " * 50 + b"great")
    assert answer["tokens"] == 12 and answer["left_out"] == 39


@pytest.mark.parametrize(
    ("payload", "message"),
    [(b"", "empty"), (b"\xff\xfe", "UTF-8"), (b"xyzzy qwerty", "none of the 2 words"), (b"...", "the only word")],
)
def test_invalid_text_is_rejected_in_one_line(loaded, payload, message):
    with pytest.raises(DataError, match=message) as caught:
        PROJECT.answer(loaded, payload)
    assert "\n" not in str(caught.value)


def test_quick_preset_is_small():
    quick = projects.configure("reviews_lstm", preset="quick")
    assert quick.flat["rows"] <= 8000 and quick.flat["hidden"] <= 64
    assert texts.TEST_SHARE == 0.2
