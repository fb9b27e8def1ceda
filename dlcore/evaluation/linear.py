"""Linear baselines from scikit-learn, fitted on the training part."""

import contextlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlcore.core.errors import DataError


def logistic_regression(
    train_inputs: np.ndarray, train_targets: np.ndarray, inputs: np.ndarray, *, classes: int
) -> np.ndarray:
    """Return probabilities (N, K) of multinomial logistic regression on flattened inputs (N, ...), scaled to
    about [0, 1].

    Sixty steps of L-BFGS: 6 s for 60,000 images of 784 values on two cores, within half a percent of the converged
    accuracy.
    """
    return LogisticRegression.fit(train_inputs, train_targets, classes=classes).predict(inputs)


@dataclass(frozen=True)
class LogisticRegression:
    """Multinomial logistic regression on D values: weights (K, D) and intercept (K,) of each class.

    They are zero for the first of two classes; the intercept of a class without training samples is minus infinity.
    """

    weights: np.ndarray
    intercept: np.ndarray

    @classmethod
    def fit(cls, inputs: np.ndarray, targets: np.ndarray, *, classes: int) -> "LogisticRegression":
        """Fit on inputs (N, ...) and class numbers (N,)."""
        return cls(*_fit_weights(_flatten(inputs), targets, classes=classes, C=0.1, max_iter=60))

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Return probabilities (N, K) of inputs (N, ...)."""
        return _softmax(_flatten(inputs) @ self.weights.T.astype(np.float64) + self.intercept)

    def as_arrays(self) -> dict[str, np.ndarray]:
        """Return weights and intercept by name."""
        return {"weights": self.weights, "intercept": self.intercept}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], *, size: int, classes: int) -> "LogisticRegression":
        """Inverse of `as_arrays`, for inputs of `size` values.

        Raises:
            DataError: the arrays have other shapes.
        """
        weights, intercept = (arrays.get(name, np.zeros(0)) for name in ("weights", "intercept"))
        if weights.shape != (classes, size) or intercept.shape != (classes,):
            raise DataError("the stored baseline is damaged: export the run again.")
        return cls(weights, intercept)


INVERSE_PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
FOLDS, TUNING_ROWS = 5, 5_000
SVM_STEPS = 100
"""Steps of L-BFGS for a support vector machine on dense features."""


def tuned_logistic_regression(
    train_inputs: np.ndarray, train_targets: np.ndarray, inputs: np.ndarray, *, classes: int
) -> tuple[np.ndarray, float]:
    """Return probabilities (N, K) of logistic regression on features (N, D), and its inverse penalty C: that of
    `INVERSE_PENALTIES` with the lowest log loss in stratified five-fold cross-validation on the training part.

    Of more than `TUNING_ROWS` training samples, a random part decides, and all are fitted. Too few for folds: C is 0.1.
    """
    best = choose_inverse_penalty(train_inputs, train_targets, classes=classes)
    weights, intercept = _fit_weights(train_inputs, train_targets, classes=classes, C=best, max_iter=300)
    return _softmax(inputs @ weights.T.astype(np.float64) + intercept), best


def choose_inverse_penalty(inputs: np.ndarray, targets: np.ndarray, *, classes: int) -> float:
    """Return the inverse penalty with the lowest log loss in cross-validation; see `tuned_logistic_regression`."""
    from sklearn.model_selection import StratifiedKFold

    rows = np.random.default_rng(0).permutation(len(targets))[:TUNING_ROWS]
    inputs, targets = inputs[rows], targets[rows]
    counts = np.bincount(targets)
    if counts[counts > 0].min() < FOLDS or (counts > 0).sum() < 2:
        return 0.1
    losses = dict.fromkeys(INVERSE_PENALTIES, 0.0)
    for train, held in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(inputs, targets):
        for penalty in INVERSE_PENALTIES:
            weights, intercept = _fit_weights(inputs[train], targets[train], classes=classes, C=penalty, max_iter=100)
            scores = _softmax(inputs[held] @ weights.T.astype(np.float64) + intercept)
            losses[penalty] -= float(np.log(scores[np.arange(len(held)), targets[held]].clip(1e-12)).sum())
    return min(losses, key=lambda penalty: losses[penalty])


def tfidf_logistic_regression(
    train_texts: Sequence[str], train_targets: np.ndarray, texts: Sequence[str], *, classes: int
) -> np.ndarray:
    """Return probabilities (N, K) of logistic regression on TF-IDF features of the 50,000 most frequent words."""
    return TfidfRegression.fit(train_texts, train_targets, classes=classes).predict(texts)


@dataclass(frozen=True)
class TfidfRegression:
    """Logistic regression on TF-IDF features of V words.

    words (V,) and their inverse document frequencies (V,); weights (K, V) and intercept (K,) of each class, zero for
    the first of two classes and minus infinity for a class without training texts.
    """

    words: tuple[str, ...]
    idf: np.ndarray
    weights: np.ndarray
    intercept: np.ndarray

    @classmethod
    def fit(cls, texts: Sequence[str], targets: np.ndarray, *, classes: int) -> "TfidfRegression":
        """Fit on texts and class numbers (N,).

        Raises:
            DataError: the texts contain no words.
        """
        vectorizer = _tfidf(min_df=2, max_features=50_000)
        features, _ = _count_words(vectorizer, texts, texts[:1])
        weights, intercept = _fit_weights(features, targets, classes=classes, C=4.0, max_iter=100)
        return cls(tuple(vectorizer.get_feature_names_out()), vectorizer.idf_, weights, intercept)

    def predict(self, texts: Sequence[str]) -> np.ndarray:
        """Return probabilities (N, K)."""
        vectorizer = _tfidf(vocabulary=self.words)
        vectorizer.idf_ = self.idf
        return _softmax(vectorizer.transform(texts) @ self.weights.T.astype(np.float64) + self.intercept)

    def as_arrays(self) -> dict[str, np.ndarray]:
        """Return its parts as arrays; words are UTF-8 bytes, one a line."""
        words = np.frombuffer("\n".join(self.words).encode(), np.uint8)
        return {"words": words, "idf": self.idf, "weights": self.weights, "intercept": self.intercept}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "TfidfRegression":
        """Inverse of `as_arrays`.

        Raises:
            DataError: the arrays do not fit together.
        """
        try:
            words = tuple(arrays["words"].tobytes().decode().split("\n"))
            weights, intercept, idf = (arrays[name] for name in ("weights", "intercept", "idf"))
        except (KeyError, UnicodeDecodeError):
            words, weights, intercept, idf = (), *3 * (np.zeros(0),)
        if weights.shape != (len(intercept), len(words)) or idf.shape != (len(words),):
            raise DataError("the stored baseline is damaged: export the run again.")
        return cls(words, idf, weights, intercept)


def _tfidf(**options: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(sublinear_tf=True, dtype=np.float32, **options)


def nb_svm(train_texts: Sequence[str], train_targets: np.ndarray, texts: Sequence[str], *, classes: int) -> np.ndarray:
    """Return scores (N, K) of NB-SVM: binary unigrams and bigrams weighted by naive Bayes' log-count ratio, then a
    linear support vector machine, one-vs-rest (Wang & Manning 2012).

    Decision values are rescaled so that a row sums to 1: valid for ranking and prediction, not as probabilities.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    pattern = r"(?u)\w+(?:'\w+)?|[!?]"  # single letters and marks count too
    vectorizer = CountVectorizer(ngram_range=(1, 2), min_df=2, binary=True, dtype=np.float32, token_pattern=pattern)
    train, test = _count_words(vectorizer, train_texts, texts)
    weights, intercept = fit_nb_svm(train, train_targets, classes=classes)
    margins = np.asarray(test @ weights.T + intercept)
    return _softmax(np.concatenate([-margins, margins], axis=1) if classes == 2 else margins)


def fit_nb_svm(
    features: Any, targets: np.ndarray, *, classes: int, inverse_penalty: float = 0.1, balanced: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return weights (K, D) and intercept (K,) of NB-SVM on binary features (N, D); one row for two classes.

    A class without training samples has the intercept -3.
    """
    from sklearn.svm import LinearSVC

    labels = list(range(classes)) if classes > 2 else [1]
    weights, intercept = np.zeros((len(labels), features.shape[1]), np.float32), np.full(len(labels), -3.0)
    for row, label in enumerate(labels):
        is_label = np.asarray(targets == label)
        if is_label.all() or not is_label.any():
            continue
        inside, outside = (np.asarray(features[rows].sum(axis=0)).ravel() + 1.0 for rows in (is_label, ~is_label))
        ratio = np.log((inside / inside.sum()) / (outside / outside.sum())).astype(np.float32)
        weight = "balanced" if balanced else None
        svm = LinearSVC(C=inverse_penalty, max_iter=1000, random_state=0, class_weight=weight)
        svm.fit(features.multiply(ratio).tocsr(), is_label)
        weights[row], intercept[row] = svm.coef_[0] * ratio, svm.intercept_[0]
    return weights, intercept


def fit_logistic_regression(
    features: Any, targets: np.ndarray, *, classes: int, inverse_penalty: float = 4.0, balanced: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return weights (K, D) and intercept (K,) of multinomial logistic regression on sparse features (N, D); of two
    classes, those of the first are zero."""
    weight = "balanced" if balanced else None
    return _fit_weights(features, targets, classes=classes, C=inverse_penalty, max_iter=100, class_weight=weight)


def trigram_svm(
    train_texts: Sequence[str], train_targets: np.ndarray, texts: Sequence[str], *, classes: int
) -> np.ndarray:
    """Return scores (N, K) of a linear support vector machine on TF-IDF of up to trigrams, rescaled as in `nb_svm`."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    vectorizer = TfidfVectorizer(
        ngram_range=(1, 3), sublinear_tf=True, dtype=np.float32, token_pattern=r"(?u)\w+|[!?']"
    )
    train, test = _count_words(vectorizer, train_texts, texts)
    svm = LinearSVC(C=1.0, random_state=0).fit(train, train_targets)
    decisions = svm.decision_function(test)
    margins = np.full((test.shape[0], classes), decisions.min() - 1.0)
    margins[:, svm.classes_.astype(int)] = (
        decisions if decisions.ndim == 2 else np.stack([-decisions, decisions], axis=1)
    )
    return _softmax(margins)


def linear_svm(
    train_inputs: np.ndarray, train_targets: np.ndarray, inputs: np.ndarray, *, classes: int, inverse_penalty: float
) -> np.ndarray:
    """Return scores (N, K) of a linear support vector machine on dense features (N, D), one-vs-rest with squared hinge
    loss, rescaled as in `nb_svm`.

    The objective is that of scikit-learn's `LinearSVC`; L-BFGS fits all classes at once, so that 60,000 samples of
    1,296 features take seconds.
    """
    from scipy import optimize

    features = _flatten(train_inputs)
    signs = np.where(train_targets[:, None] == np.arange(classes), 1, -1).astype(np.float32)

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(classes, -1)  # the last column is the intercept, penalized too
        narrow = weights.astype(np.float32)
        short = np.maximum(0, 1 - signs * (features @ narrow[:, :-1].T + narrow[:, -1]))
        push = (signs * short).T
        gradient = weights - 2 * inverse_penalty * np.c_[push @ features, push.sum(axis=1)]
        loss = (weights**2).sum() / 2 + inverse_penalty * (short.astype(np.float64) ** 2).sum()
        return float(loss), gradient.ravel()

    start = np.zeros(classes * (features.shape[1] + 1))
    solution = optimize.minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": SVM_STEPS})
    weights = solution.x.reshape(classes, -1)
    return _softmax(_flatten(inputs) @ weights[:, :-1].T + weights[:, -1])


def _count_words(vectorizer: Any, train_texts: Sequence[str], texts: Sequence[str]) -> tuple[Any, Any]:
    """Return word counts of both; if no word occurs twice in few texts, words that occur once are used too.

    Raises:
        DataError: the training texts contain no words.
    """
    for min_count in (vectorizer.min_df, 1):
        with contextlib.suppress(ValueError):  # scikit-learn raises it if no word remains
            vectorizer.set_params(min_df=min_count)
            return vectorizer.fit_transform(train_texts), vectorizer.transform(texts)
    raise DataError("the training texts contain no words.")


def _softmax(margins: np.ndarray) -> np.ndarray:
    powers = np.exp(margins - margins.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _flatten(inputs: np.ndarray) -> np.ndarray:
    return inputs.reshape(len(inputs), -1).astype(np.float32)


def _fit_weights(features: Any, targets: np.ndarray, *, classes: int, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return weights (K, D) and intercept (K,) of scikit-learn's logistic regression on features (N, D)."""
    from sklearn import linear_model

    weights, intercept = np.zeros((classes, features.shape[1]), np.float32), np.full(classes, -np.inf)
    present = np.unique(targets).astype(int)
    intercept[present] = 0.0
    if len(present) > 1:
        model = _converge(linear_model.LogisticRegression(**options), features, targets)
        places = present if len(model.coef_) > 1 else present[1:]
        weights[places], intercept[places] = model.coef_, model.intercept_
    return weights, intercept


def _converge(model: Any, train: Any, targets: np.ndarray) -> Any:
    """Fit the model; a limit on its steps is good enough for a baseline."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(train, targets)
