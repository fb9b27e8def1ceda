import numpy as np
import pytest
from PIL import Image

from dlcore.data.images import duplicates


def smooth_images(n: int, side: int = 48) -> np.ndarray:
    """Return `n` different smooth color patterns."""
    patterns = np.random.default_rng(0).integers(0, 256, (n, 7, 7, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(pattern).resize((side, side))) for pattern in patterns])


def test_exact_and_near_duplicates_are_found():
    pixels = smooth_images(300)
    darker = (pixels[1] * 0.8).astype(np.uint8)
    again = np.asarray(Image.fromarray(pixels[2]).resize((40, 40)).resize((48, 48)))
    cut = np.asarray(Image.fromarray(pixels[3][1:, 1:]).resize((48, 48)))
    groups = duplicates.find(np.concatenate([pixels, [pixels[0], darker, again, cut, pixels[0]]]), np.zeros(305, int))
    assert groups.groups[300:].tolist() == [0, 1, 2, 3, 0]
    assert np.array_equal(groups.groups[:300], np.arange(300))
    assert (groups.exact, groups.near, groups.conflicts) == (2, 3, 0)


def test_duplicate_with_two_labels_is_a_conflict():
    pixels = smooth_images(4)
    groups = duplicates.find(pixels[[0, 1, 2, 3, 0]], np.array([0, 0, 1, 1, 1]))
    assert groups.conflicts == 1 and groups.exact == 1


def test_uniform_images_are_not_near_duplicates():
    plain = np.stack([np.full((32, 32, 3), level, np.uint8) for level in range(20)])
    assert duplicates.find(plain, np.zeros(20, int)).near == 0


def test_small_images_have_only_exact_duplicates():
    groups = duplicates.find(np.zeros((3, 8, 8), np.uint8), np.zeros(3, int))
    assert groups.exact == 2 and groups.near is None


@pytest.mark.parametrize("seed", range(5))
def test_grouped_split_keeps_groups_and_class_shares(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, 900)
    groups = np.arange(900)
    copies = rng.permutation(900)[:120].reshape(-1, 4)  # thirty groups of four
    for copy in copies:
        labels[copy], groups[copy] = labels[copy[0]], copy[0]
    train, test = duplicates.grouped_stratified_split(labels, groups, 0.2, seed=seed)
    assert not set(groups[train]) & set(groups[test])
    assert sorted([*train, *test]) == list(range(900))
    for k in range(3):
        assert abs((labels[test] == k).sum() / (labels == k).sum() - 0.2) < 0.06


def test_planted_leak_is_detected():
    """A split without groups separates duplicates; the grouped split does not."""
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
