"""Nearest windows: the reconstruction by hand, alignment in the period, overlap, thinning."""

import numpy as np
import pytest
import torch

from dlcore.models.nearest_windows import NearestWindows, NearestWindowsConfig
from dlcore.models.pattern_store import MOST_CANDIDATES


def detector(values, *, window=4, places=1, usable=None, first_place=0, **options):
    module = NearestWindows(NearestWindowsConfig(**options), window=window, places=places, points=len(values))
    usable = torch.ones(len(values), dtype=torch.bool) if usable is None else usable
    module.store(torch.as_tensor(values, dtype=torch.float32), usable, first_place=first_place)
    return module


def reconstruct(module, windows, index=-1, offset=0):
    windows = torch.as_tensor(windows, dtype=torch.float32)[:, :, None]
    count, length, _ = windows.shape
    indices = torch.full((count, length), -1) if index < 0 else index + torch.arange(length).repeat(count, 1)
    return module(windows, indices, torch.full((count,), offset)).numpy()


def test_reconstruction_equals_a_plain_search():
    rng = np.random.default_rng(0)
    values, windows = rng.normal(size=40), rng.normal(size=(5, 8))
    result = reconstruct(detector(values, window=8, neighbors=2, scales=2), windows)
    assert result.shape == (5, 2, 8)
    for scale, length in enumerate((8, 4)):
        ends = np.arange(7, 40)  # neighbors of the short windows end where long ones do
        stored = np.stack([values[end - length + 1 : end + 1] for end in ends])
        for row, window in enumerate(windows):
            nearest = np.argsort(((stored - window[8 - length :]) ** 2).sum(axis=1))[:2]
            assert result[row, scale, 8 - length :] == pytest.approx(stored[nearest].mean(axis=0), abs=1e-5)
            assert result[row, scale, : 8 - length] == pytest.approx(window[: 8 - length])


def test_windows_are_compared_at_the_same_time_of_the_period():
    values = np.tile([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 5)
    module = detector(values, places=6, neighbors=1, scales=1, tolerance=0)
    shifted = values[1:5][None]  # occurs, but one step later in the period
    assert reconstruct(module, shifted, offset=0)[0, 0] == pytest.approx(values[0:4])
    assert reconstruct(module, shifted, offset=1)[0, 0] == pytest.approx(shifted[0])
    assert reconstruct(detector(values, places=6, neighbors=1, scales=1, tolerance=1), shifted)[0, 0] == pytest.approx(
        shifted[0]
    )
    later = detector(values, places=6, neighbors=1, scales=1, tolerance=0, first_place=1)
    assert reconstruct(later, shifted, offset=2)[0, 0] == pytest.approx(shifted[0])


def test_a_training_window_is_not_its_own_neighbor():
    values = np.arange(20.0)
    values[12:] += 5  # the next window is farther away than the one before
    module = detector(values, neighbors=1, scales=1)
    assert reconstruct(module, values[None, 8:12])[0, 0] == pytest.approx(values[8:12])
    assert reconstruct(module, values[None, 8:12], index=8)[0, 0] == pytest.approx(values[4:8])


def test_unusable_points_serve_no_window():
    values, usable = np.arange(20.0), torch.ones(20, dtype=torch.bool)
    usable[10] = False
    assert reconstruct(detector(values, usable=usable, neighbors=1, scales=1), values[None, 8:12])[
        0, 0
    ] == pytest.approx(values[6:10])


def test_many_windows_are_thinned_and_few_still_give_an_answer():
    module = detector(np.arange(3.0 * MOST_CANDIDATES), neighbors=1, scales=1)
    assert module.candidates().shape[1] <= MOST_CANDIDATES
    assert np.isfinite(reconstruct(detector(np.arange(4.0)), np.zeros((2, 4)), index=0)).all()


@pytest.mark.parametrize(("places", "tolerance"), [(1, 2), (2, 2), (5, 1), (24, 4), (300, 3)])
def test_candidates_end_at_the_same_time_of_the_period(places, tolerance):
    usable = torch.ones(240, dtype=torch.bool)
    usable[100:110] = False
    module = detector(np.arange(240.0), places=places, tolerance=tolerance, usable=usable, first_place=3)
    ends = [end for end in range(3, 240) if usable[end - 3 : end + 1].all()]
    reach = min(tolerance, (places - 1) // 2)
    for place, row in enumerate(module.candidates().tolist()):
        distance = [abs((end + 3 - place + places // 2) % places - places // 2) for end in ends]
        expected = [end for end, shift in zip(ends, distance, strict=True) if shift <= reach]
        assert [end for end in row if end >= 0] == expected


def test_without_mean_a_new_level_is_no_anomaly():
    rng = np.random.default_rng(0)
    values = rng.normal(size=40)
    window = values[None, 8:16] + 100
    options = {"window": 8, "neighbors": 1, "scales": 2}
    plain, without = (reconstruct(detector(values, remove_mean=remove, **options), window) for remove in (False, True))
    assert np.abs(plain - window[:, None]).max() > 90
    assert without == pytest.approx(np.repeat(window[:, None], 2, axis=1), abs=1e-4)  # the window itself is stored


def test_self_matches_are_found_only_if_they_are_allowed():
    values = np.random.default_rng(0).normal(size=40)
    options = {"neighbors": 1, "scales": 1}
    windows = values[None, 8:12]
    assert np.abs(reconstruct(detector(values, **options), windows, index=8)[0, 0] - windows[0]).max() > 0.01
    matched = reconstruct(detector(values, exclude_self=False, **options), windows, index=8)
    assert matched[0, 0] == pytest.approx(windows[0], abs=1e-6)


def test_period_is_used_only_if_it_is_asked_for():
    values = np.arange(24) % 6.0
    shifted = values[None, 7:11]  # a window that is stored at another place of the period only
    options = {"places": 6, "neighbors": 1, "scales": 1, "tolerance": 0}
    assert np.abs(reconstruct(detector(values, **options), shifted, offset=0)[0, 0] - shifted[0]).max() > 0.5
    assert reconstruct(detector(values, use_period=False, **options), shifted, offset=0)[0, 0] == pytest.approx(
        shifted[0]
    )
