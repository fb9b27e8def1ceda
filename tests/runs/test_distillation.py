"""A student learns from its teacher's probabilities for the training texts, and from texts of templates."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from dlcore import projects, runs
from dlcore.core.errors import ConfigError
from dlcore.data.text import corpora
from dlcore.runs import distillation
from dlcore.runs.foreground import train_here

SMALL = {"length": 12, "vocabulary": 200, "min_frequency": 1, "embedding": 8, "hidden": 8, "batch_size": 16}


@pytest.fixture
def reviews(home, tmp_path, monkeypatch):
    """Reviews whose label depends on one word; the texts are those of every dataset."""
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path / "cache"))
    labels = np.arange(160) % 2
    texts = [f"{('dull', 'great')[label]} film number {row}" for row, label in enumerate(labels)]
    dataset = corpora.TextDataset(
        texts, labels, np.arange(160), corpora.SENTIMENT, 0, "0" * 64, test=np.arange(160) >= 120
    )
    monkeypatch.setattr(corpora, "load", lambda name: dataset)
    return dataset


def configured(model="base_lstm", **settings):
    return projects.configure(
        "reviews_lstm", model=model, dataset="imdb", preset="quick", device="cpu", settings={"rows": 0, **settings}
    )


@pytest.fixture
def teacher(reviews, tmp_path, monkeypatch):
    train_here(configured("tfidf"), tmp_path / "teacher")
    bundle = runs.Bundle(tmp_path / "teacher")
    monkeypatch.setattr(distillation, "open_run", lambda name: SimpleNamespace(finished_bundle=bundle))
    return bundle


def test_student_imitates_its_teacher_where_labels_are_wrong(reviews, teacher, tmp_path, monkeypatch):
    shuffled = replace(reviews, labels=np.where(reviews.test, reviews.labels, np.arange(160) // 2 % 2))
    monkeypatch.setattr(corpora, "load", lambda name: shuffled)
    settings = {**SMALL, "epochs": 12, "learning_rate": 0.01, "teacher": "one", "vectors": "none"}
    record = train_here(configured(**settings), tmp_path / "student")
    assert record.metrics["accuracy"] == 1.0
    monkeypatch.setattr(distillation, "open_bundle", None)  # its probabilities are cached
    prepared = projects.get("reviews_lstm").prepare(configured(**settings))
    prepared = distillation.add_teacher(prepared, configured(**settings))
    assert prepared.fitted.targets.shape == (len(prepared.train), 3) and prepared.train.targets.dim() == 1


def test_unlabeled_sentences_have_only_the_teachers_answer(reviews, teacher, monkeypatch):
    monkeypatch.setattr(corpora, "load_unlabeled_reviews", lambda known: ["a great movie", "dull", "great"])
    config = configured(**SMALL, teacher="one", vectors="none", unlabeled="rotten_tomatoes")
    prepared = distillation.add_teacher(projects.get("reviews_lstm").prepare(config), config)
    count = len(prepared.train)
    assert len(prepared.fitted) == count + 3 and prepared.fitted.targets[count:, 0].tolist() == [1, 0, 1]
    assert prepared.fitted.targets[:count, 0].tolist() == prepared.train.targets.tolist()
    assert len(prepared.source["texts"]["train"]) == count
    with pytest.raises(ConfigError, match="needs a teacher"):
        projects.get("reviews_lstm").prepare(configured(**SMALL, vectors="none", unlabeled="rotten_tomatoes"))


def test_unlabeled_sentences_are_outside_the_dataset():
    sentences = corpora.load_unlabeled_reviews([])
    assert len(sentences) > 8000 and len(set(sentences)) == len(sentences)
    assert len(corpora.load_unlabeled_reviews([sentences[0].upper()])) == len(sentences) - 1


def test_teacher_of_other_texts_or_classes_is_rejected(reviews, teacher):
    config = configured(**SMALL, teacher="one", vectors="none")
    prepared = projects.get("reviews_lstm").prepare(config)
    with pytest.raises(ConfigError, match="perhaps from test texts"):
        distillation.add_teacher(replace(prepared, checksum="1" * 64), config)
    with pytest.raises(ConfigError, match="its classes are negative, positive"):
        distillation.add_teacher(replace(prepared, labels=("bad", "good")), config)


def test_templates_join_the_training_texts_only(reviews):
    plain, augmented = (
        projects.get("reviews_lstm").prepare(configured(**SMALL, vectors="none", **settings))
        for settings in ({}, {"augmentation": "templates", "copies": 2})
    )
    texts, count = augmented.source["texts"]["train"], len(plain.train)
    added = texts[count:]
    assert len(added) == len(augmented.train) - count > 1000 and len(set(added)) == len(added) / 2
    assert (augmented.train.ids[count:] < 0).all()
    label = {text: int(target) for text, target in zip(texts, augmented.train.targets, strict=True)}
    assert {label[text] for text in added if "is not good" in text} == {0}
    for split in ("validation", "test"):
        assert augmented.source["texts"][split] == plain.source["texts"][split]
