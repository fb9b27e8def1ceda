"""Histograms of oriented gradients: bars of one direction, contrast, and their size."""

import numpy as np
import pytest

from dlcore.data.images.hog import ORIENTATIONS, hog


def stripes(degrees, side=28):
    """Return an image (H, W) of soft stripes whose brightness changes in that direction, as rows count downwards."""
    rows, columns = np.mgrid[:side, :side]
    wave = np.sin(0.7 * (columns * np.cos(np.deg2rad(degrees)) + rows * np.sin(np.deg2rad(degrees))))
    return 100 + 40 * wave


@pytest.mark.parametrize("turn", range(ORIENTATIONS))
def test_stripes_vote_for_their_direction(turn):
    features = hog(stripes(turn * 180 / ORIENTATIONS)[None])
    assert features.shape == (1, 6 * 6 * 4 * ORIENTATIONS) and features.dtype == np.float32
    votes = features.reshape(-1, ORIENTATIONS).sum(axis=0)
    assert votes.argmax() == turn


def test_contrast_and_inversion_change_little():
    image = stripes(40)[None]
    assert np.allclose(hog(0.5 * image), hog(image), atol=1e-3)
    assert np.corrcoef(hog(200 - image)[0], hog(image)[0])[0, 1] > 0.9
    assert np.isfinite(hog(np.zeros((2, 8, 8)))).all()
