"""foundations/backprop: digit classification in NumPy with explicit derivatives."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import nn

from dlcore.core.config import number
from dlcore.data.array_batches import RandomShift
from dlcore.data.images import images
from dlcore.data.splits import Prepared
from dlcore.models import numpy_module
from dlcore.models.numpy_module import NumpyConvConfig, NumpyDenseConfig
from dlcore.projects import classification
from dlcore.projects.foundations.numpy_nn import NumpyTrainingLoop
from dlcore.projects.foundations.quiz import CorrectChoice, Failure, Question, RunEvidence
from dlcore.projects.project import LoadedModel, ModelEntry, Project
from dlcore.projects.run_config import RunConfig
from dlcore.projects.tasks import CLASSIFICATION
from dlcore.projects.vision import fashion
from dlcore.projects.vision.fashion import FashionData

BOX = {28: 20}
"""MNIST digits fit a box of 20 pixels around their center of mass; other datasets fill the image."""
INK = 20
"""Brightness from which a pixel counts as ink."""


class BackpropData(FashionData):
    """Splits and shift augmentation."""

    shift: int = number(1, low=0, high=4, unit="pixels", help="Random shift in training, at most.")


def prepare(config: RunConfig) -> Prepared:
    """Splits and scaling as in the fashion project."""
    return fashion.prepare(config)


def build_training_loop(module: nn.Module, prepared: Prepared, config: RunConfig) -> NumpyTrainingLoop:
    """Training loop in NumPy with shift augmentation."""
    preprocessing = prepared.preprocessing
    shift = config.data_as(BackpropData).shift
    return NumpyTrainingLoop(
        module, prepared, config, prepare=RandomShift(preprocessing["mean"], preprocessing["std"], shift=shift)
    )


def answer(loaded: LoadedModel, payload: bytes) -> dict[str, Any]:
    """Predicted digit, class probabilities, and the image as the model sees it.

    Raises:
        DataError: the file is not a readable image.
    """
    side = int(loaded.preprocessing["height"])
    box = BOX.get(side, side)
    return classify_pixels(loaded, center_ink(images.read_gray(payload, height=box, width=box), side))


def classify_pixels(loaded: LoadedModel, pixels: np.ndarray) -> dict[str, Any]:
    """Like `answer`, for pixels (H, W) uint8 in the model's size."""
    return classification.classify_image(loaded, images.normalize(pixels, loaded.preprocessing), pixels)


def prepare_drawing(strokes: np.ndarray, side: int) -> np.ndarray | None:
    """Crop, resize and center a drawing (H, W) uint8, bright on dark, like the dataset's digits; None if empty."""
    from PIL import Image

    rows, columns = (np.flatnonzero((strokes > INK).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return None
    cut = strokes[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    box = BOX.get(side, side)
    scale = box / max(cut.shape)
    height, width = (max(1, round(length * scale)) for length in cut.shape)
    small = np.asarray(Image.fromarray(cut).resize((width, height), Image.Resampling.BOX))
    return center_ink(small, side)


def center_ink(picture: np.ndarray, side: int) -> np.ndarray:
    """Place an image (h, w) uint8 on black (side, side) with its center of mass in the middle, if it fits."""
    height, width = picture.shape
    values = np.zeros((side, side), dtype=np.uint8)
    mass = picture.sum(dtype=np.float64)
    if not mass:
        return values
    corner = []
    for length, marginal in ((height, picture.sum(axis=1)), (width, picture.sum(axis=0))):
        middle = float((marginal * (np.arange(length) + 0.5)).sum() / mass)
        corner.append(min(max(0, round(side / 2 - middle)), side - length))
    values[corner[0] : corner[0] + height, corner[1] : corner[1] + width] = picture
    return values


# --- predict, then run ------------------------------------------------------------------------------------------------

LOSSES = (0.1, 1.0, float(np.log(10)), 10.0)
SAME = 0.05


def _start(run: RunEvidence) -> CorrectChoice:
    loss = run.first("batch_loss")
    nearest = int(np.abs(np.log(LOSSES) - np.log(loss)).argmin())
    return CorrectChoice(nearest, f"Initial loss {loss:.2f}. A uniform prediction costs -ln(1/10) = 2.30.")


def weight_layers(run: RunEvidence) -> list[int]:
    """Indices of the layers with weights, without batch norm."""
    return [place for place, name in enumerate(run.layers) if not name.startswith("norm")]


def gradient_lengths(run: RunEvidence) -> np.ndarray:
    """Geometric mean of the gradient norm over all recorded steps (L,), for layers with weights."""
    norms = run.norms[:, weight_layers(run)]
    return np.exp(np.log(np.maximum(norms, 1e-30)).mean(axis=0))


def _shortest(run: RunEvidence) -> CorrectChoice:
    norms = gradient_lengths(run)
    place = int(norms.argmin())
    right = 0 if place == 0 else 2 if place == len(norms) - 1 else 1
    names = [run.layers[place] for place in weight_layers(run)]
    text = ", ".join(f"{name.replace('_', ' ')} {value:.2g}" for name, value in zip(names, norms, strict=True))
    return CorrectChoice(right, f"Mean gradient norm over the run: {text}.")


def _gap(run: RunEvidence) -> CorrectChoice:
    train, validation = run.last("train_loss"), run.last("validation_loss")
    right = 2 if abs(train - validation) < SAME * max(train, validation) else 0 if train < validation else 1
    return CorrectChoice(right, f"After the last epoch: {train:.3f} in training, {validation:.3f} in validation.")


QUESTIONS: tuple[Question[RunEvidence], ...] = (
    Question(
        "start",
        "How large is the loss of an untrained network with ten classes?",
        ("about 0.1", "about 1", "about 2.3", "about 10"),
        _start,
    ),
    Question(
        "shortest",
        "Which layer has the smallest gradient norm?",
        ("the first layer", "a middle layer", "the last layer"),
        _shortest,
    ),
    Question(
        "gap",
        "After the last epoch, which loss is lower? (Consider dropout and augmentation.)",
        ("the training loss", "the validation loss", "equal within 5 %"),
        _gap,
    ),
)


# --- break it ---------------------------------------------------------------------------------------------------------

BREAK_STEPS = 80
_PLAIN = {"norm": False, "dropout": 0.0, "batch_size": 32, "shift": 0, "schedule": "constant"}


def _still(run: RunEvidence) -> tuple[bool, str]:
    hidden, loss = run.norms[:, :-1], run.last("batch_loss")
    words = f"Largest gradient norm of the hidden layers: {hidden.max():.2g}, the loss ended at {loss:.2f}."
    return bool(hidden.max() == 0 and loss > 2.0), words


def _explodes(run: RunEvidence) -> tuple[bool, str]:
    losses = run.curves["batch_loss"][1]
    worst = float(losses.max(initial=0))
    return bool(run.broke) or worst > 10 * losses[
        0
    ], run.broke or f"The loss went from {losses[0]:.2f} up to {worst:.3g}."


def _vanishes(run: RunEvidence) -> tuple[bool, str]:
    norms = gradient_lengths(run)
    ratio = float(norms[0] / norms[-1])
    words = (
        f"The first layer's gradient is {ratio:.1e} of the last one's; the loss ended at {run.last('batch_loss'):.2f}."
    )
    return ratio < 1e-3 and run.last("batch_loss") > 2.0, words


BREAKS: tuple[Failure[RunEvidence], ...] = (
    Failure(
        "Zero initialization",
        "All weights start at 0, so all units of a layer compute the same.",
        {**_PLAIN, "initialization": "zeros"},
        "no gradient reaches a hidden layer; only the last bias learns, and the loss stays near ln 10 = 2.30.",
        _still,
    ),
    Failure(
        "Learning rate far too high",
        "SGD with learning rate 10.",
        {**_PLAIN, "optimizer": "sgd", "learning_rate": 10.0, "momentum": 0.9},
        "the loss grows until it is not a number.",
        _explodes,
    ),
    Failure(
        "Ten layers of sigmoid",
        "Ten hidden layers; each sigmoid scales the gradient by at most 0.25.",
        {**_PLAIN, "depth": 10, "width": 32, "narrowing": False, "activation": "sigmoid", "initialization": "xavier"},
        "the gradient falls below a thousandth towards the first layer, and the loss stays near 2.30.",
        _vanishes,
    ),
)


def _dense(options: NumpyDenseConfig, facts: Mapping[str, int]) -> nn.Module:
    return numpy_module.dense(options, facts)


def _convolutional(options: NumpyConvConfig, facts: Mapping[str, int]) -> nn.Module:
    return numpy_module.convolutional(options, facts)


PROJECT = Project(
    slug="backprop",
    section="foundations",
    title="Backpropagation from scratch",
    summary="A NumPy network learns to read digits: every number of its forward and backward pass.",
    task=CLASSIFICATION,
    modality="image",
    datasets=("mnist", "digits"),
    models={
        "dense": ModelEntry(
            title="Dense 256-128",
            summary="Two hidden layers with batch norm, ReLU and dropout, in NumPy.",
            build=_dense,
            config=NumpyDenseConfig,
            training_loop=build_training_loop,
        ),
        "convolutional": ModelEntry(
            title="Convolutional 8-16",
            summary="Two convolutions with max pooling and a hidden layer, in NumPy.",
            build=_convolutional,
            config=NumpyConvConfig,
            training_loop=build_training_loop,
        ),
    },
    data_config=BackpropData,
    presets={
        "quick": {
            "epochs": 12,
            "batch_size": 32,
            "learning_rate": 4e-3,
            "schedule": "one_cycle",
            "train_rows": 8_000,
            "convolutional": {"epochs": 3, "train_rows": 4_000},
        },
        "full": {
            "epochs": 20,
            "batch_size": 256,
            "learning_rate": 4e-3,
            "schedule": "one_cycle",
            "shift": 2,
            "validation_share": 0.05,
            "convolutional": {"epochs": 5, "batch_size": 128, "shift": 1},
        },
    },
    facts={"height": 28, "width": 28, "classes": 10},
    prepare=prepare,
    baselines=fashion.baselines,
    answer=answer,
    input_limit=images.MAX_BYTES,
)
