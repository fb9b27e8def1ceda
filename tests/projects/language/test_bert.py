"""Fine-tuning: bundles, inputs and masked language modeling, with a tiny BERT."""

import numpy as np
import pytest
import tiny_bert
import torch

from dlcore import projects, runs
from dlcore.core.errors import ConfigError, DataError, DataMissingError
from dlcore.data.custom import registry as custom
from dlcore.data.custom import texts as custom_texts
from dlcore.evaluation.calibration import apply_temperature
from dlcore.projects import classification
from dlcore.projects.language import bert_reading, texts
from dlcore.runs.foreground import train_here

ROWS = [(f"where is the {thing} number {n}", "place") for thing in ("river", "town") for n in range(15)]
ROWS += [(f"who wrote the {thing} number {n}", "person") for thing in ("book", "song") for n in range(15)]
SMALL = {"epochs": 1, "batch_size": 8, "train_rows": 0, "rows": 0, "bert": tiny_bert.NAME}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("berts")
    tiny_bert.write(folder, head=True)
    return folder


@pytest.fixture
def here(place, home, tmp_path, monkeypatch):
    monkeypatch.setenv("DLCORE_DATA", str(place))
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path / "cache"))
    lines = "".join(f"{words},{label}\n" for words, label in ROWS)
    custom_texts.IMPORTER.save(
        "kinds", custom_texts.IMPORTER.preview(f"text,label\n{lines}".encode()), source="kinds.csv"
    )
    return place


@pytest.mark.parametrize("model", ["all_layers", "head"])
def test_bundle_has_only_trained_weights_and_names_the_checkpoint(here, tmp_path, monkeypatch, model):
    config = projects.configure("bert", model=model, dataset="kinds", preset="quick", settings=SMALL)
    train_here(config, tmp_path / "bundle")
    bundle = runs.Bundle(tmp_path / "bundle")
    assert bundle.run["pretrained"]["name"] == tiny_bert.NAME
    assert f"pretrained BERT `{tiny_bert.NAME}`" in bundle.card
    weights = 2 * 30_522 * 32  # bytes of the word embeddings alone in half precision
    assert (tmp_path / "bundle" / "model.safetensors").stat().st_size < weights
    loaded = bundle.load()
    answer = projects.get("bert").answer(loaded, b"Who wrote the song?")
    assert set(answer["probabilities"]) == {"place", "person"} and answer["tokens"] == 5
    for strange in (b"", b"<br>", "😀 😀".encode(), b"\xff\xfe"):
        with pytest.raises(DataError):
            projects.get("bert").answer(loaded, strange)
    assert projects.get("bert").answer(loaded, b"word " * 300)["left_out"] == 300 - (config.flat["length"] - 2)
    stored, origin = bundle.predictions(), int(bundle.predictions()["test_ids"][0])
    text = custom_texts.load("custom:kinds").texts[origin]
    again = projects.get("bert").answer(loaded, text.encode())["probabilities"]
    calibrated = apply_temperature(stored["test_scores"][:1], loaded.calibration.temperature)[0]
    expected = dict(zip(bundle.labels, calibrated.tolist(), strict=True))
    assert again == pytest.approx(expected, abs=1e-4)
    other = tmp_path / "others"
    tiny_bert.write(other, seed=1)
    monkeypatch.setenv("DLCORE_DATA", str(other))
    with pytest.raises(DataError, match="put the original checkpoint there"):
        bundle.load()
    monkeypatch.setenv("DLCORE_DATA", "")
    with pytest.raises(DataMissingError, match="data get bert:tiny-bert"):
        bundle.load()


def test_random_weights_require_full_training(here):
    config = projects.configure(
        "bert", model="scratch", dataset="kinds", preset="quick", settings={**SMALL, "train": "head"}
    )
    with pytest.raises(ConfigError, match="needs initialization=pretrained"):
        projects.get("bert").prepare(config)
    assert custom.is_custom(config.dataset)


def test_cached_states_of_frozen_layers_change_nothing_but_rounding(here):
    outputs = []
    for cached in (False, True):
        settings = {**SMALL, "top_layers": 1, "cache_frozen": cached}
        config = projects.configure(
            "bert", model="last_layers", dataset="kinds", preset="quick", settings=settings, device="cpu"
        )
        prepared = projects.get("bert").prepare(config)
        torch.manual_seed(0)
        module = projects.get("bert").models["last_layers"].build(config.model_options, prepared.facts)
        prepared.start(module)
        outputs.append(classification.logits(module, prepared, "test")[0])
    torch.testing.assert_close(*outputs, atol=0.02, rtol=0)
    config = projects.configure(
        "bert",
        model="last_layers",
        dataset="kinds",
        settings={**SMALL, "top_layers": 2, "cache_frozen": True},
        device="cpu",
    )
    with pytest.raises(ConfigError, match="no frozen layer is left"):
        projects.get("bert").prepare(config)


def test_hidden_word_is_masked_and_special_tokens_stay(here):
    reader = bert_reading.reader(tiny_bert.NAME)
    encoded_text = texts.EncodedText(
        ["[CLS]", "a", "b", "[SEP]"], np.array([[101, 1037, 1038, 102]]), 0, mask_id=103, specials=1
    )
    assert encoded_text.without([0, 2]).tolist() == [[101, 1037, 103, 102]]
    assert encoded_text.without().tolist() == [[101, 103, 103, 102]]
    words, result = bert_reading.attend(reader, "The film " * 60)
    assert len(words) == bert_reading.MOST and result.shape == (2, 2, len(words), len(words))
    np.testing.assert_allclose(result.sum(axis=-1), 1.0, atol=1e-5)


def test_each_blank_has_five_predictions(here, tmp_path, monkeypatch):
    reader = bert_reading.reader(tiny_bert.NAME)
    blanks = bert_reading.fill_blanks(reader, "The [MASK] sat on the __ .")
    assert [len(blank.guesses) for blank in blanks] == [5, 5]
    for blank in blanks:
        shares = [share for _, share in blank.guesses]
        assert shares == sorted(shares, reverse=True) and 0 < sum(shares) < 1
    with pytest.raises(DataError, match="no mask"):
        bert_reading.fill_blanks(reader, "Nothing is missing here.")
    with pytest.raises(DataError, match="after the first 64 tokens"):
        bert_reading.fill_blanks(reader, "word " * 80 + "[MASK]")
    tiny_bert.write(tmp_path / "headless")
    monkeypatch.setenv("DLCORE_DATA", str(tmp_path / "headless"))
    with pytest.raises(DataError, match="data get bert:bert-base-uncased"):
        bert_reading.fill_blanks(bert_reading.reader(tiny_bert.NAME), "The [MASK].")
