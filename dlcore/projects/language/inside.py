"""Inside a text classifier: its probabilities after each word, and the effect of each attention head."""

import copy
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from dlcore.evaluation import calibration
from dlcore.models.bert import Bert
from dlcore.models.encoder import Attention
from dlcore.projects.language.texts import EncodedText, compute_outputs
from dlcore.projects.project import LoadedModel


def prefix_probabilities(loaded: LoadedModel, encoded: EncodedText) -> np.ndarray:
    """Calibrated probabilities (T, K) of the text up to each of its words, as if it ended there."""
    ids, ends = encoded.ids, encoded.specials
    words = ids.shape[1] - 2 * ends
    rows = [np.concatenate([ids[:, : ends + t], ids[:, ids.shape[1] - ends :]], axis=1) for t in range(1, words + 1)]
    logits, _ = compute_outputs(loaded, rows)
    return _calibrate(loaded, logits)


def head_effects(loaded: LoadedModel, encoded: EncodedText, target: int) -> tuple[list[str], np.ndarray]:
    """Names of the attention layers (L), and the change (L, H) of the calibrated probability of class `target` when the
    output of one head is removed; NaN where a layer has fewer heads. Empty for a network without attention.
    """
    module = copy.deepcopy(loaded.module)  # the loaded one serves other readers
    layers = list(attention_outputs(module))
    altered = replace(loaded, module=module)

    def probability() -> float:
        logits, _ = compute_outputs(altered, [encoded.without(())])
        return float(_calibrate(loaded, logits)[0, target])

    before = probability()
    effects = np.full((len(layers), max((heads for _, _, heads in layers), default=0)), np.nan)
    for row, (_, output, heads) in enumerate(layers):
        whole = output.weight.detach().clone()
        size = whole.shape[1] // heads
        for head in range(heads):
            with torch.no_grad():
                output.weight[:, head * size : (head + 1) * size] = 0.0
            effects[row, head] = probability() - before
            with torch.no_grad():
                output.weight.copy_(whole)
    return [name for name, _, _ in layers], effects


def _calibrate(loaded: LoadedModel, logits: Tensor) -> np.ndarray:
    """Probabilities (N, K) at the fitted temperature, 1 without one."""
    temperature = 1.0 if loaded.calibration is None else loaded.calibration.temperature
    return calibration.apply_temperature(logits.softmax(dim=1).numpy(), temperature)


def attention_outputs(module: nn.Module) -> Iterator[tuple[str, nn.Linear, int]]:
    """Yield each multi-head attention of a text network: name, output projection, number of heads."""
    for path, part in module.named_modules():
        if isinstance(part, Attention):
            yield path.replace(".", " ").replace("_", " ").removesuffix(" attention"), part.out, part.heads
        elif isinstance(part, Bert):
            heads = int(part.network.config.num_attention_heads)
            for number, layer in enumerate(part.layers, 1):
                output = layer.get_submodule("attention.output.dense")
                assert isinstance(output, nn.Linear)
                yield f"layer {number}", output, heads
