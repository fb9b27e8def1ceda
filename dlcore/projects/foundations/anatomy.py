"""foundations/anatomy: architecture of networks, and outlier detection with an autoencoder."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from dlcore.core.config import Config, number
from dlcore.data.batches import Batches
from dlcore.data.images import images
from dlcore.data.splits import Prepared, Split, SplitName
from dlcore.data.stratify import stratified_sample, stratified_split
from dlcore.evaluation import anomaly
from dlcore.inference import predict as inference
from dlcore.models.autoencoder import Autoencoder, AutoencoderConfig
from dlcore.projects.foundations.quiz import CorrectChoice, Failure, Question, RunEvidence
from dlcore.projects.project import Evaluation, LoadedModel, ModelEntry, Predictions, Project, Task
from dlcore.projects.run_config import RunConfig
from dlcore.training.fit import Objective

HEIGHT, WIDTH = 25, 40
"""Images are resized to exactly 1,000 pixels."""
FEATURES = HEIGHT * WIDTH
QUANTILE = 0.95
"""Quantile of validation errors (known classes only) that sets the threshold."""
DRAWS, PREDICT_BATCH = 200, 1024


class AnatomyData(Config):
    """The held-out class, and the size of the splits."""

    left_out: int = number(8, low=0, high=9, help="Index of the held-out class.")
    validation_share: float = number(0.1, low=0.02, high=0.5, help="Validation share of the training images.")
    train_rows: int = number(0, low=0, high=60_000, unit="images", help="Training images used, stratified; 0 uses all.")


def prepare(config: RunConfig) -> Prepared:
    """Images as rows of 1,000 values; the held-out class is only in the test split, at its end."""
    options = config.data_as(AnatomyData)
    data = images.load(config.dataset)
    train, validation = stratified_split(data.labels, options.validation_share, seed=config.seed)
    train, validation = (rows[data.labels[rows] != options.left_out] for rows in (train, validation))
    train = train[stratified_sample(data.labels[train], options.train_rows, seed=config.seed)]
    is_outlier = data.test_labels == options.left_out
    test = np.concatenate([np.flatnonzero(~is_outlier), np.flatnonzero(is_outlier)])
    height, width = data.pixels.shape[1:]
    return Prepared(
        train=_split(data.pixels[train], train),
        validation=_split(data.pixels[validation], validation),
        test=_split(data.test_pixels[test], test),
        facts={"features": FEATURES},
        preprocessing={"kind": "grey", "height": height, "width": width, "left_out": options.left_out},
        labels=data.names,
        checksum=data.checksum,
        source={"classes": data.test_labels[test]},
        transform=_scaled,
    )


def rows(pixels: np.ndarray) -> Tensor:
    """Resize images (N, H, W) uint8 to 25 x 40 pixels and flatten them: (N, 1000) uint8."""
    resized = functional.interpolate(
        torch.from_numpy(np.array(pixels)).unsqueeze(1), size=(HEIGHT, WIDTH), mode="bilinear"
    )
    return resized.flatten(1)


def _split(pixels: np.ndarray, ids: np.ndarray) -> Split:
    flat = rows(pixels)
    return Split((flat,), flat, ids.astype(np.int64))


def _scaled(inputs: tuple[Tensor, ...], training: bool) -> tuple[Tensor, ...]:
    """Scale bytes to 0..1 on the device."""
    return (inputs[0].float() / 255,)


def objective(config: RunConfig, prepared: Prepared) -> Objective:
    """Mean squared error between an image (0..1) and its reconstruction."""
    return Objective(loss=lambda outputs, targets: functional.mse_loss(outputs, targets.float() / 255))


def reconstruction_errors(module: nn.Module, prepared: Prepared, split: SplitName) -> np.ndarray:
    """Mean squared error per image of a split (N,) float32."""
    device = next(module.parameters()).device
    batches = Batches(prepared.split(split), PREDICT_BATCH, device=device, transform=prepared.transform).epoch(1)
    return np.concatenate([part.cpu().numpy() for part in _errors(module, batches)])


def _errors(module: nn.Module, batches: Iterator[inference.Batch]) -> Iterator[Tensor]:
    with inference.evaluation_mode(module):
        for inputs, targets in batches:
            yield (module(*inputs).float() - targets.float() / 255).square().mean(dim=1)


def predict(module: nn.Module, prepared: Prepared, config: RunConfig) -> dict[str, np.ndarray]:
    """Errors of validation and test images; targets are 1 for the held-out class."""
    classes = prepared.source["classes"]
    validation = reconstruction_errors(module, prepared, "validation")
    return {
        "validation_scores": validation,
        "validation_targets": np.zeros(len(validation), dtype=np.int64),
        "validation_ids": prepared.validation.ids,
        "test_scores": reconstruction_errors(module, prepared, "test"),
        "test_targets": (classes == prepared.preprocessing["left_out"]).astype(np.int64),
        "test_ids": prepared.test.ids,
    }


def epoch_metrics(module: nn.Module, prepared: Prepared, config: RunConfig) -> dict[str, float]:
    """Mean squared error on the validation split."""
    return {"validation_loss": float(reconstruction_errors(module, prepared, "validation").mean())}


def evaluate(predictions: Predictions, threshold: float | None, config: RunConfig) -> Evaluation:
    """How well the error detects the held-out class; the threshold is a quantile of validation errors."""
    if threshold is None:
        threshold = anomaly.threshold(predictions, quantile=QUANTILE)
    scores, is_outlier = predictions["test_scores"], predictions["test_targets"]
    metrics = _detection_metrics(scores, is_outlier, threshold=threshold, draws=DRAWS)
    verdict = (
        f"The error of an outlier is larger in {metrics['roc_auc']:.1%} of all pairs of an outlier and a known image "
        f"({len(is_outlier):,} test images, {int(is_outlier.sum()):,} outliers)."
    )
    return Evaluation(metrics=metrics, baselines={}, threshold=threshold, verdict=verdict)


def _detection_metrics(
    scores: np.ndarray, is_outlier: np.ndarray, *, threshold: float, draws: int = 0
) -> dict[str, float]:
    known = float(scores[is_outlier == 0].mean())
    metrics = anomaly.metrics(scores, is_outlier, threshold=threshold, block=1, draws=draws)
    names = ("roc_auc", "auc_pr", "precision", "recall", "f1")
    named = {name: value for name, value in metrics.items() if name.removesuffix("_low").removesuffix("_high") in names}
    return {"loss": known, "error_strangers": float(scores[is_outlier == 1].mean()), **named}


def baselines(prepared: Prepared, config: RunConfig) -> dict[str, dict[str, float]]:
    """The mean image, and PCA with as many components as the bottleneck has units."""
    train = prepared.train.inputs[0].numpy().astype(np.float32) / 255
    count = int(config.model_as(AutoencoderConfig).bottleneck)
    mean = train.mean(axis=0)
    components = _components(train - mean, count)
    baseline_metrics = {}
    for name, axes in (("mean_picture", components[:0]), ("principal_components", components)):
        validation, test = (_rebuilt(part, mean, axes) for part in (prepared.validation, prepared.test))
        is_outlier = (prepared.source["classes"] == prepared.preprocessing["left_out"]).astype(np.int64)
        metrics = _detection_metrics(
            test, is_outlier, threshold=anomaly.threshold({"validation_scores": validation}, quantile=QUANTILE)
        )
        baseline_metrics[name] = {key: metrics[key] for key in ("loss", "error_strangers", "roc_auc", "auc_pr")}
    return baseline_metrics


def _components(centered: np.ndarray, count: int) -> np.ndarray:
    """The first principal axes (count, F) of rows (N, F)."""
    _, axes = np.linalg.eigh(centered.T @ centered / len(centered))
    components: np.ndarray = axes[:, ::-1][:, :count].T
    return components


def _rebuilt(split: Split, mean: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Mean squared reconstruction error (N,) of the projection on the axes."""
    centered = split.inputs[0].numpy().astype(np.float32) / 255 - mean
    errors: np.ndarray = np.square(centered - centered @ axes.T @ axes).mean(axis=1)
    return errors


def answer(loaded: LoadedModel, payload: bytes) -> dict[str, Any]:
    """Reconstruction error, whether it exceeds the threshold, and the reconstruction (25, 40).

    Raises:
        DataError: the file is not a readable image.
    """
    preprocessing = loaded.preprocessing
    return score_pixels(
        loaded, images.read_gray(payload, height=int(preprocessing["height"]), width=int(preprocessing["width"]))
    )


def score_pixels(loaded: LoadedModel, pixels: np.ndarray) -> dict[str, Any]:
    """Like `answer`, for pixels (H, W) uint8 in the dataset's size."""
    x = rows(pixels[None]).float() / 255
    code = inference.forward_batch(loaded.module.get_submodule("encoder"), x)
    reconstruction = inference.forward_batch(loaded.module, x)
    error = float((reconstruction - x).square().mean())
    return {
        "error": error,
        "threshold": loaded.threshold,
        "strange": loaded.threshold is not None and error > loaded.threshold,
        "code": code[0].tolist(),
        "pixels": (x[0] * 255).round().int().reshape(HEIGHT, WIDTH).tolist(),
        "reconstruction": (reconstruction[0] * 255).round().int().reshape(HEIGHT, WIDTH).tolist(),
    }


# --- predict, then run ------------------------------------------------------------------------------------------------


def _outlier_error(run: RunEvidence) -> CorrectChoice:
    times = run.metrics["error_strangers"] / run.metrics["loss"]
    right = 0 if times < 1 else 1 if times < 1.5 else 2 if times < 4 else 3
    return CorrectChoice(
        right,
        f"Known {run.metrics['loss']:.4f}, outliers {run.metrics['error_strangers']:.4f}: {times:.2f} x.",
    )


def _shortest(run: RunEvidence) -> CorrectChoice:
    lengths = np.exp(np.log(np.maximum(run.norms, 1e-30)).mean(axis=0))
    text = ", ".join(f"{name} {value:.2g}" for name, value in zip(run.layers, lengths, strict=True))
    return CorrectChoice(int(lengths.argmin()), f"Mean gradient norm over the run: {text}.")


def _halved(run: RunEvidence) -> CorrectChoice:
    losses = run.curves["validation_loss"][1]
    fell = 1 - float(losses.min()) / float(losses[0])
    right = 0 if fell < 0.1 else 1 if fell < 0.5 else 2
    return CorrectChoice(
        right, f"From {losses[0]:.4f} after the first epoch to {losses.min():.4f} at best: {fell:.0%} less."
    )


QUESTIONS: tuple[Question[RunEvidence], ...] = (
    Question(
        "outliers",
        "One class is held out. How large is its mean error compared with known classes?",
        ("smaller", "up to 1.5 times", "1.5 to 4 times", "over four times"),
        _outlier_error,
    ),
    Question(
        "shortest",
        "Dense layers 1000-512-32-512-1000. Which has the smallest gradient norm?",
        ("1000 to 512", "512 to 32", "32 to 512", "512 to 1000"),
        _shortest,
    ),
    Question(
        "halved",
        "By how much does the validation loss fall after the first epoch?",
        ("less than a tenth", "a tenth to a half", "more than half"),
        _halved,
    ),
)


def _alike(run: RunEvidence) -> tuple[bool, str]:
    first, last = run.first("batch_loss"), run.last("batch_loss")
    return last > 0.25 * first, f"The loss went from {first:.3f} to {last:.3f}."


def _flat(run: RunEvidence) -> tuple[bool, str]:
    losses = run.curves["batch_loss"][1]
    still = float(np.median(run.norms[len(run.norms) // 2 :].sum(axis=1)) if len(run.norms) else 0.0)
    stuck = float(losses[-10:].mean()) > 0.5 * float(losses[0]) or still < 1e-6 or bool(run.broke)
    return stuck, f"The loss ended at {losses[-1]:.3f}; sum of the gradient norms in the second half: {still:.1e}."


def _creeps(run: RunEvidence) -> tuple[bool, str]:
    losses, length = run.curves["batch_loss"][1], float(run.norms[-1].max())
    return (
        losses[-1] > 0.8 * losses[0] and length > 1e-4,
        f"The loss went from {losses[0]:.3f} to {losses[-1]:.3f}; the longest gradient is {length:.3f}.",
    )


BREAKS: tuple[Failure[RunEvidence], ...] = (
    Failure(
        "A bottleneck of one unit",
        "The code of an image is a single number.",
        {"bottleneck": 1},
        "the loss falls, then stays above a quarter of its initial value.",
        _alike,
    ),
    Failure(
        "Learning rate 1,000 times too high",
        "Each step overshoots; the sigmoids saturate.",
        {"learning_rate": 1.0},
        "the loss does not change, and the gradient vanishes.",
        _flat,
    ),
    Failure(
        "Learning rate 1,000 times too low",
        "Each step changes a weight by about one millionth.",
        {"learning_rate": 1e-6},
        "every layer has a gradient, yet the loss hardly changes.",
        _creeps,
    ),
)


def _build(options: AutoencoderConfig, facts: Mapping[str, int]) -> nn.Module:
    return Autoencoder(options, features=facts["features"])


TASK = Task(
    name="reconstruction",
    objective=objective,
    predict=predict,
    epoch_metrics=epoch_metrics,
    evaluate=evaluate,
)

PROJECT = Project(
    slug="anatomy",
    section="foundations",
    title="Anatomy of a network",
    summary="Inspect layers, parameters and the graph of any network; detect outliers with an autoencoder.",
    task=TASK,
    modality="image",
    datasets=("fashion_mnist", "mnist", "digits"),
    models={
        "autoencoder": ModelEntry(
            title="Autoencoder 1000-512-32-512-1000",
            summary="Encodes 1,000 values as 32 and decodes them; 1,058,824 parameters.",
            build=_build,
            config=AutoencoderConfig,
        )
    },
    data_config=AnatomyData,
    presets={
        "quick": {"epochs": 4, "batch_size": 64, "learning_rate": 1e-3, "train_rows": 5000},
        "full": {"epochs": 10, "batch_size": 128, "learning_rate": 1e-3, "schedule": "one_cycle", "train_rows": 10_000},
    },
    facts={"features": FEATURES},
    prepare=prepare,
    baselines=baselines,
    answer=answer,
    input_limit=images.MAX_BYTES,
)
