"""Per-layer probes of single training steps: update ratio, activation statistics, dead units."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from dlcore.training.events import MEASURES

Values = tuple[float | None, ...]
"""One number per layer; None where undefined."""

ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.GELU, nn.Tanh, nn.Sigmoid, nn.SiLU, nn.ELU)
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d)


class Probe:
    """Measures single training steps: `watching()` around forward, then `before_update()`, the step, `measures()`.

    An activation is attributed to the layer with weights called last before it, so a convolution's activation is the
    one after its normalization layer. Activations of shared or functional modules are attributed the same way or not at
    all. Hooks exist only inside `watching`.
    """

    def __init__(self, module: nn.Module, layers: Mapping[str, list[nn.Parameter]]) -> None:
        """`layers` has the names and order of `gradients.layers`."""
        self._groups = [len(group) for group in layers.values()]
        self._parameters: list[Tensor] = [parameter for group in layers.values() for parameter in group]
        self._before: list[Tensor] = []
        self._lengths: list[Tensor] = []
        self._current: tuple[int, int] | None = None
        self._outputs: dict[
            int, tuple[Tensor, int, bool]
        ] = {}  # layer -> its output, axis of its units, whether a ReLU produced it
        self._found: dict[str, Values] = {}
        places = {name: place for place, name in enumerate(layers)}
        self._hooks: list[tuple[nn.Module, Callable[[nn.Module, object, object], None]]] = []
        for name, part in module.named_modules():
            if name in places:
                self._hooks.append((part, self._of_layer(places[name], part)))
            elif isinstance(part, ACTIVATIONS):
                self._hooks.append((part, self._of_activation(isinstance(part, nn.ReLU))))

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Install hooks for one forward pass; outputs are measured at the end of the block and released."""
        self._outputs, self._current = {}, None
        handles: list[RemovableHandle] = [part.register_forward_hook(hook) for part, hook in self._hooks]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
        self._found = self._activations()
        self._outputs = {}

    def before_update(self) -> None:
        """Copy the parameters before the step."""
        with torch.no_grad():
            self._lengths = list(torch._foreach_norm(self._parameters))
            self._before = [parameter.clone() for parameter in self._parameters]

    def measures(self) -> dict[str, Values]:
        """Return all of `MEASURES` for the step that was just taken."""
        with torch.no_grad():
            torch._foreach_sub_(self._before, self._parameters)
            updates = torch._foreach_norm(self._before)
        self._before = []
        rows = torch.stack([*self._lengths, *updates]).double().tolist()
        start, moves = self._by_layer(rows[: len(updates)]), self._by_layer(rows[len(updates) :])
        ratios = tuple(move / length if length > 0 else None for move, length in zip(moves, start, strict=True))
        return {"update_ratio": ratios, **self._found}

    def _of_layer(self, place: int, part: nn.Module) -> Callable[[nn.Module, object, object], None]:
        axis = 1 if isinstance(part, CONVOLUTIONS) else -1
        weighty = any(parameter.dim() > 1 for parameter in part.parameters(recurse=False))

        def look(_: nn.Module, __: object, output: object) -> None:
            tensor = output[0] if isinstance(output, tuple) else output
            if isinstance(tensor, Tensor) and tensor.is_floating_point():
                self._outputs[place] = (tensor, axis, False)
                if weighty:
                    self._current = (place, axis)

        return look

    def _of_activation(self, is_relu: bool) -> Callable[[nn.Module, object, object], None]:
        def look(_: nn.Module, __: object, output: object) -> None:
            if self._current is not None and isinstance(output, Tensor):
                place, axis = self._current
                self._outputs[place] = (output, axis, is_relu)

        return look

    @torch.no_grad()
    def _activations(self) -> dict[str, Values]:
        """Return mean, variance and dead-unit share of the recorded outputs, in few calls and two device copies."""
        measures: dict[str, list[float | None]] = {name: [None] * len(self._groups) for name in MEASURES[1:]}
        if self._outputs:
            tensors = [tensor.float() for tensor, _, _ in self._outputs.values()]
            means = [tensor.mean() for tensor in tensors]
            # torch.var_mean takes three times as long on CPU
            spreads = torch._foreach_norm([tensor - mean for tensor, mean in zip(tensors, means, strict=True)])
            numbers = torch.stack([*means, *spreads]).tolist()
            for row, (place, tensor) in enumerate(zip(self._outputs, tensors, strict=True)):
                mean, variance = numbers[row], numbers[row + len(tensors)] ** 2 / tensor.numel()
                measures["activation_mean"][place] = mean if math.isfinite(mean) else None
                measures["activation_variance"][place] = variance if math.isfinite(variance) else None
        peaks = {place: _peaks(tensor, axis) for place, (tensor, axis, is_relu) in self._outputs.items() if is_relu}
        if peaks:
            alive = iter((torch.cat(list(peaks.values())) > 0).tolist())
            for place, units in peaks.items():
                measures["dead_units"][place] = 1 - sum(next(alive) for _ in range(len(units))) / len(units)
        return {name: tuple(values) for name, values in measures.items()}

    def _by_layer(self, lengths: list[float]) -> list[float]:
        """Combine norms of single parameters into norms of layers."""
        remaining = iter(lengths)
        return [math.sqrt(sum(next(remaining) ** 2 for _ in range(size))) for size in self._groups]


def _peaks(tensor: Tensor, axis: int) -> Tensor:
    """Return the largest value of each unit along `axis`."""
    return tensor.amax(dim=[dim for dim in range(tensor.dim()) if dim != axis % tensor.dim()])
