"""Evaluate generated sequences: exact match with its interval, and baselines."""

from collections.abc import Sequence

import numpy as np

from dlcore.evaluation import uncertainty


def exact_match(answers: Sequence[str], targets: Sequence[str]) -> dict[str, float]:
    """Return the share of outputs that are correct in every symbol, with Wilson's interval."""
    return share_correct(
        np.array([answer == target for answer, target in zip(answers, targets, strict=True)], dtype=bool)
    )


def share_correct(right: np.ndarray) -> dict[str, float]:
    """Return `exact_match` and its interval from correct (N,) flags."""
    low, high = uncertainty.wilson(int(right.sum()), len(right))
    return {"exact_match": float(right.mean()), "exact_match_low": low, "exact_match_high": high}


def nearest_neighbor(train_sources: Sequence[str], train_targets: Sequence[str], sources: Sequence[str]) -> list[str]:
    """Return the target of the most similar training source, by TF-IDF of character 1- to 3-grams."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    counter = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, dtype=np.float32, lowercase=False)
    known, asked = counter.fit_transform(train_sources), counter.transform(sources)
    found: list[str] = []
    for start in range(0, asked.shape[0], 200):  # 200 x 40,000 similarities at once
        likeness = (asked[start : start + 200] @ known.T).toarray()
        found += [train_targets[place] for place in likeness.argmax(axis=1).tolist()]
    return found


def parsed_dates(sources: Sequence[str]) -> list[str]:
    """Parse dates with pandas, day first; empty where parsing fails."""
    import pandas as pd

    found = []
    for source in sources:
        try:
            day = pd.to_datetime(source, dayfirst=True)
            found.append("" if pd.isna(day) else day.date().isoformat())
        except (ValueError, OverflowError):
            found.append("")
    return found
