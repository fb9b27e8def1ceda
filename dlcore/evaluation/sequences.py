"""Evaluate generated sequences: exact match with its interval, and baselines."""

from collections.abc import Sequence

import numpy as np

from dlcore.evaluation import uncertainty


def exact_match(answers: Sequence[str], targets: Sequence[str]) -> dict[str, float]:
    """Return the share of outputs that are correct in every symbol, with Wilson's interval."""
    return share_correct(
        np.array([answer == target for answer, target in zip(answers, targets, strict=True)], dtype=bool)
    )


def share_correct(correct: np.ndarray) -> dict[str, float]:
    """Return `exact_match` and its interval from correct (N,) flags."""
    low, high = uncertainty.wilson(int(correct.sum()), len(correct))
    return {"exact_match": float(correct.mean()), "exact_match_low": low, "exact_match_high": high}


def nearest_neighbor(train_sources: Sequence[str], train_targets: Sequence[str], sources: Sequence[str]) -> list[str]:
    """Return the target of the most similar training source, by TF-IDF of character 1- to 3-grams."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(
        analyzer="char", ngram_range=(1, 3), sublinear_tf=True, dtype=np.float32, lowercase=False
    )
    known, queries = vectorizer.fit_transform(train_sources), vectorizer.transform(sources)
    predictions: list[str] = []
    for start in range(0, queries.shape[0], 200):  # 200 x 40,000 similarities at once
        similarity = (queries[start : start + 200] @ known.T).toarray()
        predictions += [train_targets[index] for index in similarity.argmax(axis=1).tolist()]
    return predictions


def parsed_dates(sources: Sequence[str]) -> list[str]:
    """Parse dates with pandas, day first; empty if parsing fails."""
    import pandas as pd

    dates = []
    for source in sources:
        try:
            day = pd.to_datetime(source, dayfirst=True)
            dates.append("" if pd.isna(day) else day.date().isoformat())
        except (ValueError, OverflowError):
            dates.append("")
    return dates
