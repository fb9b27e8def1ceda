"""Questions with word or frozen BERT inputs: the same splits, and bundles with only the trained weights."""

import numpy as np
import pytest
import tiny_bert
from safetensors.torch import load_file

from dlcore import projects
from dlcore.core.errors import ConfigError
from dlcore.data.splits import SPLITS
from dlcore.data.text import corpora as text
from dlcore.projects.language.learning import LearningOptions
from dlcore.runs.bundle import inspection
from dlcore.runs.foreground import train_here

SMALL = {"length": 12, "hidden": 8, "epochs": 3, "batch_size": 16, "learning_rate": 0.01}


@pytest.fixture
def question_data(tmp_path, monkeypatch):
    """Questions whose label depends on one word, and a tiny BERT."""
    folder = tiny_bert.write(tmp_path / "data").parent
    monkeypatch.setenv("DLCORE_DATA", str(folder))
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path / "cache"))
    labels = np.arange(120) % 3
    texts = [f"{('who', 'where', 'how many')[label]} is it in {row}" for row, label in enumerate(labels)]
    text_dataset = text.TextDataset(
        texts, labels, np.arange(120) + 5, ("a", "b", "c"), 0, "0" * 64, test=np.arange(120) >= 90
    )
    monkeypatch.setattr(text, "load", lambda name: text_dataset)
    return text_dataset


def configured(model, **settings):
    return projects.configure("questions", model=model, device="cpu", settings={**SMALL, **settings})


def test_both_inputs_have_the_same_test_questions(question_data):
    project = projects.get("questions")
    by_words = project.prepare(configured("gru", vectors="none", tokens="words", embedding=8))
    by_bert = project.prepare(configured("bert_gru", bert=tiny_bert.NAME, after_layer=1))
    for split in SPLITS:
        assert by_words.split(split).ids.tolist() == by_bert.split(split).ids.tolist()
    assert by_words.facts.keys() == by_bert.facts.keys() and by_bert.facts["width"] == 32
    assert by_words.facts["width"] == 8 and by_bert.facts["vocabulary"] > 30_000


def test_bert_model_ignores_word_settings(question_data):
    offered = {field.name for field in projects.list_settings("questions", "bert_gru")["data"]}
    assert offered == {"length", "keep", "balanced", "rows", "folds", "fold", *LearningOptions.model_fields}
    assert {"tokens", "vectors"} <= {field.name for field in projects.list_settings("questions", "gru")["data"]}
    with pytest.raises(ConfigError, match="'tokens' has no effect on 'bert_gru'"):
        configured("bert_gru", bert=tiny_bert.NAME, tokens="words")
    by_words = configured("gru", tokens="words", vectors="none", embedding=8)
    forked = projects.with_settings(by_words, {"model": "bert_gru", "after_layer": 1})
    assert forked.flat["length"] == SMALL["length"] and forked.flat["tokens"] == "wordpiece"


def test_bert_run_stores_only_its_classifier_and_answers(question_data, tmp_path):
    train_here(configured("bert_gru", bert=tiny_bert.NAME, after_layer=2), tmp_path / "run", weights="float16")
    assert not [name for name in load_file(tmp_path / "run" / "model.safetensors") if name.startswith("bert")]
    loaded = inspection.validate_bundle(tmp_path / "run").load()
    answer = projects.get("questions").answer(loaded, b"where is it")
    assert set(answer["probabilities"]) == {"a", "b", "c"} and answer["tokens"] == 3
