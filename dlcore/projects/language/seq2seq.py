"""language/seq2seq: an encoder-decoder Transformer that translates sequences symbol by symbol."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from dlcore.core.config import Config, number
from dlcore.core.errors import DataError
from dlcore.data.batches import Batches
from dlcore.data.custom import pairs as custom_pairs
from dlcore.data.custom import registry as custom_registry
from dlcore.data.splits import Prepared, Split
from dlcore.data.text import sequences
from dlcore.data.text.sequences import PAD, Alphabet, SequencePairs
from dlcore.evaluation import sequences as sequence_metrics
from dlcore.inference import decode
from dlcore.inference.predict import evaluation_mode
from dlcore.models.seq2seq import Seq2Seq, Seq2SeqConfig
from dlcore.projects.project import Evaluation, LoadedModel, ModelEntry, Predictions, Project, Task
from dlcore.projects.run_config import RunConfig
from dlcore.training.fit import Objective

TEST_ROWS = 2000
EACH = 100
"""Test pairs per length beyond the training lengths."""
WATCHED = 500
"""Validation pairs that are decoded after each epoch."""
BEAMS = 4
AT_ONCE = 250
"""Batch size in evaluation."""
MOST = 400
"""Longest input text in characters."""


UNVERIFIED = 0.1
"""Largest confidence in a date that does not read back as its source: in the tests, fewer are correct."""


class Seq2SeqData(Config):
    """Number and length of the pairs."""

    train_rows: int = number(40_000, low=100, high=500_000, unit="items", help="Training pairs.", log=True)
    validation_rows: int = number(1000, low=50, high=10_000, unit="items", help="Validation pairs.")
    longest: int = number(12, low=4, high=40, unit="symbols", help="Maximum length for reversing and sorting.")


def prepare(config: RunConfig) -> Prepared:
    """Disjoint splits (dates: no common day); alphabets from the training split."""
    options = config.data_as(Seq2SeqData)
    sizes = sequences.SplitSizes(options.train_rows, options.validation_rows, TEST_ROWS, options.longest, EACH)
    parts = _parts(config, sizes)
    source, target = Alphabet.fit(parts.train.sources), Alphabet.fit(parts.train.targets)
    every = (parts.train, parts.validation, parts.test, parts.longer)
    lengths = (max(len(t) for part in every for t in part.sources), max(len(t) for part in every for t in part.targets))
    facts = {
        "sources": len(source),
        "symbols": len(target),
        "source_length": lengths[0],
        "target_length": lengths[1] + 1,
    }

    def split(pairs: SequencePairs) -> Split:
        ids = source.encode(pairs.sources, length=facts["source_length"])
        target_ids = target.encode(pairs.targets, length=facts["target_length"], ends=True)
        inputs = (torch.from_numpy(ids), torch.from_numpy(sequences.decoder_inputs(target_ids)))
        return Split(inputs, torch.from_numpy(target_ids), np.arange(len(pairs)), lengths=(ids != PAD).sum(axis=1))

    return Prepared(
        train=split(parts.train),
        validation=split(parts.validation),
        test=split(parts.test),
        facts=facts,
        preprocessing=sequences.as_preprocessing(source, target, task=config.dataset),
        checksum=parts.train.checksum,
        source={"parts": parts, "longer": split(parts.longer) if len(parts.longer) else None},
        transform=trim,
    )


def _parts(config: RunConfig, sizes: sequences.SplitSizes) -> sequences.SequenceSplits:
    """Generated pairs, or those of a custom dataset."""
    if custom_registry.is_custom(config.dataset):
        data = custom_pairs.load(config.dataset, checksum=config.data_checksum)
        return custom_pairs.split_pairs(data, sizes, seed=config.seed)
    return sequences.make_splits(cast(sequences.Task, config.dataset), sizes, seed=config.seed)


def trim(inputs: tuple[Tensor, ...], training: bool) -> tuple[Tensor, ...]:
    """Source (N, S) and decoder input (N, L) without columns that are padding in the whole batch."""
    return tuple(ids[:, : max(1, int(ids.ne(PAD).sum(dim=1).max()))].contiguous() for ids in inputs)


def objective(config: RunConfig, prepared: Prepared) -> Objective:
    """Cross-entropy with teacher forcing, ignoring padding, and which are exact matches."""
    return Objective(loss=_loss, correct=_exact_match, weight=lambda targets: (targets != PAD).sum())


def _loss(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.cross_entropy(outputs.transpose(1, 2), targets[:, : outputs.shape[1]], ignore_index=PAD)


def _losses(outputs: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy per sequence (N,); `outputs` (N, L, V) may be shorter than the targets."""
    expected = targets[:, : outputs.shape[1]]
    cross_entropy = functional.cross_entropy(outputs.transpose(1, 2), expected, ignore_index=PAD, reduction="none")
    return cross_entropy.sum(dim=1) / expected.ne(PAD).sum(dim=1)


def _exact_match(outputs: Tensor, targets: Tensor) -> Tensor:
    expected = targets[:, : outputs.shape[1]]
    return ((outputs.argmax(dim=2) == expected) | (expected == PAD)).all(dim=1)


def teacher_forced(module: nn.Module, prepared: Prepared, part: Split) -> tuple[np.ndarray, np.ndarray]:
    """With teacher forcing: cross-entropy (N,) and exact match (N,) per sequence."""
    device, losses, exact = next(module.parameters()).device, [], []
    plain = Split(part.inputs, part.targets, part.ids)
    with evaluation_mode(module):
        for inputs, targets in Batches(plain, AT_ONCE, device=device, transform=prepared.transform).epoch(1):
            outputs = module(*inputs).float()
            losses.append(_losses(outputs, targets))
            exact.append(_exact_match(outputs, targets))
    return torch.cat(losses).cpu().numpy(), torch.cat(exact).cpu().numpy()


def generate(module: nn.Module, part: Split, *, length: int, beams: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Decoded ids (N, length) and their log probability (N,)."""
    device, ids, scores = next(module.parameters()).device, [], []
    for (source, *_), _ in Batches(part, AT_ONCE, device=device, transform=trim).epoch(1):
        decoded = decode.decode(module, source, length=length, beams=beams)
        ids.append(decoded.best)
        scores.append(decoded.scores[:, 0])
    return torch.cat(ids).cpu().numpy(), torch.cat(scores).cpu().numpy()


def epoch_metrics(module: nn.Module, prepared: Prepared, config: RunConfig) -> dict[str, float]:
    """Loss and exact match with teacher forcing, and exact match of decoded outputs."""
    held = prepared.validation
    losses, exact = teacher_forced(module, prepared, held)
    few = Split(tuple(part[:WATCHED] for part in held.inputs), held.targets[:WATCHED], held.ids[:WATCHED])
    ids, _ = generate(module, few, length=prepared.facts["target_length"])
    return {
        "validation_loss": float(losses.mean()),
        "validation_accuracy": float(exact.mean()),
        "validation_exact_match": float((ids == few.targets.numpy()).all(axis=1).mean()),
    }


def predict(module: nn.Module, prepared: Prepared, config: RunConfig) -> dict[str, np.ndarray]:
    """Test pairs with greedy and beam search outputs, also beyond the training lengths."""
    test, length = prepared.test, prepared.facts["target_length"]
    losses, exact = teacher_forced(module, prepared, test)
    ids, scores = generate(module, test, length=length)
    beam, _ = generate(module, test, length=length, beams=BEAMS)
    parts: sequences.SequenceSplits = prepared.source["parts"]
    predictions = {
        "test_scores": scores,
        "test_targets": test.targets.numpy(),
        "test_ids": test.ids,
        "test_written": ids,
        "test_beam": beam,
        "test_sources": test.inputs[0].numpy(),
        "test_kinds": parts.test.kinds,
        "test_forced": exact,
        "test_losses": losses,
    }
    longer: Split | None = prepared.source["longer"]
    if longer is not None:
        predictions["longer_written"], _ = generate(module, longer, length=length)
        predictions |= {"longer_targets": longer.targets.numpy(), "longer_kinds": parts.longer.kinds}
    small = {np.dtype(np.int64): np.int16, np.dtype(np.float64): np.float32}
    return {name: array.astype(small.get(array.dtype, array.dtype)) for name, array in predictions.items()}


WAYS = {"beam": f"beam search with {BEAMS} beams", "answer_given": "teacher forcing"}
"""Labels of an evaluation's parts."""


def evaluate(predictions: Predictions, threshold: float | None, config: RunConfig) -> Evaluation:
    """Exact match of greedy decoding on test; `parts` has beam search and teacher forcing."""
    targets = predictions["test_targets"]
    exact = (predictions["test_written"] == targets).all(axis=1)
    losses = predictions["test_losses"].astype(np.float64)
    half = 1.96 * float(losses.std(ddof=1)) / len(losses) ** 0.5
    loss = float(losses.mean())
    metrics = {**sequence_metrics.share_correct(exact), "loss": loss, "loss_low": loss - half, "loss_high": loss + half}
    parts = {
        "beam": sequence_metrics.share_correct((predictions["test_beam"] == targets).all(axis=1)),
        "answer_given": sequence_metrics.share_correct(predictions["test_forced"]),
    }
    low, high = metrics["exact_match_low"], metrics["exact_match_high"]
    verdict = (
        f"Exact match on {metrics['exact_match']:.1%} of {len(targets):,} unseen items "
        f"(95 % interval {low:.1%} to {high:.1%})."
    )
    if "longer_written" in predictions:
        beyond = float((predictions["longer_written"] == predictions["longer_targets"]).all(axis=1).mean())
        metrics["exact_match_longer"] = beyond
        verdict += f" On pairs up to twice the training length: {beyond:.1%}."
    return Evaluation(metrics=metrics, baselines={}, verdict=verdict, parts=parts)


def baselines(prepared: Prepared, config: RunConfig) -> dict[str, dict[str, float]]:
    """Copying the source, the target of the nearest training pair, and a rule-based date parser."""
    parts: sequences.SequenceSplits = prepared.source["parts"]
    train, test = parts.train, parts.test
    near = sequence_metrics.nearest_neighbor(train.sources, train.targets, test.sources)
    metrics = {
        "copy": sequence_metrics.exact_match(test.sources, test.targets),
        "nearest_item": sequence_metrics.exact_match(near, test.targets),
    }
    if config.dataset == "dates_in_words":
        metrics["date_parser"] = sequence_metrics.exact_match(sequence_metrics.parsed_dates(test.sources), test.targets)
    return metrics


# --- one text ---------------------------------------------------------------------------------------------------------


def alphabets(preprocessing: Mapping[str, Any]) -> tuple[Alphabet, Alphabet]:
    """Source and target alphabet of a run."""
    return Alphabet(preprocessing["source_symbols"]), Alphabet(preprocessing["target_symbols"])


def encode_source(loaded: LoadedModel, payload: bytes) -> tuple[str, Tensor]:
    """Cleaned text and its ids (1, S).

    Raises:
        DataError: the text is empty, too long, or has an unknown symbol.
    """
    cleaned = payload[:MOST].decode("utf-8", errors="replace").strip().lower()
    source, _ = alphabets(loaded.preprocessing)
    longest = int(loaded.facts["source_length"])
    if not cleaned:
        raise DataError("the text is empty: enter a text.")
    if len(cleaned) > longest:
        raise DataError(f"the text has {len(cleaned)} characters: the maximum is {longest}; shorten it.")
    unknown = sorted(set(cleaned) - set(source.symbols))
    if unknown:
        known = source.symbols.replace(" ", "the space, ")
        raise DataError(f"the model does not know '{''.join(unknown)[:20]}'; its symbols are {known}.")
    return cleaned, torch.from_numpy(source.encode([cleaned], length=len(cleaned)))


def answer(loaded: LoadedModel, payload: bytes) -> dict[str, Any]:
    """Greedy and beam search output for a text, with the probability of each symbol.

    `probability` is at most `UNVERIFIED` if the output is a date that does not read back as the text (`verified`);
    `model_probability` is that of the model.

    Raises:
        DataError: the text is invalid.
    """
    cleaned, source = encode_source(loaded, payload)
    _, target = alphabets(loaded.preprocessing)
    length = int(loaded.facts["target_length"])
    greedy = decode.decode(loaded.module, source, length=length)
    beam = decode.decode(loaded.module, source, length=length, beams=BEAMS)
    sums = [step.scores[0, 0].item() for step in greedy.steps]
    symbols = [target.name(int(number)) for number in greedy.best[0, : len(sums)]]
    output, probability = target.decode(greedy.best[0].tolist()), float(np.exp(sums[-1]))
    verified = verify(loaded, cleaned, output)
    return {
        "source": cleaned,
        "answer": output,
        "probability": limit_confidence(probability, verified),
        "model_probability": probability,
        "verified": verified,
        "symbols": [
            {"symbol": symbol, "probability": float(np.exp(here - before))}
            for symbol, here, before in zip(symbols, sums, [0.0, *sums], strict=False)
        ],
        "beam": [
            {"answer": target.decode(ids.tolist()), "probability": float(score.exp())}
            for ids, score in zip(beam.ids[0], beam.scores[0], strict=True)
        ],
    }


def verify(loaded: LoadedModel, cleaned: str, output: str) -> bool | None:
    """Whether a date reads back as the text it was decoded from; None for other tasks, which are not verified."""
    return sequences.reads_back(cleaned, output) if loaded.preprocessing.get("task") == "dates_in_words" else None


def limit_confidence(probability: float, verified: bool | None) -> float:
    """The probability of an output, at most `UNVERIFIED` if its verification failed."""
    return min(probability, UNVERIFIED) if verified is False else probability


def decode_rows(ids: np.ndarray, alphabet: Alphabet) -> list[str]:
    """Decode rows of ids (N, T)."""
    return [alphabet.decode(row) for row in cast(Sequence[list[int]], ids.tolist())]


def _build(options: Seq2SeqConfig, facts: Mapping[str, int]) -> nn.Module:
    return Seq2Seq(
        options,
        sources=facts["sources"],
        symbols=facts["symbols"],
        source_length=facts["source_length"],
        length=facts["target_length"],
    )


_TRAINING = {"batch_size": 64, "learning_rate": 2e-3, "schedule": "one_cycle", "clip_norm": 1.0}

TASK = Task(
    name="sequence to sequence",
    objective=objective,
    predict=predict,
    epoch_metrics=epoch_metrics,
    evaluate=evaluate,
)

PROJECT = Project(
    slug="seq2seq",
    section="language",
    title="Sequence to sequence",
    summary="Translate one sequence into another with a Transformer: dates, reversing, sorting.",
    task=TASK,
    modality="text",
    datasets=("dates_in_words", "reversing", "sorting"),
    models={
        "transformer": ModelEntry(
            title="Encoder-decoder Transformer",
            summary="Two encoder and two decoder layers with cross-attention.",
            build=_build,
            config=Seq2SeqConfig,
        )
    },
    data_config=Seq2SeqData,
    presets={
        "quick": {**_TRAINING, "epochs": 4, "batch_size": 32, "train_rows": 8000, "validation_rows": 500},
        "full": {**_TRAINING, "epochs": 6},
    },
    facts={"sources": 40, "symbols": 15, "source_length": 51, "target_length": 11},
    prepare=prepare,
    baselines=baselines,
    answer=answer,
    input_limit=MOST,
    custom_data=("pairs",),
)
