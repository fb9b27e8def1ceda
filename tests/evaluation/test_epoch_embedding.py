"""Aligned embeddings of features by epoch, and how well they keep neighborhoods."""

import numpy as np
import pytest

from dlcore.evaluation.epoch_embedding import embed_epochs, reduce_features, trustworthiness


def clusters(seed, *, features=64, samples=300):
    """Return features (N, D) of three clusters."""
    rng = np.random.default_rng(seed)
    centers = 3 * rng.standard_normal((3, features))
    return (centers[np.arange(samples) % 3] + rng.standard_normal((samples, features))).astype(np.float32)


def test_features_that_only_turn_give_the_same_embedding_in_every_epoch():
    values = clusters(0, features=8)
    turned = [np.linalg.qr(np.random.default_rng(seed).standard_normal((8, 8)))[0] for seed in range(4)]
    points = embed_epochs([values @ turn for turn in turned])
    assert points.shape == (4, 300, 2)
    assert np.allclose(points, points[-1], atol=1e-5)
    assert np.sqrt((points**2).sum(axis=2).mean(axis=1)) == pytest.approx(1, abs=1e-6)


def test_embedding_moves_little_where_features_move_little():
    values, noise = clusters(1), np.random.default_rng(2).standard_normal((300, 64))
    points = embed_epochs([reduce_features(values + share * noise) for share in (0.2, 0.1, 0.0)])
    assert np.abs(points[1] - points[2]).mean() < 0.25 * np.abs(points[2] - points[2][::-1]).mean()


def test_reduction_keeps_the_directions_of_largest_variance():
    rng = np.random.default_rng(3)
    values = rng.standard_normal((400, 200)) * np.r_[np.full(5, 20.0), np.full(195, 0.1)]
    reduced = reduce_features(values).astype(np.float64)
    assert reduced.shape == (400, 32) and reduced.std() < 1
    distances = [((each[:50, None] - each[None, :50]) ** 2).sum(axis=2) for each in (values - values.mean(0), reduced)]
    assert np.corrcoef(distances[0].ravel(), distances[1].ravel())[0, 1] > 0.999
    assert np.array_equal(reduce_features(values), reduce_features(values))


def test_one_feature_is_drawn_on_a_line():
    points = embed_epochs([reduce_features(np.arange(6.0)[:, None])])
    assert np.abs(points[0, :, 1]).max() < 1e-6 and len(np.unique(points[0, :, 0])) == 6


@pytest.mark.parametrize("seed", [0, 1])
def test_trustworthiness_is_that_of_scikit_learn(seed):
    from sklearn import manifold

    values = clusters(seed, samples=200)
    points = np.random.default_rng(seed).standard_normal((200, 2)) + values[:, :2]
    expected = manifold.trustworthiness(values, points, n_neighbors=10)
    assert trustworthiness(values, points) == pytest.approx(expected)
    assert trustworthiness(values, values) == 1
