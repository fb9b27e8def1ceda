"""Associative recall: each sequence has one answer, and texts are parsed."""

import numpy as np
import pytest

from dlcore.core.errors import DataError
from dlcore.data.text import recall


@pytest.mark.parametrize("question", ["first", "last"])
def test_each_query_has_one_answer_in_its_sequence(question):
    sequences = recall.make_sequences(300, pairs=6, question=question, seed=1)
    for letters, values, answer in zip(sequences.letters, sequences.values, sequences.answers, strict=True):
        words = recall.format_sequence(letters, values)
        query = words[0] if question == "first" else words[-1]
        assert query[1] == "?" and [word for word in words if word[0] == query[0]].count(query) == 1
        assert f"{query[0]}{answer}" in words and len({word[0] for word in words}) == len(words) - 1
        assert recall.MIN_PAIRS <= len(words) - 1 <= 6
        read = recall.parse_sequence(" ".join(words), pairs=6)
        assert np.array_equal(read[0][0], letters[values > 0]) and np.array_equal(read[1][0], values[values > 0])


def test_seed_is_reproducible():
    assert (
        recall.make_sequences(50, pairs=4, question="last", seed=3).checksum
        == recall.make_sequences(50, pairs=4, question="last", seed=3).checksum
        != recall.make_sequences(50, pairs=4, question="last", seed=4).checksum
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "one question"),
        ("a3 b7", "one question"),
        ("a? b?", "one question"),
        ("a3 zz a?", "'zz'"),
        ("a?", "0 pairs"),
        ("a1 b1 c1 d1 a?", "4 pairs"),
    ],
)
def test_invalid_sequence_is_rejected(text, message):
    with pytest.raises(DataError, match=message):
        recall.parse_sequence(text, pairs=3)
