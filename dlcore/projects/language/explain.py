"""Explain the class of a text: contributions of its words, and their sanity checks."""

from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import torch
from torch import Tensor, nn

from dlcore.explanation import findings, sanity_checks
from dlcore.explanation.agreement import rank_correlation
from dlcore.explanation.attribution import attribute
from dlcore.explanation.findings import MASKED_TEXT, TEXT, SanityCheck
from dlcore.explanation.sanity_checks import DeletionCurve
from dlcore.inference.predict import evaluation_mode
from dlcore.models.ngram_classifier import NgramClassifier
from dlcore.projects import classification
from dlcore.projects.language import texts
from dlcore.projects.language.texts import EncodedText
from dlcore.projects.project import LoadedModel

Method = Literal["integrated_gradients", "feature_ablation", "weights"]
METHODS: dict[Method, str] = {
    "integrated_gradients": "Integrated gradients",
    "feature_ablation": "Hiding each word",
    "weights": "Weights of the n-grams",
}
MIN_WORDS = 5
"""Minimum number of words for comparing their order."""
STEPS = (64, 256, 1024)
"""Integration steps of integrated gradients; the next number is used if completeness fails."""
MAX_TOKENS = 20_000
"""Maximum steps times tokens of a fine-tuned BERT after the first number of steps: about 15 s on one CPU core."""


@dataclass(frozen=True)
class TextExplanation:
    """Contributions (T,) of a text's tokens to the logit of one class.

    `delta` is the completeness gap of integrated gradients; None for other methods.
    """

    encoded: EncodedText
    target: int
    method: Method
    values: np.ndarray
    output: float
    baseline_output: float
    delta: float | None

    @property
    def is_masked(self) -> bool:
        """Whether the baseline consists of mask tokens, not of unknown words."""
        return self.encoded.mask_id != self.encoded.unknown_id

    @property
    def is_known(self) -> np.ndarray:
        """Mask (T,) of tokens that differ from the baseline."""
        mask: np.ndarray = (self.encoded.ids != self.encoded.without())[0]
        return mask


@dataclass(frozen=True)
class CheckedText:
    """Sanity checks of an explanation and the deletion curve; None for texts of few known words."""

    checks: tuple[SanityCheck, ...]
    deletion: DeletionCurve | None


def methods_of(module: nn.Module) -> tuple[Method, ...]:
    """The methods for a model, the default first: the weights of a linear one are exact."""
    if isinstance(module, NgramClassifier):
        return ("weights", "feature_ablation")
    if not getattr(module, "has_word_embedding", True):
        return ("feature_ablation",)
    return ("integrated_gradients", "feature_ablation")


def explain_text(
    loaded: LoadedModel, encoded: EncodedText, target: int, *, method: Method | None = None
) -> TextExplanation:
    """Contributions of a text's words to class number `target`, against a text of unknown (or masked) words.

    method: by default the first of `methods_of`.

    With a padding baseline (zero vectors) the sum does not converge in 64 to 1,024 steps; with unknown words most
    reviews converge in 64 steps, long ones in up to 1,024 (3 s).
    """
    module, ids = loaded.module, torch.from_numpy(encoded.ids)
    baseline = torch.from_numpy(encoded.without())
    method = methods_of(module)[0] if method is None else method
    if isinstance(module, NgramClassifier):
        return _explain_ngrams(module, encoded, target, method)
    for steps in STEPS:
        if encoded.specials and steps > STEPS[0] and steps * ids.numel() > MAX_TOKENS:
            break
        attribution = attribute(module, ids, target, method=_captum(method), baseline=baseline, steps=steps)
        result = TextExplanation(
            encoded,
            target,
            method,
            attribution.values[0],
            float(attribution.output[0]),
            float(attribution.baseline_output[0]),
            None if attribution.delta is None else float(attribution.delta[0]),
        )
        if result.delta is None or findings.is_complete(result.output, result.baseline_output, result.delta):
            break
    return result


def _explain_ngrams(module: NgramClassifier, encoded: EncodedText, target: int, method: Method) -> TextExplanation:
    ids, baseline = torch.from_numpy(encoded.ids), torch.from_numpy(encoded.without())
    outputs = [float(_log_odds(module, part, target)[0]) for part in (ids, baseline)]
    values = _ngram_values(module, ids, baseline, target, method)
    delta = float(values.sum()) - (outputs[0] - outputs[1]) if method == "weights" else None
    return TextExplanation(encoded, target, method, values, outputs[0], outputs[1], delta)


def _captum(method: Method) -> Literal["integrated_gradients", "feature_ablation"]:
    return "feature_ablation" if method == "feature_ablation" else "integrated_gradients"


def _log_odds(module: nn.Module, ids: Tensor, target: int) -> Tensor:
    """The logit (N,) of a class, of two classes less that of the other."""
    with evaluation_mode(module):
        logits: Tensor = module(ids)
    return logits[:, target] - logits[:, 1 - target] if logits.shape[1] == 2 else logits[:, target]


def _ngram_values(module: nn.Module, ids: Tensor, baseline: Tensor, target: int, method: Method) -> np.ndarray:
    """Contributions (T,) of the words of ids (1, T): their weights, or the effect of hiding each."""
    if method == "weights":
        with torch.no_grad():
            return np.asarray(cast(NgramClassifier, module).word_contributions(ids, target)[0])
    hidden = ids.repeat(ids.shape[1], 1)
    hidden.fill_diagonal_(int(baseline[0, 0]))
    return np.asarray(_log_odds(module, ids, target) - _log_odds(module, hidden, target))


def check_text(loaded: LoadedModel, result: TextExplanation) -> CheckedText:
    """Sanity checks of an explanation: completeness, random weights, agreement, deletion."""
    wording = MASKED_TEXT if result.is_masked else TEXT
    checks = []
    if result.delta is not None:
        checks.append(findings.check_completeness(result.output, result.baseline_output, result.delta, of=wording))
    relevant = result.is_known
    if int(relevant.sum()) < MIN_WORDS:
        return CheckedText(tuple(checks), None)
    module, ids = loaded.module, torch.from_numpy(result.encoded.ids)
    baseline = torch.from_numpy(result.encoded.without())

    def explain_module(network: nn.Module) -> np.ndarray:
        return result.values if network is module else values_of(network, result.method)

    def values_of(network: nn.Module, method: Method) -> np.ndarray:
        if isinstance(network, NgramClassifier):
            return _ngram_values(network, ids, baseline, result.target, method)
        return attribute(network, ids, result.target, method=_captum(method), baseline=baseline, steps=STEPS[0]).values[
            0
        ]

    alternatives = [method for method in methods_of(module) if method != result.method]
    correlations = sanity_checks.similarity(module, explain_module, relevant=relevant, draws=3)
    deletion = sanity_checks.deletion_curve(
        _ImageRow(module), ids, result.target, result.values, baseline=baseline, steps=10
    )
    checks.append(findings.check_random_weights(correlations, of=wording))
    for other in alternatives[:1]:
        agreement = rank_correlation(result.values[relevant], values_of(module, other)[relevant])
        checks.append(
            findings.check_agreement(agreement, first=METHODS[result.method], second=METHODS[other], of=wording)
        )
    checks.append(findings.check_deletion(deletion, of=wording))
    return CheckedText(tuple(checks), deletion)


class _ImageRow(nn.Module):
    """Wraps a text model to take ids as (M, 1, T), the shape of one-line images."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, ids: Tensor) -> Tensor:
        """Logits (M, K) of ids (M, 1, T)."""
        scores: Tensor = self.module(ids.squeeze(1))
        return scores


def explain(loaded: LoadedModel, payload: bytes, method: str, target: str) -> dict[str, Any]:
    """Contribution of every word of a text to one class, with sanity checks.

    method: one of `methods_of`; the first if empty. target: a label; the predicted one if empty.

    Raises:
        DataError: the text is empty, too long, not UTF-8, or has no word that the model knows.
        RequestError: there is no such method or class.
    """
    encoded = texts.encode_known_text(loaded, payload)
    prediction = texts.classify(loaded, encoded)
    label = classification.choose(target, loaded.labels, default=prediction["label"], kind="class")
    methods = methods_of(loaded.module)
    selected = cast(Method, classification.choose(method, methods, default=methods[0], kind="method"))
    result = explain_text(loaded, encoded, loaded.labels.index(label), method=selected)
    top = [encoded.words[place] for place in np.argsort(-result.values)[:3] if result.values[place] > 0]
    return {
        "method": METHODS[selected],
        "methods": list(methods),
        "target": label,
        "prediction": prediction,
        "summary": f"Evidence for class “{label}”: {', '.join(top) or 'no word'}.",
        "contributions": [
            {"part": word, "value": float(value)} for word, value in zip(encoded.words, result.values, strict=True)
        ],
        "checks": [check.as_json() for check in check_text(loaded, result).checks],
    }
