"""Reviews with a frozen BERT: cached states, bundles, and answers without the BERT."""

import json
import shutil
import threading

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from dlcore import projects
from dlcore.core import progress
from dlcore.core.errors import ConfigError, DataError, DataMissingError
from dlcore.data.sources import bert_weights
from dlcore.data.text import corpora as text
from dlcore.data.text import token_states
from dlcore.inference import predict as inference
from dlcore.models.bert import Bert
from dlcore.projects.language import bert_features, reviews_bert, texts
from dlcore.projects.language.bert_features import FeatureConfig
from dlcore.runs.bundle import inspection
from dlcore.runs.foreground import train_here

WORDS = [
    *bert_weights.SPECIAL,
    "good",
    "bad",
    "film",
    "##s",
    "the",
    "was",
    "a",
    "dull",
    "fine",
    "plot",
    "!",
    "and",
    "slow",
]
CONFIG = {
    "model_type": "bert",
    "vocab_size": len(WORDS),
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 64,
    "type_vocab_size": 2,
}
SMALL = {"bert": "tiny", "length": 16, "hidden": 8, "epochs": 3, "batch_size": 16, "learning_rate": 0.01}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A tiny BERT with random weights and an empty cache."""
    monkeypatch.setenv("DLCORE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    folder = tmp_path / "data" / "tiny"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    torch.manual_seed(0)
    save_file(Bert(CONFIG).network.state_dict(), folder / "model.safetensors")
    return folder


def reviews(n=150):
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 2
    review_texts = [
        " ".join(rng.permutation(["the", "film", "was", "and", *rng.choice(WORDS[5:], i % 7), ("bad", "good")[label]]))
        for i, label in enumerate(labels)
    ]
    return text.deduplicate(review_texts, labels, text.SENTIMENT, checksum="0" * 64)


@pytest.fixture
def invented(place, monkeypatch):
    dataset = reviews()
    monkeypatch.setattr(texts, "load", lambda config: dataset)
    return dataset


def reading(**changes):
    return FeatureConfig(**{"checkpoint": bert_weights.require("tiny"), "length": 16, "keep": "both", **changes})


def computed(result, how):
    """States, and the number of texts that were computed."""
    counts = []
    with progress.listening(lambda what, done, total: counts.append((done, total))):
        states = bert_features.compute_states(result, how)
    return states, (counts[-1][1] if counts else 0)


def test_states_are_cached_and_recomputed_after_a_change(place):
    review_texts = reviews().texts
    states, fresh = computed(review_texts, reading())
    again, none = computed(review_texts, reading())
    assert (fresh, none) == (len(review_texts), 0)
    rows = torch.arange(len(review_texts))
    assert torch.equal(states.gather(rows)[0], again.gather(rows)[0])
    for changed in ({"length": 12}, {"keep": "end"}, {"layer": 2}):
        assert computed(review_texts, reading(**changed))[1] == len(review_texts)
    assert computed([review_texts[0] + " dull", *review_texts[1:]], reading())[1] == len(review_texts)
    (place / "vocab.txt").write_text("\n".join([*WORDS[:-1], "fast"]))
    assert computed(review_texts, reading())[1] == len(review_texts), "another tokenizer"
    weights = load_file(place / "model.safetensors")
    save_file({name: tensor * 1.5 for name, tensor in weights.items()}, place / "model.safetensors")
    assert computed(review_texts, reading())[1] == len(review_texts), "other weights"


def test_states_equal_berts_and_a_damaged_chunk_is_recomputed(place, monkeypatch):
    monkeypatch.setattr(bert_features, "CHUNK", 40)
    reviews_text, how = reviews().texts, reading(layer=3)
    states, _ = computed(reviews_text, how)
    network = bert_features.bert.pretrained(how.checkpoint.config, how.checkpoint.state(), layer=3)
    pieces = bert_features.bert_tokens.WordPieceTokenizer(how.checkpoint)
    for row in (0, 41, len(reviews_text) - 1):
        (ids,) = pieces.encode([reviews_text[row]], length=16, keep="both")
        result, mask = states.gather(torch.tensor([row]))
        expected = network(torch.from_numpy(ids)[None])
        assert mask.sum() == len(ids)
        torch.testing.assert_close(result, expected, atol=0.05, rtol=0.05)  # bfloat16 if the hardware supports it
    torn = sorted((token_states._folder()).glob("*[0-9a-f].npy"))[0]
    torn.write_bytes(torn.read_bytes()[:-2])
    _, fresh = computed(reviews_text, how)
    assert 0 < fresh <= 40


def test_concurrent_and_interrupted_runs_leave_complete_chunks(place, monkeypatch):
    monkeypatch.setattr(bert_features, "CHUNK", 20)
    reviews_text, how = reviews().texts, reading()

    def give_up(what, done, total):
        if done > 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), progress.listening(give_up):
        bert_features.compute_states(reviews_text, how)
    left = token_states.usage()[1]
    assert 1 <= left < 8
    results = []
    both = [threading.Thread(target=lambda: results.append(computed(reviews_text, how))) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    (first_states, first), (second_states, second) = results
    assert max(first, second) <= len(reviews_text) - 20 * (left - 1)
    rows = torch.arange(len(reviews_text))
    assert torch.equal(first_states.gather(rows)[0], second_states.gather(rows)[0])
    assert not [path for path in token_states._folder().iterdir() if path.name.startswith(".")]


def test_bundle_has_only_trained_weights_and_requires_its_bert(invented, place, tmp_path):
    config = projects.configure("reviews_bert", dataset="imdb", preset="full", device="cpu", settings=SMALL)
    train_here(config, tmp_path / "run", weights="float16")
    bundle = inspection.validate_bundle(tmp_path / "run")
    assert not [name for name in load_file(tmp_path / "run" / "model.safetensors") if name.startswith("bert")]
    preprocessing = bundle.preprocessing
    assert preprocessing["bert"] == "tiny" and preprocessing["bert_checksum"] == bert_weights.require("tiny").checksum
    assert "words" not in preprocessing
    loaded = bundle.load()
    sentences = ["the film was good and good", "bad plot"]
    answers = [projects.get("reviews_bert").answer(loaded, each.encode()) for each in sentences]
    assert all(abs(sum(each["probabilities"].values()) - 1) < 1e-6 for each in answers)
    ids = torch.from_numpy(texts.encode_text(loaded, sentences[0]).ids)
    padded = torch.nn.functional.pad(ids, (0, 40))
    torch.testing.assert_close(
        inference.forward_batch(loaded.module, padded), inference.forward_batch(loaded.module, ids), atol=1e-5, rtol=0
    )
    stored = bundle.predictions()
    row = int(stored["test_ids"][0])
    answer = projects.get("reviews_bert").answer(loaded, invented.texts[row].encode())
    assert answer["probabilities"]["positive"] == pytest.approx(stored["test_scores"][0, 1], abs=0.02)
    weights = load_file(place / "model.safetensors")
    save_file({name: tensor * 1.5 for name, tensor in weights.items()}, place / "model.safetensors")
    with pytest.raises(DataError, match="uses a 'tiny' whose checksum begins with"):
        bundle.load()
    shutil.rmtree(place)
    with pytest.raises(DataMissingError, match="'tiny' is not on this machine") as caught:
        bundle.load()
    assert caught.value.dataset == "bert:tiny"
    assert "accuracy" in inspection.validate_bundle(tmp_path / "run").evaluation.metrics, "messages need no BERT"


def test_settings_beyond_the_checkpoint_are_rejected(invented):
    for wrong, message in (({"length": 65}, "at most 64"), ({"after_layer": 5}, "4 layers")):
        config = projects.configure("reviews_bert", dataset="imdb", settings={**SMALL, **wrong})
        with pytest.raises(ConfigError, match=message):
            reviews_bert.prepare(config)


def test_another_seed_reuses_the_cached_states(invented):
    for seed, fresh in ((0, len(invented.texts)), (1, 0)):
        totals = []
        config = projects.configure("reviews_bert", dataset="imdb", seed=seed, settings=SMALL)
        with progress.listening(lambda what, done, total, totals=totals: totals.append(total)):
            reviews_bert.prepare(config)
        assert (totals[-1] if totals else 0) == fresh
