"""Attribution of a module's output to the parts of its input, computed by Captum."""

import copy
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from dlcore.core.errors import RequestError

Score = Callable[[Tensor, Tensor], Tensor]
"""(inputs, outputs) -> (N,): a number to explain that is not an output, for example a reconstruction error."""

Method = Literal["integrated_gradients", "input_x_gradient", "gradients", "feature_ablation"]
ROWS_AT_ONCE, VALUES_AT_ONCE = 256, 3_200_000
"""Largest batch of points on the path from the baseline, and largest number of their values."""
_CUDNN = threading.Lock()


@dataclass(frozen=True)
class Attribution:
    """Contribution of each part of the inputs to the explained number.

    values: of the inputs' shape; for ids (N, T) one number per word, summed over its embedding. With feature ablation,
    each part of a block has the contribution of the whole block.
    output: explained number (N,); `baseline_output` (N,): the same for the baseline.
    delta: sum of the values minus (output - baseline_output), (N,); None for methods without completeness.
    """

    values: np.ndarray
    output: np.ndarray
    baseline_output: np.ndarray
    delta: np.ndarray | None


@dataclass(frozen=True)
class _AttributionTask:
    """An attribution to compute: `forward(x, *extra)` returns (N,) for x, floats or embeddings."""

    forward: Callable[..., Tensor]
    x: Tensor
    baseline: Tensor
    extra: tuple[Tensor, ...]
    steps: int = 64
    blocks: Tensor | None = None


def attribute(
    module: nn.Module,
    inputs: Tensor | tuple[Tensor, ...],
    target: int | Score,
    *,
    method: Method = "integrated_gradients",
    baseline: Tensor | None = None,
    steps: int = 64,
    blocks: Tensor | None = None,
) -> Attribution:
    """Attribute one number of a module's output to the parts of its input.

    Works on a copy in evaluation mode: the module is not changed.

    inputs: floats (N, ...), or integer ids (N, T), which are explained at the module's embedding. Of several inputs,
        the first is explained; the others, also with first dimension N, are fixed.
    target: column of the outputs (N, K), or a function (inputs, outputs) -> (N,).
    baseline: reference input, of the inputs' shape or (1, ...); default: zeros (for ids: the embedding of padding).
    steps: points on the path from baseline to input (integrated gradients only).
    blocks: integers of the inputs' shape or (1, ...): parts with the same number are ablated together (feature
        ablation only); by default each part is a block, for ids each word.

    A module that computes elsewhere attributes ids itself, by its `attribute_ids`.

    Integrated gradients: Sundararajan et al. 2017, eq. 1; they sum to output - baseline output.
    Feature ablation: output - output with one block set to the baseline (Zeiler & Fergus 2014, occlusion).

    Raises:
        RequestError: the inputs are ids and the module has not exactly one embedding.
    """
    explained, *extra_inputs = (inputs,) if isinstance(inputs, Tensor) else inputs
    if not explained.is_floating_point() and callable(elsewhere := getattr(module, "attribute_ids", None)):
        computed: Attribution = elsewhere(explained, target, method=method, baseline=baseline, steps=steps)
        return computed
    module_copy = copy.deepcopy(module).eval().requires_grad_(False)
    device = next((parameter.device for parameter in module_copy.parameters()), explained.device)
    with torch.enable_grad(), _recurrent_backward(module_copy, device):
        parts = tuple(part.detach().to(device) for part in (explained, *extra_inputs))
        task = _build_task(module_copy, parts, target, baseline=baseline)
        task = replace(task, steps=steps, blocks=task.blocks if blocks is None else blocks)
        values = METHODS[method](task)
        output, baseline_output = (_compute_output(task, x) for x in (task.x, task.baseline))
    if not explained.is_floating_point():  # (N, T, D) -> (N, T)
        values = values[..., 0] if method == "feature_ablation" else values.sum(dim=-1)
    is_complete = method == "integrated_gradients"
    delta = values.flatten(1).double().sum(dim=1) - (output - baseline_output).double() if is_complete else None
    return Attribution(
        values=values.detach().cpu().numpy(),
        output=output.cpu().numpy(),
        baseline_output=baseline_output.cpu().numpy(),
        delta=None if delta is None else delta.detach().cpu().numpy(),
    )


def _integrated_gradients(task: _AttributionTask) -> Tensor:
    from captum.attr import IntegratedGradients  # 0.6 s to import

    values: Tensor = IntegratedGradients(task.forward).attribute(
        task.x,
        baselines=task.baseline,
        additional_forward_args=task.extra or None,
        n_steps=task.steps,
        internal_batch_size=max(min(ROWS_AT_ONCE, VALUES_AT_ONCE // task.x[0].numel()), len(task.x)),
    )
    return values


def _input_x_gradient(task: _AttributionTask) -> Tensor:
    from captum.attr import InputXGradient

    values: Tensor = InputXGradient(task.forward).attribute(
        task.x.clone().requires_grad_(), additional_forward_args=task.extra or None
    )
    return values


def _gradients(task: _AttributionTask) -> Tensor:
    from captum.attr import Saliency

    values: Tensor = Saliency(task.forward).attribute(
        task.x.clone().requires_grad_(), abs=False, additional_forward_args=task.extra or None
    )
    return values


def _feature_ablation(task: _AttributionTask) -> Tensor:
    from captum.attr import FeatureAblation

    blocks = task.blocks
    if blocks is None:
        blocks = torch.arange(task.x[0].numel()).reshape(1, *task.x.shape[1:])
    values: Tensor = FeatureAblation(task.forward).attribute(
        task.x,
        baselines=task.baseline,
        additional_forward_args=task.extra or None,
        feature_mask=blocks.to(task.x.device).expand(1, *task.x.shape[1:]),
        perturbations_per_eval=max(1, ROWS_AT_ONCE // len(task.x)),
    )
    return values


METHODS: dict[Method, Callable[[_AttributionTask], Tensor]] = {
    "integrated_gradients": _integrated_gradients,
    "input_x_gradient": _input_x_gradient,
    "gradients": _gradients,
    "feature_ablation": _feature_ablation,
}


class _FixedEmbedding(nn.Module):
    """Replaces an embedding and returns fixed vectors, so that these can be varied; its weight may be tied."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.vectors = torch.empty(0)
        self.register_buffer("weight", weight)

    def forward(self, ids: Tensor) -> Tensor:
        """Return the vectors; the ids are ignored."""
        return self.vectors


def _build_task(
    module: nn.Module, inputs_and_extra: tuple[Tensor, ...], target: int | Score, *, baseline: Tensor | None
) -> _AttributionTask:
    inputs, *extra_inputs = inputs_and_extra
    baseline_input = torch.zeros_like(inputs) if baseline is None else baseline.to(inputs).expand_as(inputs)
    if inputs.is_floating_point():

        def forward(x: Tensor, *extra: Tensor) -> Tensor:
            return _select_output(target, x, module(x, *extra))

        return _AttributionTask(forward, inputs, baseline_input.contiguous(), tuple(extra_inputs))
    embeddings = [(name, part) for name, part in module.named_modules() if isinstance(part, nn.Embedding)]
    word_embedding = str(getattr(module, "WORDS", ""))  # networks with position embeddings name the word embedding
    embeddings = [(name, part) for name, part in embeddings if name == word_embedding] or embeddings
    if len(embeddings) != 1:
        raise RequestError(f"ids need a model with one embedding, and this one has {len(embeddings)}.")
    name, embedding = embeddings[0]
    fixed_embedding = _FixedEmbedding(embedding.weight.detach())
    module.set_submodule(name, fixed_embedding)

    def embedded(vectors: Tensor, ids: Tensor, *extra: Tensor) -> Tensor:
        fixed_embedding.vectors = vectors
        return _select_output(target, ids, module(ids, *extra))  # the ids mark where a text ends

    vectors, baseline_vectors = embedding(inputs).detach(), embedding(baseline_input).detach()
    words = torch.arange(inputs.shape[1])[None, :, None]  # all dimensions of a word are ablated together
    return _AttributionTask(embedded, vectors, baseline_vectors, (inputs, *extra_inputs), blocks=words)


def _select_output(target: int | Score, inputs: Tensor, outputs: Tensor) -> Tensor:
    return outputs[:, target] if isinstance(target, int) else target(inputs, outputs)


def _compute_output(task: _AttributionTask, x: Tensor) -> Tensor:
    with torch.no_grad():
        return task.forward(x, *task.extra)


@contextmanager
def _recurrent_backward(module: nn.Module, device: torch.device) -> Iterator[None]:
    """Disable cuDNN for one caller at a time, then restore its state: its recurrent layers have no backward pass in
    evaluation mode (captum#564).
    """
    if device.type != "cuda" or not any(isinstance(part, nn.RNNBase) for part in module.modules()):
        yield
        return
    with _CUDNN:
        was_enabled = torch.backends.cudnn.enabled
        torch.backends.cudnn.enabled = False
        try:
            yield
        finally:
            torch.backends.cudnn.enabled = was_enabled
