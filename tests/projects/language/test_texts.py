"""Text classification: splits, word vectors, baselines, answers and hidden words, on synthetic texts."""

import json

import numpy as np
import pytest
import torch

from dlcore import projects
from dlcore.core.errors import ConfigError, DataError
from dlcore.data.splits import SPLITS
from dlcore.data.text import corpora as text
from dlcore.data.text import word_vectors
from dlcore.data.text.corpora import TextDataset
from dlcore.projects import LoadedModel
from dlcore.projects.language import pooling_lesson, texts

NAMES = ("World", "Sports", "Business", "Sci/Tech")
TELLING = ("minister", "goal", "shares", "software")
CHOICES = {
    "news": ("encoder", {"width": 8, "heads": 2, "layers": 1, "feed_forward": 16, "frozen": False}),
    "questions": ("gru", {"embedding": 8, "hidden": 8, "tokens": "words"}),
    "reviews_transformer": ("base", {"width": 8, "heads": 2, "layers": 1, "feed_forward": 16}),
    "reviews_lstm": ("improved_lstm", {"embedding": 8, "hidden": 8, "layers": 1}),
}
SMALL = {"length": 16, "vocabulary": 300, "min_frequency": 1, "vectors": "none"}


def make_dataset(n: int = 300, classes: int = 4) -> TextDataset:
    """Texts whose label depends on one word; the last third is the source's test split."""
    rng = np.random.default_rng(0)
    labels = rng.integers(classes, size=n)
    fill = np.array(["the", "said", "on", "monday", "report", "today"])
    samples = [" ".join([*rng.choice(fill, rng.integers(3, 9)), TELLING[k], f"w{row}"]) for row, k in enumerate(labels)]
    names = text.SENTIMENT if classes == 2 else NAMES
    return TextDataset(samples, labels, np.arange(n) + 7, names, 0, "x", test=np.arange(n) >= 200)


def patched(patch: pytest.MonkeyPatch, slug: str) -> None:
    patch.setattr(text, "load", lambda name: make_dataset(classes=2 if slug.startswith("reviews") else 4))


@pytest.fixture(scope="module", params=CHOICES)
def trained(request):
    """Config, data and a trained model."""
    slug = request.param
    model, sizes = CHOICES[slug]
    project = projects.get(slug)
    config = projects.configure(slug, model=model, settings={**SMALL, **sizes})
    with pytest.MonkeyPatch.context() as patch:
        patched(patch, slug)
        prepared = project.prepare(config)
    torch.manual_seed(0)
    module = project.models[model].build(config.model_options, prepared.facts).eval()
    optimiser, objective = torch.optim.Adam(module.parameters(), lr=1e-2), project.objective(config, prepared)
    for _ in range(60):
        optimiser.zero_grad()
        objective.loss(module(*prepared.train.inputs), prepared.train.targets).backward()
        optimiser.step()
    preprocessing = json.loads(json.dumps(prepared.preprocessing))  # as stored in a bundle
    return config, prepared, LoadedModel(module, config, prepared.facts, preprocessing, prepared.labels, threshold=None)


def test_test_split_is_the_sources(trained):
    _, prepared, _ = trained
    assert prepared.test.ids.tolist() == list(range(207, 307))
    ids = [set(prepared.split(name).ids) for name in SPLITS]
    assert not ids[0] & ids[1] and len(ids[0]) + len(ids[1]) == 200
    assert 15 <= len(ids[1]) <= 25
    words = set(prepared.preprocessing["words"])
    assert not {f"w{row - 7}" for row in (*prepared.test.ids, *prepared.validation.ids)} & words


def test_lengths_match_the_texts(trained):
    _, prepared, _ = trained
    assert prepared.train.lengths.tolist() == (prepared.train.inputs[0] != 0).sum(dim=1).tolist()


def test_model_learns_and_has_baselines(trained):
    config, prepared, loaded = trained
    project = projects.get(config.project)
    predictions = project.predict(loaded.module, prepared, config)
    assert (
        predictions["test_ids"].tolist() == prepared.test.ids.tolist()
    )  # batched by length, then restored to the original order
    evaluation = project.evaluate(predictions, None, config)
    assert evaluation.metrics["accuracy"] > 0.9
    assert (evaluation.threshold is not None) == (len(loaded.labels) == 2)
    baselines = project.baselines(prepared, config)
    assert {"majority", "tfidf_logistic_regression", "nb_svm"} <= set(baselines)
    assert baselines["nb_svm"]["accuracy"] > 0.9 and "loss" not in baselines["nb_svm"]
    if config.project == "questions":
        assert baselines["trigram_svm"]["accuracy"] > 0.9


def test_answer_equals_the_stored_prediction(trained):
    config, prepared, loaded = trained
    project = projects.get(config.project)
    scores = project.predict(loaded.module, prepared, config)["test_scores"]
    for row in range(6):
        answer = project.answer(loaded, prepared.source["texts"]["test"][row].encode())
        named = [answer["probabilities"][label] for label in loaded.labels]
        np.testing.assert_allclose(named, scores[row], atol=1e-5)


def test_a_hidden_word_counts_as_unknown(trained):
    _, _, loaded = trained
    word = TELLING[1]
    encoded = texts.encode_text(loaded, f"the {word} report zebra")
    assert encoded.words == ["the", word, "report", "zebra"] and encoded.unknown.tolist() == [False, False, False, True]
    whole = texts.classify(loaded, encoded)
    without = texts.classify(loaded, encoded, hidden=[1, 99])
    replaced = texts.classify(loaded, texts.encode_text(loaded, "the zebra report zebra"))
    assert without["probabilities"] == replaced["probabilities"]
    label = whole["label"]
    assert label == loaded.labels[1] and without["probabilities"][label] != whole["probabilities"][label]


@pytest.mark.parametrize(
    "payload", [b"", b"\xff\xfe", b"zzz yyy", b"...", b"\x00\x01", "\U0001f600 \U0001f680".encode(), "שלום".encode()]
)
def test_invalid_text_is_rejected_in_one_line(trained, payload):
    config, _, loaded = trained
    with pytest.raises(DataError) as caught:
        projects.get(config.project).answer(loaded, payload)
    assert "\n" not in str(caught.value)


def test_emoji_right_to_left_and_long_text_are_accepted(trained):
    config, _, loaded = trained
    answer = projects.get(config.project).answer
    assert answer(loaded, "the goal \U0001f600 \u202eשלום\u202c".encode())["tokens"] == 3
    times = 100_000 if config.project == "reviews_lstm" else 1_000  # slow: only for one project
    assert answer(loaded, b"the goal " * times)["left_out"] == 2 * times - 16


@pytest.fixture
def glove(monkeypatch):
    """Vectors of three words."""
    table = {"goal": 1.0, "shares": 2.0, "unsaid": 3.0}

    def of(words):
        known = np.array([word in table for word in words])
        return word_vectors.WordVectors(
            np.array([[table.get(word, 0.0)] * 100 for word in words], dtype=np.float32), known
        )

    monkeypatch.setattr(word_vectors, "load_vectors", of)
    monkeypatch.setattr(word_vectors, "most_frequent_words", lambda count: ["goal", "unsaid", "two words"])


def test_vectors_are_loaded_before_training_also_for_unseen_words(monkeypatch, glove):
    patched(monkeypatch, "news")
    config = projects.configure("news", settings={**SMALL, "vectors": "glove"})
    prepared = projects.get("news").prepare(config)
    module = projects.get("news").models["encoder"].build(config.model_options, prepared.facts)
    prepared.start(module)
    words = prepared.preprocessing["words"]
    assert "unsaid" in words and "two words" not in words
    weight = module.embedding.weight
    assert weight[words.index("goal")].eq(1.0).all() and weight[words.index("unsaid")].eq(3.0).all()
    assert weight[0].eq(0.0).all() and weight[1].ne(0.0).any() and not weight.requires_grad


def test_vectors_of_another_width_are_rejected(monkeypatch, glove):
    patched(monkeypatch, "news")
    config = projects.configure("news", settings={**SMALL, "vectors": "glove", "width": 40})
    prepared = projects.get("news").prepare(config)
    module = projects.get("news").models["encoder"].build(config.model_options, prepared.facts)
    with pytest.raises(ConfigError, match="set embedding=100"):
        prepared.start(module)


def test_seven_variants_differ_from_the_base_as_described():
    base = projects.configure("reviews_transformer", model="base")
    for name, result in (
        ("dropout", {"dropout": 0.3}),
        ("weight_decay", {"weight_decay": 1e-5}),
        ("fast", {"learning_rate": 0.1}),
        ("slow", {"learning_rate": 1e-4}),
        ("early_stopping", {"patience": 2, "epochs": 12}),
    ):
        other = projects.configure("reviews_transformer", model=name)
        flat = [c.flat for c in (base, other)]
        assert {k: v for k, v in flat[1].items() if flat[0][k] != v} == result
    assert base.flat["length"] == 250 and base.flat["heads"] == 2


def test_pooling_lesson_has_three_variants_that_differ_only_in_pooling():
    variants = pooling_lesson.find_variants("movie_reviews", seeds=(0, 1), epochs=2)
    assert [len(configs) for configs in variants.values()] == [2, 2, 2]
    first = [configs[0] for configs in variants.values()]
    assert {config.flat["pooling"] for config in first} == {"last_padded", "last", "mean_max"}
    assert len({str({**config.flat, "pooling": ""}) for config in first}) == 1


def test_without_bucketing_rows_and_answers_are_padded(monkeypatch):
    patched(monkeypatch, "reviews_lstm")
    sizes = {"embedding": 8, "hidden": 8, "layers": 1, "pooling": "last_padded", "bucketed": False}
    config = projects.configure("reviews_lstm", model="base_lstm", settings={**SMALL, **sizes})
    project = projects.get("reviews_lstm")
    prepared = project.prepare(config)
    assert prepared.transform is None and prepared.train.lengths is None
    torch.manual_seed(0)
    module = project.models["base_lstm"].build(config.model_options, prepared.facts).eval()
    loaded = LoadedModel(module, config, prepared.facts, prepared.preprocessing, prepared.labels)
    scores = project.predict(module, prepared, config)["test_scores"]
    review = prepared.source["texts"]["test"][0]
    assert project.answer(loaded, review.encode())["probabilities"]["positive"] == pytest.approx(scores[0, 1], abs=1e-6)
    encoded = texts.encode_text(loaded, review)
    later = pooling_lesson.probability_over_padding(loaded, encoded, most=30)
    assert later.shape == (31,) and later[16 - encoded.ids.shape[1]] == pytest.approx(scores[0, 1], abs=1e-6)
    result, fresh = pooling_lesson.difference_left(loaded, encoded, texts.encode_text(loaded, "the goal"), most=30)
    assert result[0] == fresh[0] == 1.0 and result.shape == fresh.shape == (31,)


def test_balanced_classes_have_equal_weight(monkeypatch):
    patched(monkeypatch, "news")
    config = projects.configure("news", settings={**SMALL, "balanced": True})
    project = projects.get("news")
    prepared = project.prepare(config)
    targets = prepared.train.targets
    outputs = torch.zeros(len(targets), 4)
    outputs[:, 0] = 1.0  # the loss differs between classes
    each = torch.nn.functional.cross_entropy(outputs, targets, reduction="none")
    mean = torch.stack([each[targets == k].mean() for k in range(4)]).mean()
    torch.testing.assert_close(project.objective(config, prepared).loss(outputs, targets), mean)
    plain = project.objective(projects.configure("news", settings={**SMALL, "balanced": False}), prepared)
    torch.testing.assert_close(plain.loss(outputs, targets), each.mean())


@pytest.mark.parametrize("slug", ["news", "questions"])
@pytest.mark.parametrize(("words", "left"), [("w{}", True), ("?! {}", False)])
def test_baselines_accept_unique_words_and_empty_texts(monkeypatch, slug, words, left):
    labels = np.arange(60) % 2
    result = [words.format(n if left else "." * n) for n in range(60)]
    text_dataset = TextDataset(result, labels, np.arange(60), ("a", "b"), 0, "x", test=np.arange(60) >= 40)
    monkeypatch.setattr(text, "load", lambda name: text_dataset)
    model, sizes = CHOICES[slug]
    config = projects.configure(slug, model=model, settings={**SMALL, **sizes, "length": 8})
    measured = projects.get(slug).baselines(projects.get(slug).prepare(config), config)
    assert "majority" in measured and ("tfidf_logistic_regression" in measured) is left
