"""foundations/backprop: a network in NumPy alone that learns to read digits, every derivative written out."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from dlcore.core.config import number, parse
from dlcore.data.array_batches import Shifted
from dlcore.data.images import images
from dlcore.data.splits import Prepared
from dlcore.models import numpy_module
from dlcore.models.numpy_module import NumpyConvConfig, NumpyDenseConfig
from dlcore.projects import classification
from dlcore.projects.foundations.numpy_nn import NumpyTrainingLoop
from dlcore.projects.foundations.quiz import CorrectChoice, Failure, Question, RunEvidence
from dlcore.projects.project import LoadedModel, ModelEntry, Project, RunConfig
from dlcore.projects.vision import fashion
from dlcore.projects.vision.fashion import FashionData

BOX = {28: 20}
"""MNIST's digits lie in a box of 20 pixels, by their centre of mass; those of other sets fill their frame."""
INK = 20
"""Darker than this is no part of a drawing."""


class BackpropData(FashionData):
    """How the pictures are cut into parts, and moved."""

    shift: int = number(1, low=0, high=4, unit="pixels", help="Training pictures are moved by up to so much.")


def prepare(config: RunConfig) -> Prepared:
    """As the fashion classifier's: official test part, validation drawn by the seed, scaled by the training part."""
    options = {name: value for name, value in config.data_options.items() if name in FashionData.model_fields}
    return fashion.prepare(config.model_copy(update={"data_options": options}))


def build_training_loop(module: nn.Module, prepared: Prepared, config: RunConfig) -> NumpyTrainingLoop:
    """Training in NumPy: pictures moved, scaled, and stepped through by hand."""
    seen = prepared.preprocessing
    shift = parse(BackpropData, config.data_options).shift
    return NumpyTrainingLoop(module, prepared, config, prepare=Shifted(seen["mean"], seen["std"], shift=shift))


def answer(loaded: LoadedModel, payload: bytes) -> dict[str, Any]:
    """What digit a picture's file shows: the likeliest, every digit's probability, and the picture as it was seen.

    Raises:
        DataError: the file is not a picture that can be read.
    """
    side = int(loaded.preprocessing["height"])
    box = BOX.get(side, side)
    return classify_pixels(loaded, center_ink(images.read_gray(payload, height=box, width=box), side))


def classify_pixels(loaded: LoadedModel, pixels: np.ndarray) -> dict[str, Any]:
    """The same of pixels (H, W) uint8 that are as the model knows them."""
    x = images.normalize(pixels, loaded.preprocessing)[None]
    with torch.no_grad():
        scores = loaded.module(torch.from_numpy(x))
    return classification.classify_image(loaded, scores, pixels)


def prepare_drawing(strokes: np.ndarray, side: int) -> np.ndarray | None:
    """A drawing (H, W) uint8, bright on dark, as the set of pictures of `side` pixels has its digits: cropped, shrunk
    into the box and centred. None where nothing is drawn."""
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
    """A picture (h, w) uint8 laid on black (side, side) with its centre of mass in the middle, as far as it fits."""
    height, width = picture.shape
    found = np.zeros((side, side), dtype=np.uint8)
    mass = picture.sum(dtype=np.float64)
    if not mass:
        return found
    corner = []
    for length, marginal in ((height, picture.sum(axis=1)), (width, picture.sum(axis=0))):
        middle = float((marginal * (np.arange(length) + 0.5)).sum() / mass)
        corner.append(min(max(0, round(side / 2 - middle)), side - length))
    found[corner[0] : corner[0] + height, corner[1] : corner[1] + width] = picture
    return found


# --- predict, then run ------------------------------------------------------------------------------------------------

LOSSES = (0.1, 1.0, float(np.log(10)), 10.0)
SAME = 0.05


def _start(run: RunEvidence) -> CorrectChoice:
    loss = run.first("batch_loss")
    nearest = int(np.abs(np.log(LOSSES) - np.log(loss)).argmin())
    return CorrectChoice(nearest, f"It began at {loss:.2f}. A network that finds all ten alike has -ln(1/10) = 2.30.")


def weight_layers(run: RunEvidence) -> list[int]:
    """Places of the layers that multiply, batch norms left out."""
    return [place for place, name in enumerate(run.layers) if not name.startswith("norm")]


def gradient_lengths(run: RunEvidence) -> np.ndarray:
    """Geometric mean of the gradient's length over all recorded steps (L,), of the layers that multiply."""
    norms = run.norms[:, weight_layers(run)]
    return np.exp(np.log(np.maximum(norms, 1e-30)).mean(axis=0))


def _shortest(run: RunEvidence) -> CorrectChoice:
    found = gradient_lengths(run)
    place = int(found.argmin())
    right = 0 if place == 0 else 2 if place == len(found) - 1 else 1
    names = [run.layers[place] for place in weight_layers(run)]
    said = ", ".join(f"{name.replace('_', ' ')} {value:.2g}" for name, value in zip(names, found, strict=True))
    return CorrectChoice(right, f"Mean length over the run: {said}.")


def _gap(run: RunEvidence) -> CorrectChoice:
    train, validation = run.last("train_loss"), run.last("validation_loss")
    right = 2 if abs(train - validation) < SAME * max(train, validation) else 0 if train < validation else 1
    return CorrectChoice(right, f"After the last epoch: {train:.3f} in training, {validation:.3f} in validation.")


QUESTIONS: tuple[Question[RunEvidence], ...] = (
    Question(
        "start",
        "Before its first step the network knows nothing. How large is its loss, with ten digits?",
        ("about 0.1", "about 1", "about 2.3", "about 10"),
        _start,
    ),
    Question(
        "shortest",
        "Backward goes from the loss to the pixels. In which layer of weights is the gradient shortest?",
        ("the one nearest the pixels", "one in between", "the one nearest the loss"),
        _shortest,
    ),
    Question(
        "gap",
        "After the last epoch, where is the loss lower? (Think of dropout and of pictures moved about.)",
        ("on the pictures it trained on", "on pictures held back", "the same within 5 %"),
        _gap,
    ),
)


# --- break it ---------------------------------------------------------------------------------------------------------

BREAK_STEPS = 80
_PLAIN = {"norm": False, "dropout": 0.0, "batch_size": 32, "shift": 0, "schedule": "constant"}


def _still(run: RunEvidence) -> tuple[bool, str]:
    hidden, loss = run.norms[:, :-1], run.last("batch_loss")
    words = f"The hidden layers' longest gradient was {hidden.max():.2g}, the loss ended at {loss:.2f}."
    return bool(hidden.max() == 0 and loss > 2.0), words


def _explodes(run: RunEvidence) -> tuple[bool, str]:
    losses = run.curves["batch_loss"][1]
    worst = float(losses.max(initial=0))
    return bool(run.broke) or worst > 10 * losses[
        0
    ], run.broke or f"The loss went from {losses[0]:.2f} up to {worst:.3g}."


def _vanishes(run: RunEvidence) -> tuple[bool, str]:
    found = gradient_lengths(run)
    ratio = float(found[0] / found[-1])
    words = (
        f"The first layer's gradient is {ratio:.1e} of the last one's; the loss ended at {run.last('batch_loss'):.2f}."
    )
    return ratio < 1e-3 and run.last("batch_loss") > 2.0, words


BREAKS: tuple[Failure[RunEvidence], ...] = (
    Failure(
        "All weights zero",
        "Every weight starts at 0, so every unit of a layer gives, and is told, the same.",
        {**_PLAIN, "start": "zeros"},
        "no gradient reaches a hidden layer, and the loss stays near ln 10 = 2.30: the last bias alone learns.",
        _still,
    ),
    Failure(
        "A rate far too large",
        "Plain descent with steps of length 10 along the gradient.",
        {**_PLAIN, "optimiser": "sgd", "learning_rate": 10.0, "momentum": 0.9},
        "the loss grows instead of falling, up to numbers that are none any more.",
        _explodes,
    ),
    Failure(
        "Ten layers of sigmoid",
        "Ten hidden layers; each sigmoid passes on a quarter of the gradient at most.",
        {**_PLAIN, "depth": 10, "width": 32, "narrowing": False, "activation": "sigmoid", "start": "xavier"},
        "the gradient shrinks layer by layer on its way back, below a thousandth, and the loss stays near 2.30.",
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
    title="Backpropagation by hand",
    summary="A network in NumPy alone learns to read digits; open every number of its way forward and back.",
    datasets=("mnist", "digits"),
    models={
        "dense": ModelEntry(
            title="Dense 256-128",
            summary="Two hidden layers with batch norm, ReLU and a little dropout, all of it in NumPy.",
            build=_dense,
            config=NumpyDenseConfig,
            trainee=build_training_loop,
        ),
        "convolutional": ModelEntry(
            title="Convolutional 8-16",
            summary="Two convolutions with max-pool and a hidden layer, in NumPy: slower, and it knows of neighbours.",
            build=_convolutional,
            config=NumpyConvConfig,
            trainee=build_training_loop,
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
    objective=classification.objective,
    predict=classification.predict,
    epoch_metrics=classification.epoch_metrics,
    evaluate=classification.evaluate,
    baselines=fashion.baselines,
    answer=answer,
    input_kind="image",
    input_limit=images.MAX_BYTES,
)
