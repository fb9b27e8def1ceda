"""Shared by all classifiers: loss, predictions, metrics by epoch and on the test split, one sample's prediction."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from dlcore.core.errors import RequestError
from dlcore.data.batches import Batches
from dlcore.data.splits import Prepared, Split, SplitName
from dlcore.evaluation import baselines as simple
from dlcore.evaluation import calibration, classification, uncertainty
from dlcore.evaluation.abstention import AbstentionRule
from dlcore.evaluation.feature_bank import FeatureBank
from dlcore.evaluation.metrics import format_with_interval
from dlcore.inference import predict as inference
from dlcore.projects.project import EpochOutputs, Evaluation, LoadedModel, Predictions
from dlcore.projects.run_config import RunConfig
from dlcore.training.fit import Objective

PREDICT_BATCH = 512
PADDED_BATCH = 64
"""Batch size of padded samples: attention of a long text takes length x length numbers per head."""
BANK, BANK_SAMPLES = "bank", 1000
"""Prefix of the feature bank's arrays, and training samples it is fitted on."""
SYNTHETIC = (None, "memory")
"""Kinds of preprocessing whose inputs are generated: there are none of another kind."""
DRAWS = 300
"""Bootstrap resamples; 300 of 10,000 samples take under a second for two classes and a few for ten."""


def objective(config: RunConfig, prepared: Prepared) -> Objective:
    """Cross-entropy of logits (N, K) against class numbers (N,), and which predictions are correct."""
    return Objective(loss=functional.cross_entropy, correct=_correct)


def _correct(outputs: Tensor, targets: Tensor) -> Tensor:
    return outputs.argmax(dim=1) == targets


def logits(module: nn.Module, prepared: Prepared, split: SplitName) -> tuple[Tensor, Tensor]:
    """Logits (N, K) and class numbers (N,) of one split, on the CPU, in the split's order.

    Padded samples are batched by length to save padding.
    """
    part = prepared.split(split)
    if part.lengths is None:
        return inference.predict_outputs(module, _batches(module, part, prepared, PREDICT_BATCH))
    order = torch.from_numpy(np.argsort(part.lengths, kind="stable"))
    alike = Split(tuple(each[order] for each in part.inputs), part.targets[order], part.ids[order.numpy()])
    scores, _ = inference.predict_outputs(module, _batches(module, alike, prepared, PADDED_BATCH))
    return torch.empty_like(scores).index_copy_(0, order, scores), part.targets.cpu()


def _batches(module: nn.Module, part: Split, prepared: Prepared, size: int) -> Iterator[inference.Batch]:
    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    return Batches(part, size, device=device, transform=prepared.transform).epoch(1)


def predict(module: nn.Module, prepared: Prepared, config: RunConfig) -> dict[str, np.ndarray]:
    """Probabilities, class numbers and row numbers of validation and test; without train, to keep bundles small.

    Where the network has penultimate features, also their `distance` to training features on both splits, and the
    arrays of the feature bank as `bank_<name>`.
    """
    predictions: dict[str, np.ndarray] = {}
    bank = fit_feature_bank(module, prepared)
    splits: tuple[SplitName, ...] = ("validation", "test")
    for split in splits:
        part = prepared.split(split)
        scores, distances = _forward(module, prepared, part, None if bank is None else bank.distances)
        predictions[f"{split}_scores"] = scores.softmax(dim=1).numpy()
        predictions[f"{split}_targets"] = part.targets.cpu().numpy()
        predictions[f"{split}_ids"] = part.ids
        if bank is not None and distances is not None:
            predictions[f"{split}_distance"] = distances.numpy()
    return predictions if bank is None else predictions | prefix(BANK, bank.as_arrays())


def fit_feature_bank(module: nn.Module, prepared: Prepared) -> FeatureBank | None:
    """A feature bank of at most 1,000 training samples without augmentation; None without penultimate features, and
    for generated inputs."""
    if prepared.preprocessing.get("kind") in SYNTHETIC:
        return None
    part = prepared.train
    rows = torch.from_numpy(np.random.default_rng(0).permutation(len(part))[:BANK_SAMPLES])
    lengths = None if part.lengths is None else part.lengths[rows.numpy()]
    few = Split(tuple(each[rows] for each in part.inputs), part.targets[rows], part.ids[rows.numpy()], lengths)
    _, features = _forward(module, prepared, few)
    return None if features is None or not bool(features.isfinite().all()) else FeatureBank.fit(features.numpy())


def _forward(
    module: nn.Module,
    prepared: Prepared,
    part: Split,
    reduce: Callable[[np.ndarray], np.ndarray] | None = None,
) -> tuple[Tensor, Tensor | None]:
    """Logits (N, K) and features (N, D) of samples, or what `reduce` makes of the features of a batch."""
    order = torch.arange(len(part))
    if part.lengths is not None:
        order = torch.from_numpy(np.argsort(part.lengths, kind="stable"))
        part = Split(tuple(each[order] for each in part.inputs), part.targets[order], part.ids[order.numpy()])
        size = PADDED_BATCH
    else:
        size = PREDICT_BATCH
    scores, features = [], []
    for inputs, _ in _batches(module, part, prepared, size):
        output, vectors = inference.forward_features(module, *inputs)
        scores.append(output)
        if vectors is not None:
            features.append(vectors if reduce is None else torch.from_numpy(reduce(vectors.numpy())))
    back = torch.argsort(order)
    return torch.cat(scores)[back], torch.cat(features)[back] if len(features) == len(scores) else None


def compute_features(module: nn.Module, prepared: Prepared, split: SplitName) -> np.ndarray | None:
    """Penultimate features (N, D) of one split without augmentation, in its order; None if the network has none."""
    _, features = _forward(module, prepared, prepared.split(split))
    return None if features is None else features.numpy()


def prefix(kind: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays under names that begin with `kind`."""
    return {f"{kind}_{name}": array for name, array in arrays.items()}


def epoch_metrics(module: nn.Module, prepared: Prepared, config: RunConfig) -> dict[str, float]:
    """Loss and accuracy on the validation split."""
    return _validation_metrics(*logits(module, prepared, "validation"))


def observe_epoch(module: nn.Module, prepared: Prepared, config: RunConfig) -> tuple[dict[str, float], EpochOutputs]:
    """Loss and accuracy on the validation split, and the logits and features of its samples from the same pass."""
    scores, features = _forward(module, prepared, prepared.validation)
    outputs = EpochOutputs(scores.numpy(), None if features is None else features.numpy())
    return _validation_metrics(scores, prepared.validation.targets.cpu()), outputs


def _validation_metrics(scores: Tensor, targets: Tensor) -> dict[str, float]:
    return {
        "validation_loss": float(functional.cross_entropy(scores, targets)),
        "validation_accuracy": float(_correct(scores, targets).sum()) / len(targets),
    }


def evaluate(predictions: Predictions, threshold: float | None, config: RunConfig) -> Evaluation:
    """Test metrics with their intervals.

    Two classes have a threshold on the raw probability of class 1; by default the one with the highest validation
    accuracy. More classes have none: the most probable class is predicted. Temperature and abstention rule are fitted
    on the same predictions when the bundle is written.
    """
    scores, targets = predictions["test_scores"], predictions["test_targets"]
    if scores.shape[1] == 2 and threshold is None:
        threshold = best_threshold(predictions["validation_scores"], predictions["validation_targets"])
    metrics = compute_metrics(scores, targets, threshold=threshold, draws=DRAWS)
    return Evaluation(metrics=metrics, baselines={}, threshold=threshold, verdict=_verdict(metrics, n=len(targets)))


def compute_metrics(
    scores: np.ndarray, targets: np.ndarray, *, threshold: float | None = None, draws: int = 0
) -> dict[str, float]:
    """All metrics of probabilities (N, K), log loss included; with `draws` also their intervals."""
    called_from = 0.5 if threshold is None else threshold
    metrics = classification.metrics(scores, targets, threshold=called_from)
    losses = -np.log(np.clip(scores[np.arange(len(targets)), targets].astype(np.float64), 1e-12, 1.0))
    metrics["loss"] = float(losses.mean())
    if not draws:
        low, high = uncertainty.wilson(round(metrics["accuracy"] * len(targets)), len(targets))
        return metrics | {"accuracy_low": low, "accuracy_high": high}
    spread = classification.intervals(scores, targets, threshold=called_from, draws=draws)
    half = 1.96 * float(losses.std(ddof=1)) / len(losses) ** 0.5 if len(losses) > 1 else 0.0  # mean of n: normal
    return metrics | spread | {"loss_low": metrics["loss"] - half, "loss_high": metrics["loss"] + half}


def drop_probability_metrics(measured: Mapping[str, float]) -> dict[str, float]:
    """Metrics without those that need calibrated probabilities."""
    return {name: value for name, value in measured.items() if not name.startswith(("loss", "ece"))}


def best_threshold(scores: np.ndarray, targets: np.ndarray) -> float:
    """Threshold on the probability of class 1, from probabilities (N, 2), with the highest accuracy.

    It is midway between two scores; ties are resolved towards 0.5.
    """
    order = np.argsort(scores[:, 1], kind="stable")
    ranked, positive = scores[order, 1].astype(np.float64), targets[order] == 1
    cuts = np.r_[0.0, (ranked[1:] + ranked[:-1]) / 2, 1.0]  # the first i samples are below cut i
    right = np.r_[0, np.cumsum(~positive)] + positive.sum() - np.r_[0, np.cumsum(positive)]
    is_boundary = np.r_[True, ranked[1:] > ranked[:-1], True]  # no cut separates equal scores
    good = cuts[is_boundary & (right == right[is_boundary].max())]
    return float(good[np.abs(good - 0.5).argmin()])


def majority_class(prepared: Prepared) -> dict[str, float]:
    """Test metrics of always predicting the most frequent class of the training split."""
    n, classes = len(prepared.test), prepared.facts["classes"]
    scores = simple.majority(prepared.train.targets.numpy(), n, classes=classes)
    return compute_metrics(scores, prepared.test.targets.numpy())


def _verdict(metrics: Mapping[str, float], *, n: int) -> str:
    return f"Accuracy {format_with_interval(metrics, 'accuracy')} on {n:,} test samples."


def classify(loaded: LoadedModel, logits: Tensor, features: Tensor | None = None, *, text: str = "") -> dict[str, Any]:
    """Predicted label and calibrated probabilities from one sample's logits (1, K); see `describe_prediction`.

    Its features (1, D) and the complete text are compared with the training data, where the run stored what that needs.
    """
    measures = loaded.familiarity.measure(None if features is None else features.numpy(), text)
    return describe_prediction(
        logits, labels=loaded.labels, threshold=loaded.threshold, rule=loaded.calibration, measures=measures
    )


def describe_prediction(
    logits: Tensor,
    *,
    labels: tuple[str, ...],
    threshold: float | None,
    rule: AbstentionRule | None,
    measures: Mapping[str, float] | None = None,
    reasons: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Predicted label and calibrated probabilities from one sample's logits (1, K).

    `probabilities` are the softmax of the logits divided by the rule's temperature, the largest first; `reasons`
    are those of `rule.reasons` (or those stored with the sample), and `uncertain` says whether there is one. Without a
    rule the temperature is 1 and nothing is flagged. `measures` say how unlike the training data the sample is.

    Two classes have a decision threshold on raw probabilities: class 1 is predicted from `threshold` on, so
    calibration changes no decision. `calibrated_threshold` is the same threshold on the scale of `probabilities`:
    temperature scaling is monotone and moves all values towards or away from 0.5.

    `prediction_set` holds the actual class of at least 90 % of new samples; empty without a rule.
    """
    temperature = 1.0 if rule is None else rule.temperature
    values = torch.softmax(logits[0].double() / temperature, dim=0).tolist()
    probabilities = dict(sorted(zip(labels, values, strict=True), key=lambda pair: -pair[1]))
    thresholds: dict[str, float] = {}
    label = next(iter(probabilities))
    if len(labels) == 2:
        threshold = 0.5 if threshold is None else threshold
        raw = torch.softmax(logits[0].double(), dim=0)[1]
        label = labels[int(raw >= threshold)]
        thresholds = {"threshold": threshold, "calibrated_threshold": calibrated_threshold(threshold, temperature)}
    if reasons is None:
        reasons = () if rule is None else rule.reasons(max(values), measures)
    return {
        "label": label,
        "probability": probabilities[label],
        "probabilities": probabilities,
        "uncertain": bool(reasons),
        "reasons": list(reasons),
        "measures": dict(measures or {}),
        "temperature": temperature,
        "prediction_set": [] if rule is None else rule.prediction_set(probabilities),
        **thresholds,
    }


def calibrated_threshold(threshold: float, temperature: float) -> float:
    """A threshold on the raw probability of class 1 on the scale of calibrated probabilities."""
    return float(calibration.apply_temperature(np.array([[1 - threshold, threshold]]), temperature)[0, 1])


def classify_input(loaded: LoadedModel, *inputs: Tensor, text: str = "") -> dict[str, Any]:
    """`classify` the model's output for a batch of one sample."""
    return classify(loaded, *inference.forward_features(loaded.module, *inputs), text=text)


def classify_image(loaded: LoadedModel, model_input: np.ndarray, pixels: np.ndarray) -> dict[str, Any]:
    """`classify` a preprocessed image, with the pixels (H, W) or (H, W, 3) that the model reads."""
    return {**classify_input(loaded, torch.from_numpy(model_input[None])), "pixels": pixels.tolist()}


def choose(name: str, names: Sequence[str], *, default: str, kind: str) -> str:
    """`name` if it is one of `names`; `default` if it is empty.

    Raises:
        RequestError: there is no such `kind` (method, class, variable).
    """
    if name and name not in names:
        raise RequestError(f"there is no {kind} '{name[:60]}' here: choose {', '.join(names)}.")
    return name or default
