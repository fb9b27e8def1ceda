"""foundations/attention: a single self-attention layer on associative recall."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from dlcore.core.config import Config, choice, number
from dlcore.data.splits import Prepared, Split
from dlcore.data.text import recall
from dlcore.data.text.recall import RecallSequences
from dlcore.evaluation import baselines as simple
from dlcore.evaluation import linear
from dlcore.models.self_attention import AssociativeRecall, SelfAttentionConfig
from dlcore.projects import classification
from dlcore.projects.foundations.quiz import CorrectChoice, Failure, Question, RunEvidence
from dlcore.projects.project import LoadedModel, ModelEntry, Project
from dlcore.projects.run_config import RunConfig
from dlcore.projects.tasks import CLASSIFICATION

TEST_ROWS = 2000
CLASSES = len(recall.DIGITS)
LN_K = float(np.log(CLASSES))


class RecallData(Config):
    """Size of the synthetic sequences."""

    pairs: int = number(6, low=2, high=10, unit="pairs", help="Largest number of pairs; the smallest is 2.")
    question: recall.Place = choice("last", help="Position of the query.")
    train_rows: int = number(4000, low=100, high=100_000, unit="sequences", help="Training sequences.")
    validation_rows: int = number(1000, low=100, high=20_000, unit="sequences", help="Validation sequences.")


def prepare(config: RunConfig) -> Prepared:
    """Training and validation from the run's seed; the test split is the same for all seeds."""
    options = config.data_as(RecallData)
    how: dict[str, Any] = {"pairs": options.pairs, "question": options.question}
    sequences = recall.make_sequences(options.train_rows + options.validation_rows, seed=config.seed, **how)
    test = recall.make_sequences(TEST_ROWS, seed=2**31, **how)  # above any run's seed
    cut = options.train_rows
    return Prepared(
        train=_split(sequences, slice(0, cut)),
        validation=_split(sequences, slice(cut, None)),
        test=_split(test, slice(None)),
        facts={"letters": len(recall.LETTERS), "classes": CLASSES, "tokens": options.pairs + 1},
        preprocessing=how,
        labels=tuple(recall.DIGITS),
        checksum=sequences.checksum,
    )


def _split(recall_sequences: RecallSequences, part: slice) -> Split:
    inputs = (
        torch.from_numpy(recall_sequences.letters[part].copy()),
        torch.from_numpy(recall_sequences.values[part].copy()),
    )
    return Split(
        inputs, torch.from_numpy(recall_sequences.answers[part].copy()), np.arange(len(recall_sequences.answers))[part]
    )


def baselines(prepared: Prepared, config: RunConfig) -> dict[str, dict[str, float]]:
    """Majority class, any digit of the sequence, and logistic regression on a bag of symbols."""
    test, truth = prepared.test, prepared.test.targets.numpy()
    train = prepared.train
    regression = linear.logistic_regression(_bag(train), train.targets.numpy(), _bag(test), classes=CLASSES)
    is_present = _digits_present(test)
    return {
        "majority": classification.compute_metrics(
            simple.majority(train.targets.numpy(), len(test), classes=CLASSES), truth
        ),
        "any_digit_there": classification.compute_metrics(is_present / is_present.sum(axis=1, keepdims=True), truth),
        "logistic_regression": classification.compute_metrics(regression, truth),
    }


def _digits_present(split: Split) -> np.ndarray:
    """Counts of each digit (N, 10)."""
    values = split.inputs[1].numpy()
    return np.stack([(values == digit + 2).sum(axis=1) for digit in range(CLASSES)], axis=1).astype(np.float64)


def _bag(split: Split) -> np.ndarray:
    """Bag of letters, digits and queries (N, 10 + 10 + 10)."""
    letters, values = (part.numpy() for part in split.inputs)
    queried = (letters * (values == recall.QUESTION)).max(axis=1)
    known = np.stack([((letters == item) & (values > recall.QUESTION)).any(axis=1) for item in range(1, 11)], axis=1)
    return np.concatenate([_digits_present(split), known, np.eye(11)[queried][:, 1:]], axis=1).astype(np.float32)


def answer(loaded: LoadedModel, payload: bytes) -> dict[str, Any]:
    """The digit of the queried letter in a text like `a3 b7 a?`, and the attention of the query.

    Raises:
        DataError: the text is not a list of pairs with one query.
    """
    text = payload[:2000].decode("utf-8", errors="replace")
    pairs = max(loaded.facts["tokens"] - 1, 1)
    letters, values = recall.parse_sequence(text, pairs=pairs)
    inputs = (torch.from_numpy(letters), torch.from_numpy(values))
    words = recall.format_sequence(letters[0], values[0])
    return {
        **classification.classify_input(loaded, *inputs),
        "tokens": words,
        "looked_at": _looked(loaded.module, inputs, int((values[0] == recall.QUESTION).argmax())),
    }


def _looked(module: nn.Module, inputs: tuple[torch.Tensor, ...], at: int) -> list[list[float]]:
    """Attention weights (heads, T) of the query token."""
    assert isinstance(module, AssociativeRecall)
    with torch.no_grad():
        weights: list[list[float]] = module.attention_weights(*inputs)[0, :, at].tolist()
    return weights


# --- predict, then run ------------------------------------------------------------------------------------------------


def _start(run: RunEvidence) -> CorrectChoice:
    loss = run.first("batch_loss")
    nearest = int(np.abs(np.log([0.1, 1.0, LN_K, 10.0]) - np.log(loss)).argmin())
    return CorrectChoice(nearest, f"Initial loss {loss:.2f}; a uniform prediction costs -ln(1/10) = {LN_K:.2f}.")


def _reached(run: RunEvidence) -> float:
    return float(run.curves["batch_loss"][1][-10:].mean())


def _shortest(run: RunEvidence) -> CorrectChoice:
    places = {name: place for place, name in enumerate(run.layers) if name.startswith("attention.")}
    lengths = {name: float(run.norms[:3, place].mean()) for name, place in places.items()}
    names = ("attention.query", "attention.key", "attention.value", "attention.out")
    text = ", ".join(f"{name.removeprefix('attention.')} {lengths[name]:.2g}" for name in names)
    pair = min(lengths[names[0]], lengths[names[1]]) < min(lengths[names[2]], lengths[names[3]])
    why = (
        "Saturated rows pass no gradient."
        if pair
        else "Saturated rows pass no gradient, but unscaled scores amplify it 16 times in the other rows."
    )
    return CorrectChoice(0 if pair else 1, f"Mean gradient norm in the first three steps: {text}. {why}")


def compare_without_root(run: RunEvidence) -> CorrectChoice:
    """The loss of a short run without scaling by the square root."""
    reached = _reached(run)
    right = 0 if reached < 0.1 else 1 if reached < 0.9 * LN_K else 2
    return CorrectChoice(
        right, f"After {len(run.curves['batch_loss'][1])} steps without scaling the loss is {reached:.2f}."
    )


QUESTIONS: tuple[Question[RunEvidence], ...] = (
    Question(
        "start",
        "How large is the initial loss of an untrained network with ten classes?",
        ("about 0.1", "about 1", "about 2.3", "about 10"),
        _start,
    ),
    Question(
        "root",
        "Scores are not divided by the square root of d_k = 256. Where is the loss after 100 steps?",
        ("near 0, as with scaling", "in between: it learns slowly", "at 2.3, the initial loss"),
        compare_without_root,
    ),
    Question(
        "shortest",
        "The softmax is saturated at first. Which weights get the smaller gradient?",
        ("W_q and W_k (before the softmax)", "W_v and W_o (after it)"),
        _shortest,
    ),
)
TRIAL = {"key_size": 256, "scaled": False}
"""Settings of the short run that the questions are about."""


def _blind(run: RunEvidence) -> tuple[bool, str]:
    return _reached(run) > 0.8 * LN_K, f"The loss ends at {_reached(run):.2f}; chance costs {LN_K:.2f}."


def _slow(run: RunEvidence) -> tuple[bool, str]:
    return _reached(run) > 0.3, f"The loss ends at {_reached(run):.2f}."


def _wild(run: RunEvidence) -> tuple[bool, str]:
    top, end = float(run.curves["batch_loss"][1].max()), _reached(run)
    return (
        top > 2 * LN_K or end > LN_K,
        f"The loss rises to {top:.1f}, ends at {end:.2f}; chance costs {LN_K:.2f}.",
    )


BREAKS: tuple[Failure[RunEvidence], ...] = (
    Failure(
        "No scaling by the square root",
        "Keys with 256 dimensions, unscaled scores.",
        TRIAL,
        "most softmax rows are saturated from the start, and the loss falls slowly.",
        _slow,
    ),
    Failure(
        "Query first, causal mask",
        "The query precedes the pairs and attends only to earlier tokens.",
        {"question": "first", "mask": "causal"},
        "it attends only to itself: the loss stays near ln 10.",
        _blind,
    ),
    Failure(
        "Learning rate 100 times too high",
        "Steps so large that the softmax saturates.",
        {"learning_rate": 0.3},
        "the loss rises above its initial value and stays high.",
        _wild,
    ),
)


def _build(options: SelfAttentionConfig, facts: Mapping[str, int]) -> nn.Module:
    return AssociativeRecall(options, letters=facts["letters"], classes=facts["classes"], length=facts["tokens"])


PROJECT = Project(
    slug="attention",
    section="foundations",
    title="Self-attention",
    summary="Queries, keys, values, scores, softmax, weighted sum: every number of attention with its formula.",
    task=CLASSIFICATION,
    modality="text",
    datasets=("recall",),
    models={
        "attention": ModelEntry(
            title="Single attention layer",
            summary="A single attention layer: it must look up the answer.",
            build=_build,
            config=SelfAttentionConfig,
        )
    },
    data_config=RecallData,
    presets={
        "quick": {"epochs": 3, "batch_size": 64, "learning_rate": 3e-3, "train_rows": 3000, "gradient_every": 5},
        "full": {"epochs": 6, "batch_size": 64, "learning_rate": 3e-3, "train_rows": 6000, "gradient_every": 5},
    },
    facts={"letters": 10, "classes": CLASSES, "tokens": 7},
    prepare=prepare,
    baselines=baselines,
    answer=answer,
    input_limit=2000,
)
