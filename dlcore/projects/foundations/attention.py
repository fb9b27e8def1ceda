"""foundations/attention: self-attention alone, on a synthetic task that nothing else can do."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from dlcore.core.config import Config, choice, number, parse
from dlcore.data.splits import Prepared, Split
from dlcore.data.text import recall
from dlcore.data.text.recall import RecallSequences
from dlcore.evaluation import baselines as simple
from dlcore.evaluation import linear
from dlcore.inference import predict as inference
from dlcore.models.self_attention import AssociativeRecall, SelfAttentionConfig
from dlcore.projects import classification
from dlcore.projects.foundations.quiz import CorrectChoice, Failure, Question, RunEvidence
from dlcore.projects.project import LoadedModel, ModelEntry, Project, RunConfig

TEST_ROWS = 2000
CLASSES = len(recall.DIGITS)
LN_K = float(np.log(CLASSES))


class RecallData(Config):
    """How the synthetic sequences are made."""

    pairs: int = number(6, low=2, high=10, unit="pairs", help="Most pairs of a sequence; the shortest have 2.")
    question: recall.Place = choice("last", help="Where the question stands.")
    train_rows: int = number(4000, low=100, high=100_000, unit="sequences", help="Sequences to learn from.")
    validation_rows: int = number(1000, low=100, high=20_000, unit="sequences", help="Sequences to validate on.")


def prepare(config: RunConfig) -> Prepared:
    """Three parts, drawn one after the other from the run's seed; the test part is the same for every seed."""
    options = parse(RecallData, config.data_options)
    how: dict[str, Any] = {"pairs": options.pairs, "question": options.question}
    learnt = recall.make_sequences(options.train_rows + options.validation_rows, seed=config.seed, **how)
    test = recall.make_sequences(TEST_ROWS, seed=2**31, **how)  # no run's seed reaches so far
    cut = options.train_rows
    return Prepared(
        train=_split(learnt, slice(0, cut)),
        validation=_split(learnt, slice(cut, None)),
        test=_split(test, slice(None)),
        facts={"letters": len(recall.LETTERS), "classes": CLASSES, "tokens": options.pairs + 1},
        preprocessing=how,
        labels=tuple(recall.DIGITS),
        checksum=learnt.checksum,
    )


def _split(found: RecallSequences, part: slice) -> Split:
    inputs = (torch.from_numpy(found.letters[part].copy()), torch.from_numpy(found.values[part].copy()))
    return Split(inputs, torch.from_numpy(found.answers[part].copy()), np.arange(len(found.answers))[part])


def baselines(prepared: Prepared, config: RunConfig) -> dict[str, dict[str, float]]:
    """The commonest digit, any digit that is there, and logistic regression on which pairs and letters are there."""
    test, truth = prepared.test, prepared.test.targets.numpy()
    train = prepared.train
    regression = linear.logistic_regression(_bag(train), train.targets.numpy(), _bag(test), classes=CLASSES)
    there = _there(test)
    return {
        "majority": classification.compute_metrics(
            simple.majority(train.targets.numpy(), len(test), classes=CLASSES), truth
        ),
        "any_digit_there": classification.compute_metrics(there / there.sum(axis=1, keepdims=True), truth),
        "logistic_regression": classification.compute_metrics(regression, truth),
    }


def _there(split: Split) -> np.ndarray:
    """How often each digit stands in a sequence (N, 10)."""
    values = split.inputs[1].numpy()
    return np.stack([(values == digit + 2).sum(axis=1) for digit in range(CLASSES)], axis=1).astype(np.float64)


def _bag(split: Split) -> np.ndarray:
    """Which letters, digits and questions a sequence has, as a bag (N, 10 + 10 + 10) of numbers."""
    letters, values = (part.numpy() for part in split.inputs)
    asked = (letters * (values == recall.QUESTION)).max(axis=1)
    known = np.stack([((letters == one) & (values > recall.QUESTION)).any(axis=1) for one in range(1, 11)], axis=1)
    return np.concatenate([_there(split), known, np.eye(11)[asked][:, 1:]], axis=1).astype(np.float32)


def answer(loaded: LoadedModel, payload: bytes) -> dict[str, Any]:
    """What digit stood with the letter asked for in a text such as `a3 b7 a?`, and where the question looked.

    Raises:
        DataError: the text is not made of pairs and one question.
    """
    text = payload[:2000].decode("utf-8", errors="replace")
    pairs = max(loaded.facts["tokens"] - 1, 1)
    letters, values = recall.parse_sequence(text, pairs=pairs)
    inputs = (torch.from_numpy(letters), torch.from_numpy(values))
    scores = inference.forward_batch(loaded.module, *inputs)
    words = recall.format_sequence(letters[0], values[0])
    return {
        **classification.classify(loaded, scores),
        "tokens": words,
        "looked_at": _looked(loaded.module, inputs, int((values[0] == recall.QUESTION).argmax())),
    }


def _looked(module: nn.Module, inputs: tuple[torch.Tensor, ...], at: int) -> list[list[float]]:
    """Each head's weights (heads, T) in the question's row."""
    assert isinstance(module, AssociativeRecall)
    with torch.no_grad():
        weights: list[list[float]] = module.weights(*inputs)[0, :, at].tolist()
    return weights


# --- predict, then run ------------------------------------------------------------------------------------------------


def _start(run: RunEvidence) -> CorrectChoice:
    loss = run.first("batch_loss")
    nearest = int(np.abs(np.log([0.1, 1.0, LN_K, 10.0]) - np.log(loss)).argmin())
    return CorrectChoice(nearest, f"It began at {loss:.2f}; finding all ten digits alike costs -ln(1/10) = {LN_K:.2f}.")


def _reached(run: RunEvidence) -> float:
    return float(run.curves["batch_loss"][1][-10:].mean())


def _shortest(run: RunEvidence) -> CorrectChoice:
    wanted = {name: place for place, name in enumerate(run.layers) if name.startswith("attention.")}
    lengths = {name: float(run.norms[:3, place].mean()) for name, place in wanted.items()}
    names = ("attention.query", "attention.key", "attention.value", "attention.out")
    said = ", ".join(f"{name.removeprefix('attention.')} {lengths[name]:.2g}" for name in names)
    pair = min(lengths[names[0]], lengths[names[1]]) < min(lengths[names[2]], lengths[names[3]])
    why = (
        "Saturated rows pass nothing on."
        if pair
        else "Saturated rows pass nothing on; but scores that were not "
        "divided hand the gradient on 16 times as long where a row is not saturated, and those few make up for it."
    )
    return CorrectChoice(0 if pair else 1, f"Mean length in the first three steps: {said}. {why}")


def compare_without_root(run: RunEvidence) -> CorrectChoice:
    """Of a trial without the division: how far its loss came in as many steps."""
    reached = _reached(run)
    right = 0 if reached < 0.1 else 1 if reached < 0.9 * LN_K else 2
    return CorrectChoice(
        right, f"After {len(run.curves['batch_loss'][1])} steps without the root the loss is {reached:.2f}."
    )


QUESTIONS: tuple[Question[RunEvidence], ...] = (
    Question(
        "start",
        "The network is fresh and knows nothing. How large is its very first loss, with ten digits?",
        ("about 0.1", "about 1", "about 2.3", "about 10"),
        _start,
    ),
    Question(
        "root",
        "Scores are not divided by the root of d_k = 256: their spread is 16, not 1. Where is the loss after "
        "100 steps?",
        ("near 0, as with the root", "between: it learns, but slowly", "at 2.3, where it began"),
        compare_without_root,
    ),
    Question(
        "shortest",
        "The softmax is saturated at the start. Which weights get the shorter gradient in the first steps?",
        ("W_q and W_k, which are behind the softmax", "W_v and W_o, which are not"),
        _shortest,
    ),
)
TRIAL = {"key_size": 256, "scaled": False}
"""What the questions are about: a hundred steps with wide keys and no division."""


def _blind(run: RunEvidence) -> tuple[bool, str]:
    return _reached(run) > 0.8 * LN_K, f"The loss ends at {_reached(run):.2f}; guessing costs {LN_K:.2f}."


def _slow(run: RunEvidence) -> tuple[bool, str]:
    return _reached(run) > 0.3, f"The loss ends at {_reached(run):.2f}."


def _wild(run: RunEvidence) -> tuple[bool, str]:
    top, end = float(run.curves["batch_loss"][1].max()), _reached(run)
    return (
        top > 2 * LN_K or end > LN_K,
        f"The loss rises to {top:.1f}, ends at {end:.2f}; guessing costs {LN_K:.2f}.",
    )


BREAKS: tuple[Failure[RunEvidence], ...] = (
    Failure(
        "No division by the root",
        "Keys of 256 numbers, and scores as they are.",
        TRIAL,
        "most softmax rows are all but 0 and 1 from the start, and the loss lags behind.",
        _slow,
    ),
    Failure(
        "Question first, causal mask",
        "The question stands before the pairs, and may look only at what came before.",
        {"question": "first", "mask": "causal"},
        "it sees nothing but itself: the loss stays near ln 10.",
        _blind,
    ),
    Failure(
        "A rate a hundred times too high",
        "Steps so long that the softmax is thrown into a corner.",
        {"learning_rate": 0.3},
        "the loss jumps above where it began, and stays high.",
        _wild,
    ),
)


def _build(options: SelfAttentionConfig, facts: Mapping[str, int]) -> nn.Module:
    return AssociativeRecall(options, letters=facts["letters"], classes=facts["classes"], length=facts["tokens"])


PROJECT = Project(
    slug="attention",
    section="foundations",
    title="Self-attention",
    summary="Queries, keys, values, scores, softmax, weighted sum: every number of attention opened to its formula.",
    datasets=("recall",),
    models={
        "attention": ModelEntry(
            title="Attention alone",
            summary="One layer of attention and nothing around it: it must look the answer up.",
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
    objective=classification.objective,
    predict=classification.predict,
    epoch_metrics=classification.epoch_metrics,
    evaluate=classification.evaluate,
    baselines=baselines,
    answer=answer,
    input_kind="text",
    input_limit=2000,
)
