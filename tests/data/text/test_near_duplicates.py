"""Near-duplicate texts by shingles."""

from dlcore.data.text.near_duplicates import near_pairs

STORY = "the quick brown fox jumps over the lazy dog while the farmer sleeps in the old barn by the river"


def test_only_copies_and_small_changes_are_paired():
    texts = [
        STORY,
        "an entirely different sentence about the price of oil in europe",
        STORY.replace("barn", "house"),
        STORY.upper(),
        " ".join(reversed(STORY.split())),
        "",
    ]
    assert {tuple(pair) for pair in near_pairs(texts).tolist()} == {(0, 2), (0, 3), (2, 3)}


def test_common_phrases_alone_pair_nothing():
    texts = [f"what is the name of the {name} {name} {name} that" for name in ("king", "river", "city", "dog")]
    assert not len(near_pairs(texts))
