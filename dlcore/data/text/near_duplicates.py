"""Near-duplicate texts: those that share most of their runs of three words."""

from collections.abc import Sequence

import numpy as np

SHINGLE = 3
THRESHOLD = 0.7
"""Minimum Jaccard similarity of the sets of shingles (Broder 1997)."""
MAX_SHARED = 200
"""Shingles in more texts than this ("one of the") are not counted as shared: the product stays sparse."""
_BUCKETS = 2**24
_BLOCK = 4096


def near_pairs(texts: Sequence[str]) -> np.ndarray:
    """Return pairs (P, 2) of indices, the lower first, of texts that are equal or nearly so."""
    from sklearn.feature_extraction.text import HashingVectorizer

    hashing = HashingVectorizer(
        n_features=_BUCKETS, ngram_range=(SHINGLE, SHINGLE), binary=True, norm=None, alternate_sign=False
    )
    shingles = hashing.transform(texts).tocsr()
    sizes = np.diff(shingles.indptr)
    frequency = np.bincount(shingles.indices, minlength=_BUCKETS)
    columns = np.flatnonzero((frequency > 1) & (frequency <= MAX_SHARED))
    shared = shingles[:, columns].tocsr()
    pairs = []
    for start in range(0, len(texts), _BLOCK):
        common = (shared[start : start + _BLOCK] @ shared.T).tocoo()
        left, right = common.row + start, common.col
        jaccard = common.data / np.maximum(1, sizes[left] + sizes[right] - common.data)
        is_pair = (left < right) & (jaccard >= THRESHOLD)
        pairs.append(np.stack([left[is_pair], right[is_pair]], axis=1))
    return np.concatenate(pairs).astype(np.int64) if pairs else np.empty((0, 2), np.int64)
