import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcore.data.stratify import stratified_sample, stratified_split


@settings(max_examples=50, deadline=None)
@given(
    labels=st.lists(st.integers(0, 4), min_size=1, max_size=200),
    share=st.floats(0.05, 0.9),
    seed=st.integers(0, 1000),
)
def test_stratified_split_is_disjoint_complete_and_keeps_shares(labels, share, seed):
    labels = np.array(labels)
    first, second = stratified_split(labels, share, seed=seed)
    assert sorted([*first, *second]) == list(range(len(labels)))
    for label in np.unique(labels):
        count, sampled = (labels == label).sum(), (labels[second] == label).sum()
        assert abs(sampled - share * count) <= 1
        assert count < 2 or 0 < sampled < count


def test_seed_is_reproducible():
    labels = np.arange(300) % 3
    first, again, other = (stratified_split(labels, 0.3, seed=seed)[1] for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


@pytest.mark.parametrize(("rows", "expected"), [(0, 300), (300, 300), (1000, 300), (30, 30)])
def test_sample_size(rows, expected):
    assert len(stratified_sample(np.arange(300) % 3, rows, seed=0)) == expected
