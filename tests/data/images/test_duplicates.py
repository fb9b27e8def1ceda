import numpy as np
import pytest
from PIL import Image

from dlcore.data.images import duplicates


def photographs(n: int, side: int = 48) -> np.ndarray:
    """Smooth patterns in colour, each of its own."""
    small = np.random.default_rng(0).integers(0, 256, (n, 7, 7, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(one).resize((side, side))) for one in small])


def test_exact_and_near_duplicates_are_found():
    pixels = photographs(300)
    darker = (pixels[1] * 0.8).astype(np.uint8)
    again = np.asarray(Image.fromarray(pixels[2]).resize((40, 40)).resize((48, 48)))
    cut = np.asarray(Image.fromarray(pixels[3][1:, 1:]).resize((48, 48)))
    found = duplicates.find(np.concatenate([pixels, [pixels[0], darker, again, cut, pixels[0]]]), np.zeros(305, int))
    assert found.groups[300:].tolist() == [0, 1, 2, 3, 0]
    assert np.array_equal(found.groups[:300], np.arange(300))
    assert (found.exact, found.near, found.conflicts) == (2, 3, 0)


def test_duplicate_with_two_labels_is_a_conflict():
    pixels = photographs(4)
    found = duplicates.find(pixels[[0, 1, 2, 3, 0]], np.array([0, 0, 1, 1, 1]))
    assert found.conflicts == 1 and found.exact == 1


def test_uniform_images_are_not_near_duplicates():
    plain = np.stack([np.full((32, 32, 3), level, np.uint8) for level in range(20)])
    assert duplicates.find(plain, np.zeros(20, int)).near == 0


def test_small_images_have_only_exact_duplicates():
    found = duplicates.find(np.zeros((3, 8, 8), np.uint8), np.zeros(3, int))
    assert found.exact == 2 and found.near is None


@pytest.mark.parametrize("seed", range(5))
def test_grouped_split_keeps_groups_and_class_shares(seed):
    drawn = np.random.default_rng(seed)
    labels = drawn.integers(0, 3, 900)
    groups = np.arange(900)
    copies = drawn.permutation(900)[:120].reshape(-1, 4)  # thirty groups of four
    for copy in copies:
        labels[copy], groups[copy] = labels[copy[0]], copy[0]
    rest, taken = duplicates.grouped_stratified_split(labels, groups, 0.2, seed=seed)
    assert not set(groups[rest]) & set(groups[taken])
    assert sorted([*rest, *taken]) == list(range(900))
    for k in range(3):
        assert abs((labels[taken] == k).sum() / (labels == k).sum() - 0.2) < 0.06


def test_planted_leak_is_detected():
    """A split that knows nothing of the groups tears some apart; ours does not."""
    labels, groups = np.zeros(200, int), np.repeat(np.arange(100), 2)
    from dlcore.data.stratify import stratified_split

    torn = [
        len(set(groups[a]) & set(groups[b]))
        for a, b in (
            stratified_split(labels, 0.3, seed=0),
            duplicates.grouped_stratified_split(labels, groups, 0.3, seed=0),
        )
    ]
    assert torn[0] > 0 and torn[1] == 0
