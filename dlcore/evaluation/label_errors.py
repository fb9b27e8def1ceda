"""Samples whose labels are probably wrong: confident learning on out-of-fold probabilities.

Source: Northcutt, Jiang & Chuang 2021, Confident learning: estimating uncertainty in dataset labels.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlcore.core import progress

FOLDS = 5
DENSE_C, SPARSE_C = 0.01, 4.0
"""Inverse L2 penalty of the logistic regression on standardized features, and on TF-IDF."""
MAX_ITERATIONS = 100


@dataclass(frozen=True)
class LabelErrors:
    """Suspected label errors among N samples of K classes.

    `ranking` (N,) orders all samples by `confidence`, the most probable error first; `suspects` are the first ones of
    it that are suspected. `suggested` (N,) is the most probable class, `confidence` (N,) the probability of the label.
    `joint` (K, K) counts samples by label and estimated true class.
    """

    ranking: np.ndarray
    suspects: np.ndarray
    suggested: np.ndarray
    confidence: np.ndarray
    joint: np.ndarray

    @property
    def estimate(self) -> float:
        """Estimated number of wrong labels."""
        return float(self.joint.sum() - np.trace(self.joint))


def find_label_errors(probabilities: np.ndarray, labels: np.ndarray) -> LabelErrors:
    """Find suspected label errors from out-of-fold probabilities (N, K) and labels (N,).

    The confident joint says how many: a sample counts if the most probable of its confident classes is not its label.
    A class is confident if its probability reaches the mean that samples with that label have. The ranking says which:
    the samples with the lowest confidence in their label, if another class is the most probable one.
    """
    thresholds = _thresholds(probabilities, labels)
    confident = _confident_class(probabilities, thresholds)
    suggested = probabilities.argmax(axis=1)
    confidence = probabilities[np.arange(len(labels)), labels]
    ranking = np.argsort(confidence, kind="stable")
    count = int(((confident >= 0) & (confident != labels)).sum())
    candidates = ranking[suggested[ranking] != labels[ranking]]
    joint = _calibrate_joint(confident, labels, classes=probabilities.shape[1])
    return LabelErrors(ranking, candidates[:count], suggested, confidence, joint)


def rank_by_loss(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Rank samples (N,) by cross-entropy loss, highest first: the plain alternative."""
    return np.argsort(probabilities[np.arange(len(labels)), labels], kind="stable")


def _thresholds(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the mean probability (K,) of each class over the samples with that label; infinite without samples."""
    thresholds = np.full(probabilities.shape[1], np.inf)
    for label in np.unique(labels):
        thresholds[label] = probabilities[labels == label, label].mean()
    return thresholds


def _confident_class(probabilities: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return the most probable class (N,) among those whose probability reaches their threshold; -1: none does."""
    reached = np.where(probabilities >= thresholds - 1e-9, probabilities, -1.0)
    return np.where(reached.max(axis=1) >= 0, reached.argmax(axis=1), -1)


def _calibrate_joint(confident: np.ndarray, labels: np.ndarray, *, classes: int) -> np.ndarray:
    """Return the confident joint (K, K), scaled so that its rows sum to the number of samples with each label."""
    joint = np.zeros((classes, classes))
    counted = confident >= 0
    np.add.at(joint, (labels[counted], confident[counted]), 1.0)
    empty = joint.sum(axis=1) == 0
    joint[empty, empty] = 1.0
    counts = np.bincount(labels, minlength=classes).astype(np.float64)
    calibrated: np.ndarray = joint / joint.sum(axis=1, keepdims=True) * counts[:, None]
    return calibrated


def out_of_fold_probabilities(
    features: Any, labels: np.ndarray, groups: np.ndarray, *, classes: int, is_test: np.ndarray | None = None
) -> np.ndarray:
    """Return probabilities (N, K) of logistic regression on features (N, D), fitted without the sample's fold.

    features: dense, which are standardized, or a sparse matrix. groups (N,): samples of a group share a fold, so that a
    duplicate does not vouch for its copy. is_test (N,): these samples are predicted from all others and fit nothing.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    test = np.zeros(len(labels), bool) if is_test is None else is_test
    learn = np.flatnonzero(~test)
    probabilities = np.full((len(labels), classes), 1.0 / classes)
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a class may have fewer samples than folds
        splits = [
            (learn[train], learn[left_out])
            for train, left_out in folds.split(learn[:, None], labels[learn], groups[learn])
        ]
    if test.any():
        splits.append((learn, np.flatnonzero(test)))
    for number, (train, left_out) in enumerate(splits):
        progress.report("cross-validating", number, len(splits))
        probabilities[left_out] = _predict(features, labels, train, left_out, classes=classes)
    return probabilities


def _predict(features: Any, labels: np.ndarray, train: np.ndarray, left_out: np.ndarray, *, classes: int) -> np.ndarray:
    """Return probabilities (M, K) of the samples left out, by a model of the others."""
    from scipy.sparse import issparse
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    present = np.unique(labels[train])
    if len(present) < 2:
        return np.full((len(left_out), classes), 1.0 / classes)
    model: Any = LogisticRegression(C=SPARSE_C if issparse(features) else DENSE_C, max_iter=MAX_ITERATIONS)
    if not issparse(features):
        model = make_pipeline(StandardScaler(), model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features[train], labels[train])
    probabilities = np.zeros((len(left_out), classes))
    probabilities[:, present] = model.predict_proba(features[left_out])
    return probabilities
