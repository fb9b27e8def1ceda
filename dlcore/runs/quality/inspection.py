"""Inspect the data of a finished classifier: label errors, duplicates and leaks, hard samples, weak slices."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dlcore import projects
from dlcore.core import progress
from dlcore.core.errors import RequestError
from dlcore.data.images import duplicates as image_duplicates
from dlcore.data.images.transforms import resize
from dlcore.data.splits import SPLITS, Prepared
from dlcore.data.text import near_duplicates as text_duplicates
from dlcore.evaluation import label_errors, slices
from dlcore.evaluation.label_errors import LabelErrors
from dlcore.evaluation.learning_dynamics import LearningDynamics, measure_dynamics
from dlcore.evaluation.slices import Slice
from dlcore.projects import classification
from dlcore.projects.project import LoadedModel
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.paired_tests import correct_classes
from dlcore.runs.quality.samples import RunSamples, collect_samples

STEPS = ("preparing the data", "computing features", "cross-validating", "comparing samples", "measuring slices")
SIDE = 16
"""Side of the images that logistic regression reads."""


@dataclass(frozen=True)
class DataQuality:
    """Findings about the N samples of a run; arrays are in the order of `samples`.

    `probabilities` (N, K) are out of fold, `method` says of what model. `groups` (N,) are duplicates: the index of the
    first sample of the group. `dynamics` covers the training samples, None if the run recorded none. `slices` are those
    of the test split.
    """

    samples: RunSamples
    probabilities: np.ndarray
    method: str
    errors: LabelErrors
    groups: np.ndarray
    dynamics: LearningDynamics | None
    slices: list[Slice]

    @property
    def leaks(self) -> np.ndarray:
        """Indices of test samples that repeat a sample of training or validation."""
        is_test = self.samples.is_test
        return np.flatnonzero(is_test & np.isin(self.groups, self.groups[~is_test]))

    @property
    def hardest(self) -> np.ndarray:
        """Indices of all samples by out-of-fold loss, highest first."""
        return label_errors.rank_by_loss(self.probabilities, self.samples.labels)

    @property
    def never_learned(self) -> np.ndarray:
        """Indices of training samples that no epoch predicted correctly."""
        return np.zeros(0, np.int64) if self.dynamics is None else np.flatnonzero(self.dynamics.is_never_learned)

    @property
    def forgotten(self) -> np.ndarray:
        """Indices of training samples that were forgotten at least once, the most often forgotten first."""
        if self.dynamics is None:
            return np.zeros(0, np.int64)
        order = np.argsort(-self.dynamics.forgotten, kind="stable")
        return order[self.dynamics.forgotten[order] > 0]

    @property
    def repeats(self) -> np.ndarray:
        """Indices of samples that repeat an earlier one."""
        return np.flatnonzero(self.groups != np.arange(len(self.groups)))

    def describe_sample(self, index: int) -> dict[str, Any]:
        """Describe one sample as JSON values."""
        samples, suggested = self.samples, int(self.errors.suggested[index])
        label = int(samples.labels[index])
        row: dict[str, Any] = {
            "part": SPLITS[samples.parts[index]],
            "row": int(samples.ids[index]),
            "label": samples.names[label],
            "suggested": samples.names[suggested],
            "probability_of_label": float(self.probabilities[index, label]),
            "probability_of_suggested": float(self.probabilities[index, suggested]),
        }
        return row | ({"text": samples.texts[index]} if samples.texts is not None else {})

    def as_json(self, *, limit: int = 50) -> dict[str, Any]:
        """Summarize as JSON values, with at most `limit` samples of each kind."""

        def some(indices: np.ndarray) -> list[dict[str, Any]]:
            return [self.describe_sample(int(index)) for index in indices[:limit]]

        return {
            "samples": len(self.samples),
            "method": self.method,
            "label_errors": {
                "suspects": len(self.errors.suspects),
                "estimated": round(self.errors.estimate),
                "samples": some(self.errors.suspects),
            },
            "duplicates": {"repeated": len(self.repeats), "samples": some(self.repeats)},
            "leaks": {"test_samples": len(self.leaks), "samples": some(self.leaks)},
            "hardest": some(self.hardest),
            "never_learned": {"count": len(self.never_learned), "samples": some(self.never_learned)},
            "forgotten": {"count": len(self.forgotten), "samples": some(self.forgotten)},
            "epochs_recorded": 0 if self.dynamics is None else self.dynamics.epochs,
            "slices": [asdict(part) for part in self.slices],
        }


def inspect_run(bundle: Bundle) -> DataQuality:
    """Inspect the data that a finished classifier was trained on; reports progress.

    Raises:
        RequestError: the run is no classifier of images or texts.
        DataError: its dataset is not on this machine, or has changed.
        RunError: the bundle cannot be read.
    """
    project = projects.get(bundle.config.project)
    if project.task.name != "classification":
        raise RequestError(f"'{project.slug}' is no classifier: data quality needs one label per sample.")
    _report(0)
    prepared = project.prepare(bundle.config)
    samples = collect_samples(prepared)
    _report(1)
    features = compute_features(bundle.load(), prepared)
    groups = find_duplicates(samples)
    _report(2)
    probabilities, method = estimate_probabilities(features, samples, groups)
    _report(4)
    return DataQuality(
        samples=samples,
        probabilities=probabilities,
        method=method,
        errors=label_errors.find_label_errors(probabilities, samples.labels),
        groups=groups,
        dynamics=_dynamics(bundle, prepared),
        slices=_slices(bundle, samples),
    )


def _report(step: int) -> None:
    progress.report(STEPS[step], step, len(STEPS))


def compute_features(loaded: LoadedModel, prepared: Prepared) -> np.ndarray | None:
    """Return the penultimate features (N, D) of all samples without augmentation; None if the network has none."""
    parts = [classification.compute_features(loaded.module, prepared, name) for name in SPLITS]
    features = [part for part in parts if part is not None and np.isfinite(part).all()]
    return np.concatenate(features) if len(features) == len(SPLITS) else None


def estimate_probabilities(
    features: np.ndarray | None, samples: RunSamples, groups: np.ndarray
) -> tuple[np.ndarray, str]:
    """Return out-of-fold probabilities (N, K), and of what model.

    The mean of logistic regressions on the network's features, which may have memorized labels, and on TF-IDF or the
    pixels of gray images, which have not; of color images, only the first. Training and validation samples are
    cross-validated; test samples are predicted by a model of all of those, so no test label is used for another sample.
    """
    inputs = _model_inputs(features, samples)
    probabilities = [
        label_errors.out_of_fold_probabilities(
            values, samples.labels, groups, classes=len(samples.names), is_test=samples.is_test
        )
        for values in inputs.values()
    ]
    method = f"logistic regression on {' and '.join(inputs)}, {label_errors.FOLDS}-fold cross-validation"
    return np.mean(probabilities, axis=0), method


def _model_inputs(features: np.ndarray | None, samples: RunSamples) -> dict[str, Any]:
    """Return what logistic regressions are fitted on, by name."""
    inputs: dict[str, Any] = {} if features is None else {"the network's features": features}
    if samples.texts is not None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2, dtype=np.float32)
        return inputs | {"TF-IDF": vectorizer.fit_transform(samples.texts).tocsr()}
    assert samples.images is not None
    if inputs and samples.images.ndim == 4:  # pixels of photos say too little
        return inputs
    return inputs | {"pixels": resize(samples.images, SIDE).reshape(len(samples), -1).astype(np.float32)}


def find_duplicates(samples: RunSamples) -> np.ndarray:
    """Return for every sample the index of the first one of its group of exact and near duplicates (N,).

    Texts by shingles; images by equal pixels, color images also by correlated thumbnails.
    """
    if samples.texts is not None:
        return image_duplicates.connect(len(samples), text_duplicates.near_pairs(samples.texts))
    assert samples.images is not None
    return image_duplicates.find(samples.images, samples.labels, near=samples.images.ndim == 4).groups


def _dynamics(bundle: Bundle, prepared: Prepared) -> LearningDynamics | None:
    correct = bundle.correctness()
    return None if correct is None or correct.shape[1] != len(prepared.train) else measure_dynamics(correct)


def _slices(bundle: Bundle, samples: RunSamples) -> list[Slice]:
    is_test = samples.is_test
    properties = {name: values[is_test] for name, values in samples.properties.items()}
    return slices.find_slices(correct_classes(bundle), samples.labels[is_test], samples.names, properties)
