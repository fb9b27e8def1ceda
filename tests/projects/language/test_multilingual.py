"""Texts in other languages: a multilingual BERT by its name, from a server, fine-tuned on a person's own texts."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import tiny_bert

from dlcore import projects, runs
from dlcore.core.errors import DataMissingError
from dlcore.data.custom import texts as custom_texts
from dlcore.data.sources import bert_weights, locate
from dlcore.data.sources.bert_checkpoint import SPECIAL
from dlcore.data.text.bert_tokens import WordPieceTokenizer
from dlcore.projects.language import texts
from dlcore.runs.foreground import train_here

NAME = "bert-base-multilingual-cased"
QUESTIONS = {
    "arabic": ("أين النهر الكبير", "من كتب الكتاب"),
    "hebrew": ("איפה הנהר הגדול", "מי כתב את הספר"),
    "russian": ("Где находится Большая река", "Кто написал Эту книгу"),
    "chinese": ("大河在哪里", "谁写了这本书"),
    "french": ("Où est la grande Rivière", "Qui a écrit ce Livre"),
    "hindi": ("बड़ी नदी कहाँ है", "किताब किसने लिखी"),
}
"""A question about a place and one about a person in each language."""


@pytest.fixture
def served(home, tmp_path, monkeypatch):
    """A server with a multilingual BERT: its vocabulary has the characters of all questions, alone and inside words."""
    letters = sorted({letter for pair in QUESTIONS.values() for text in pair for letter in text if letter != " "})
    words = [*SPECIAL, *letters, *(f"##{letter}" for letter in letters)]
    tiny_bert.write(tmp_path / "web" / "bert", name=NAME, words=words)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    for name in ("DLCORE_DATA", "HF_ENDPOINT", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "*")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "web"))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("DLCORE_MIRROR", f"http://127.0.0.1:{server.server_port}")
        yield words
        server.shutdown()


def test_multilingual_bert_is_fetched_by_name_and_fine_tuned_on_own_texts(served, tmp_path):
    with pytest.raises(DataMissingError, match=rf"data get bert:{NAME}.*714 MB"):
        bert_weights.require(NAME)
    locate.fetch(f"bert:{NAME}")
    lines = [
        f"{text} {n},{label}"
        for pair in QUESTIONS.values()
        for text, label in zip(pair, ("مكان", "人"), strict=True)
        for n in range(8)
    ]
    table = "text,label\n" + "\n".join(lines)
    custom_texts.IMPORTER.save("many", custom_texts.IMPORTER.preview(table.encode()), source="many.csv")
    settings = {"epochs": 1, "batch_size": 16, "bert": NAME, "length": 40}
    config = projects.configure(
        "bert", model="all_layers", dataset="many", preset="quick", settings=settings, device="cpu"
    )
    train_here(config, tmp_path / "bundle")
    bundle = runs.Bundle(tmp_path / "bundle")
    assert sorted(bundle.labels) == sorted(["مكان", "人"]) and bundle.run["pretrained"]["name"] == NAME
    loaded = bundle.load()
    for pair in QUESTIONS.values():
        for text in pair:
            answer = projects.get("bert").answer(loaded, text.encode())
            assert set(answer["probabilities"]) == set(bundle.labels)
            encoded = texts.encode_text(loaded, text)
            assert not encoded.unknown.any(), text
            assert "".join(word.removeprefix("##") for word in encoded.words[1:-1]) == text.replace(" ", ""), text


def test_capitals_and_accents_stay_and_chinese_is_split_into_characters(served):
    locate.fetch(f"bert:{NAME}")
    tokenizer = WordPieceTokenizer(bert_weights.require(NAME))
    assert tokenizer.tokens("Où") == ["O", "##ù"]
    assert tokenizer.tokens("大河") == ["大", "河"]
    assert tokenizer.tokens("река") == ["р", "##е", "##к", "##а"]
    assert tokenizer.tokens("नदी") == ["न", "##द", "##ी"]
