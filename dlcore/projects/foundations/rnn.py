"""foundations/rnn: a recurrent network in NumPy with backpropagation through time, and an LSTM."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from dlcore.core.config import number
from dlcore.core.errors import DataError
from dlcore.data import memory_task
from dlcore.data.array_batches import RandomShift
from dlcore.data.images import images, thumbnails
from dlcore.data.splits import Prepared, Split
from dlcore.models import numpy_module
from dlcore.models.lstm_classifier import LstmClassifier, LstmClassifierConfig
from dlcore.models.numpy_module import NumpyRnnConfig
from dlcore.projects.foundations import backprop
from dlcore.projects.foundations.numpy_nn import NumpyTrainingLoop
from dlcore.projects.foundations.quiz import CorrectChoice, Failure, Question, RunEvidence
from dlcore.projects.project import LoadedModel, ModelEntry, Project
from dlcore.projects.run_config import RunConfig
from dlcore.projects.tasks import CLASSIFICATION
from dlcore.projects.vision import fashion
from dlcore.projects.vision.fashion import FashionData

MEMORY = "memory"
TEST_ROWS = 1000
TEST_SEED = 2**31 - 1
"""Seed of the memory task's test split, the same for all runs."""


class RnnData(FashionData):
    """Splits, and the size of the memory task."""

    gap: int = number(20, low=1, high=200, unit="steps", help="Steps between signal and end (memory task only).")
    rows: int = number(4000, low=100, high=50_000, unit="sequences", help="Sequences (memory task only).")


def prepare(config: RunConfig) -> Prepared:
    """Images as sequences of rows, or the memory task drawn from the seed."""
    if config.dataset == MEMORY:
        return _memory(config)
    prepared = fashion.prepare(config)
    facts = {
        "steps": prepared.facts["height"],
        "features": prepared.facts["width"],
        "classes": prepared.facts["classes"],
    }
    return Prepared(
        train=prepared.train,
        validation=prepared.validation,
        test=prepared.test,
        facts=facts,
        preprocessing=prepared.preprocessing,
        labels=prepared.labels,
        checksum=prepared.checksum,
        transform=prepared.transform,
    )


def _memory(config: RunConfig) -> Prepared:
    options = config.data_as(RnnData)
    sequences = memory_task.make_sequences(options.rows, gap=options.gap, seed=config.seed)
    test = memory_task.make_sequences(TEST_ROWS, gap=options.gap, seed=TEST_SEED)
    held = max(1, round(options.rows * options.validation_share))
    return Prepared(
        train=_split(sequences, slice(held, None)),
        validation=_split(sequences, slice(0, held)),
        test=_split(test, slice(None)),
        facts={"steps": options.gap + 1, "features": memory_task.SIGNALS, "classes": memory_task.SIGNALS},
        preprocessing={"kind": MEMORY, "gap": options.gap},
        labels=tuple(f"signal {n}" for n in range(memory_task.SIGNALS)),
        checksum=sequences.checksum,
    )


def _split(task: memory_task.MemoryTask, rows: slice) -> Split:
    inputs, targets = task.inputs[rows], task.targets[rows]
    return Split((torch.from_numpy(inputs),), torch.from_numpy(targets), np.arange(len(task.targets))[rows])


def build_training_loop(module: nn.Module, prepared: Prepared, config: RunConfig) -> NumpyTrainingLoop:
    """Training loop in NumPy with backpropagation through time."""
    preprocessing = prepared.preprocessing
    scale = None if preprocessing["kind"] == MEMORY else RandomShift(preprocessing["mean"], preprocessing["std"])
    return NumpyTrainingLoop(module, prepared, config, prepare=scale)


def answer(loaded: LoadedModel, payload: bytes) -> dict[str, Any]:
    """Predicted digit of an image, read row by row.

    Raises:
        DataError: the file is not a readable image, or the run is on the memory task.
    """
    if loaded.preprocessing["kind"] == MEMORY:
        raise DataError("this run is on the synthetic memory task: choose a run on digits or MNIST.")
    return backprop.answer(loaded, payload)


def example(dataset: str, gap: int, row: int, preprocessing: Mapping[str, Any]) -> tuple[np.ndarray, int]:
    """One test sequence (T, F) as model input, and its class."""
    if dataset == MEMORY:
        test = memory_task.make_sequences(TEST_ROWS, gap=gap, seed=TEST_SEED)
        return test.inputs[row], int(test.targets[row])
    pixels, label = thumbnails.require_image(dataset, row)
    return images.normalize(pixels, preprocessing), label


# --- predict, then run ------------------------------------------------------------------------------------------------

Bridges = Mapping[str, Mapping[int, float]]
"""model -> gap -> test accuracy (mean over seeds), from tests/benchmarks/memory.py."""
BRIDGED = 0.9
"""Accuracy from which a gap counts as bridged; chance is 0.1."""


def longest_gap(bridges: Bridges, model: str) -> int:
    """Longest gap such that it and all shorter ones are bridged; 0 if none is."""
    last = 0
    for gap, accuracy in sorted(bridges[model].items()):
        if accuracy < BRIDGED:
            break
        last = gap
    return last


def _further(bridges: Bridges) -> CorrectChoice:
    rnn, lstm = longest_gap(bridges, "rnn"), longest_gap(bridges, "lstm")
    right = 0 if rnn > lstm else 1 if lstm > rnn else 2
    return CorrectChoice(right, f"90 % accuracy up to a gap of {rnn} (RNN) and {lstm} (LSTM).")


def _first_to_fail(bridges: Bridges) -> CorrectChoice:
    last = longest_gap(bridges, "rnn")
    right = 0 if last < 10 else 1 if last < 40 else 2 if last < 100 else 3
    return CorrectChoice(right, f"The RNN bridged every gap up to {last}.")


def _how_it_fails(bridges: Bridges) -> CorrectChoice:
    values = [accuracy for _, accuracy in sorted(bridges["rnn"].items())]
    drop = max((a - b for a, b in itertools.pairwise(values)), default=0.0)
    right = 2 if min(values) >= BRIDGED else 1 if drop > 0.5 * (max(values) - min(values)) else 0
    return CorrectChoice(right, f"Its accuracy by gap: {', '.join(f'{value:.0%}' for value in values)}.")


QUESTIONS: tuple[Question[Bridges], ...] = (
    Question(
        "further",
        "A signal, then noise: which model bridges the longer gap?",
        ("the RNN", "the LSTM", "neither"),
        _further,
    ),
    Question(
        "limit",
        "Up to which gap does the RNN reach 90 % accuracy?",
        ("fewer than 10 steps", "10 to 39 steps", "40 to 99 steps", "100 steps and more"),
        _first_to_fail,
    ),
    Question(
        "how",
        "How does accuracy fall as the gap grows?",
        ("gradually", "mostly between one gap and the next", "not at all, up to the longest gap"),
        _how_it_fails,
    ),
)

# --- break it ---------------------------------------------------------------------------------------------------------

BREAK_STEPS = 200
BREAK_GAP = 10
_PLAIN = {"gap": BREAK_GAP, "rows": 2000, "width": 64, "batch_size": 32, "schedule": "constant", "clip_norm": 0.0}


def _faded(run: RunEvidence) -> tuple[bool, str]:
    loss = float(run.curves["batch_loss"][1][-10:].mean())
    return loss > 1.5, f"After {len(run.curves['batch_loss'][1])} steps the loss is {loss:.2f} (chance: 2.30)."


def _burst(run: RunEvidence) -> tuple[bool, str]:
    most = float(run.norms[:, 0].max(initial=0))
    return bool(run.broke) or most > 100, run.broke or f"Largest gradient norm of the recurrent layer: {most:.3g}."


def _wild(run: RunEvidence) -> tuple[bool, str]:
    losses = run.curves["batch_loss"][1]
    loss = float(losses[-10:].mean())
    return bool(run.broke) or loss > 2.0, run.broke or f"The loss stays at {loss:.2f}, at worst {losses.max():.3g}."


BREAKS: tuple[Failure[RunEvidence], ...] = (
    Failure(
        "Shrinking weights",
        "Recurrent weights start at 0.5 times a rotation: each step halves the gradient.",
        {**_PLAIN, "gain": 0.5},
        f"over a gap of {BREAK_GAP} about a thousandth of it remains, and the loss stays near 2.30.",
        _faded,
    ),
    Failure(
        "Growing weights",
        "Recurrent weights start at 3 times a rotation: the gradient grows with each step.",
        {**_PLAIN, "gain": 3.0, "width": 8, "gap": 30},
        "the gradient norm exceeds 100, or is not a number.",
        _burst,
    ),
    Failure(
        "Learning rate far too high",
        "SGD with learning rate 3 and no clipping.",
        {**_PLAIN, "optimizer": "sgd", "learning_rate": 3.0, "momentum": 0.9},
        "the tanh saturates, and the network does not learn.",
        _wild,
    ),
)


def _rnn(options: NumpyRnnConfig, facts: Mapping[str, int]) -> nn.Module:
    return numpy_module.recurrent(options, features=facts["features"], classes=facts["classes"])


def _lstm(options: LstmClassifierConfig, facts: Mapping[str, int]) -> nn.Module:
    return LstmClassifier(options, features=facts["features"], classes=facts["classes"])


PROJECT = Project(
    slug="rnn",
    section="foundations",
    title="Recurrent networks from scratch",
    summary="A recurrent network in NumPy: backpropagation through time, and how long it remembers.",
    task=CLASSIFICATION,
    modality="image",
    datasets=("mnist", "digits", MEMORY),
    models={
        "rnn": ModelEntry(
            title="RNN in NumPy",
            summary="One recurrent tanh layer with backpropagation through time, in NumPy.",
            build=_rnn,
            config=NumpyRnnConfig,
            training_loop=build_training_loop,
        ),
        "lstm": ModelEntry(
            title="LSTM",
            summary="A gated cell that preserves its content, trained by autograd.",
            build=_lstm,
            config=LstmClassifierConfig,
        ),
    },
    data_config=RnnData,
    presets={
        "quick": {
            "epochs": 10,
            "batch_size": 32,
            "learning_rate": 3e-3,
            "clip_norm": 1.0,
            "schedule": "one_cycle",
            "train_rows": 8_000,
            "rows": 3_000,
            "width": 64,
        },
        "full": {
            "epochs": 14,
            "batch_size": 128,
            "learning_rate": 3e-3,
            "clip_norm": 1.0,
            "schedule": "one_cycle",
            "validation_share": 0.05,
            "lstm": {"epochs": 6},
        },
    },
    facts={"steps": 28, "features": 28, "classes": 10},
    prepare=prepare,
    baselines=fashion.baselines,
    answer=answer,
    input_limit=images.MAX_BYTES,
)
