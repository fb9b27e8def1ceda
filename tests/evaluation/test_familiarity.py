"""Features and wording unlike the training data are measured as such, and what measures them round-trips."""

import numpy as np
import pytest

from dlcore.core.errors import DataError
from dlcore.data.text.corpora import general_english
from dlcore.evaluation.familiarity import Familiarity, familiarity_arrays
from dlcore.evaluation.feature_bank import NEIGHBORS, RANK, ROWS, FeatureBank
from dlcore.evaluation.wording import READ, WordingModel, excerpts, fit_wording


def cluster(n: int, *, seed: int, around: int = 0) -> np.ndarray:
    """Features (N, 60) around one of the axes, of different lengths."""
    rng = np.random.default_rng(seed)
    return (10 * np.eye(60)[around] + rng.normal(size=(n, 60))) * rng.uniform(0.5, 2, size=(n, 1))


def test_distance_is_the_mean_cosine_distance_to_the_nearest_rows():
    train = cluster(ROWS, seed=0)[:, : RANK - 1]  # fewer dimensions than the rank: nothing is projected away
    few = cluster(20, seed=1)[:, : RANK - 1]
    unit = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in (train, few)]
    expected = np.sort(1 - unit[1] @ unit[0].T, axis=1)[:, :NEIGHBORS].mean(axis=1)
    np.testing.assert_allclose(FeatureBank.fit(train).distances(few), expected, atol=5e-3)


def test_another_cluster_is_farther_than_the_same_one():
    bank = FeatureBank.fit(cluster(1000, seed=0))
    assert bank.distances(cluster(200, seed=1, around=7)).min() > bank.distances(cluster(200, seed=2)).max()


def test_few_and_constant_features_are_measured():
    assert FeatureBank.fit(np.ones((2, 3))).distances(np.ones((4, 3))) == pytest.approx(np.zeros(4), abs=0.02)
    assert np.isfinite(FeatureBank.fit(np.zeros((9, 3))).distances(np.zeros((1, 3)))).all()


SUBJECTS, VERBS = ("bank", "central bank", "oil firm", "minister", "union"), ("cut", "raised", "blamed", "sold")
OBJECTS = ("interest rates", "its quarterly forecast", "shares in the airline", "the trade deficit", "crude output")
NEWS = [
    f"The {subject} {verb} {thing} on {day}, analysts said."
    for subject in SUBJECTS
    for verb in VERBS
    for thing in OBJECTS
    for day in ("Monday", "Tuesday", "Friday")
]


@pytest.fixture(scope="module")
def fitted() -> tuple[WordingModel, dict[str, float]]:
    order = np.random.default_rng(0).permutation(len(NEWS))
    return fit_wording([NEWS[row] for row in order[:200]], [NEWS[row] for row in order[200:]], general_english())


def test_other_languages_and_subjects_exceed_the_limits(fitted):
    model, limits = fitted
    german = ["Gestern haben wir lange auf dem Balkon gesessen und geredet.", "Kannst du bitte noch Brot mitbringen?"]
    assert (model.measure(german)["language"] > limits["language"]).all()
    assert (model.measure(["Сегодня идёт дождь.", "今日は雨です"])["language"] > limits["language"]).all()
    everyday = ["My little sister baked a cake for us.", "Could you water my plants while I am away?"]
    assert (model.measure(everyday)["topic"] > limits["topic"]).all()
    assert (model.measure(NEWS)["topic"] > limits["topic"]).mean() <= 0.03


def test_only_the_start_of_a_long_text_is_compared(fitted):
    model, _ = fitted
    long = " ".join(NEWS)[:READ]
    assert model.measure([long]) == model.measure([long + "völlig andere Wörter" * 1000])


@pytest.mark.parametrize("text", ["", "?", "7", "\U0001f600", "a\u0301" * 700, "\ud800"])
def test_any_text_is_measured(fitted, text):
    assert all(np.isfinite(values).all() for values in fitted[0].measure([text]).values())


def test_excerpts_of_long_texts_are_short_and_short_texts_stay():
    few = excerpts(["one two three", " ".join(map(str, range(300)))], np.random.default_rng(0))
    assert few[0] == "one two three" and 6 <= len(few[1].split()) <= 25


def test_arrays_round_trip_and_damaged_ones_are_rejected(fitted):
    bank, wording = FeatureBank.fit(cluster(50, seed=0)), fitted[0]
    arrays = {f"bank_{name}": array for name, array in bank.as_arrays().items()}
    arrays |= {f"wording_{name}": array for name, array in wording.as_arrays().items()}
    assert familiarity_arrays({**arrays, "test_scores": np.zeros(3)}).keys() == arrays.keys()
    again, features = Familiarity.from_arrays(arrays), cluster(1, seed=1)
    assert again.measure(features, NEWS[0]) == Familiarity(bank, wording).measure(features, NEWS[0])
    assert set(again.measure(features)) == {"distance"} and Familiarity().measure(features, NEWS[0]) == {}
    with pytest.raises(DataError, match="bank has no array"):
        Familiarity.from_arrays({name: array for name, array in arrays.items() if name != "bank_rows"})
    for name, damaged in (("bank_rows", arrays["bank_rows"][:, 1:]), ("wording_topic", np.zeros(3))):
        with pytest.raises(DataError):
            Familiarity.from_arrays({**arrays, name: damaged})
