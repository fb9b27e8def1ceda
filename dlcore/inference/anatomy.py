"""Analyze a network's forward pass: its operations, computational graph and table of layers.

Operations are recorded while they run, so the result shows what the module does for any class (no parser, no
tracer that fails on loops). On torch's meta device nothing is computed, so any size works.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils.hooks import RemovableHandle

from dlcore.inference.predict import evaluation_mode

BATCH = 3
"""Batch size of the pass: a number that layers rarely have as a size, so that the batch axis is recognizable."""
BYTES = 4
MOST_OPERATIONS = 4000


@dataclass(frozen=True)
class Operation:
    """One operation of the forward pass, or one of its inputs.

    `scope` lists the module calls around it, outermost first; later calls of the same module have a number appended.
    `sources` are indices of other operations in the list. `shape` has None at the batch axis.
    """

    name: str
    scope: tuple[str, ...]
    sources: tuple[int, ...]
    shape: tuple[int | None, ...]
    weights: int = 0
    biases: int = 0
    multiply_adds: int = 0


@dataclass(frozen=True)
class LayerSummary:
    """One row of the table: a module with parameters or operations.

    Shared parameters count in the first row only; `multiply_adds` and `output_bytes` are per sample.
    """

    name: str
    kind: str
    shape: tuple[int | None, ...]
    weights: int
    biases: int
    multiply_adds: int
    output_bytes: int

    @property
    def total(self) -> int:
        """Weights and biases."""
        return self.weights + self.biases


@dataclass(frozen=True)
class Anatomy:
    """Operations in execution order, layers, and the class name of each module."""

    operations: tuple[Operation, ...]
    layers: tuple[LayerSummary, ...]
    kinds: Mapping[str, str]

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return sum(layer.total for layer in self.layers)

    @property
    def has_operations(self) -> bool:
        """Whether operations were recorded: a module that computes in NumPy has parameters only."""
        return any(operation.sources for operation in self.operations)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds per sample."""
        return sum(layer.multiply_adds for layer in self.layers)


def analyze(module: nn.Module, inputs: Sequence[Tensor]) -> Anatomy:
    """Run `inputs` (each with BATCH samples) through the module once, in evaluation mode, and record its operations.

    The module is unchanged afterwards: hooks are removed even after an error.
    """
    watch = _Recorder(module, inputs)
    with ExitStack() as stack:
        stack.enter_context(evaluation_mode(module))
        stack.enter_context(_slow_transformers())
        stack.enter_context(watch.calls())
        stack.enter_context(watch)
        module(*inputs)
    return Anatomy(tuple(watch.operations), tuple(_layers(module, watch)), _kinds(module))


@contextmanager
def _slow_transformers() -> Iterator[None]:
    """Disable torch's fused transformer layers, which run as one opaque operation; the unfused ones are equivalent."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


class _Recorder(TorchFunctionMode):
    """Records every torch call on tensors with the modules that made it."""

    def __init__(self, module: nn.Module, inputs: Sequence[Tensor]) -> None:
        super().__init__()
        self.module = module
        self.operations: list[Operation] = []
        self.scope: list[str] = []
        self.called: dict[str, int] = {}
        self.outputs: dict[str, tuple[int | None, ...]] = {}
        self.maker: dict[int, int] = {}
        self.references: list[Any] = []  # keep references, so that no tensor id is reused
        self.names = {id(part): name for name, part in module.named_parameters()}
        self.counted: set[int] = set()
        for tensor in inputs:
            self._note("input", (), (tensor,), 0)

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run the call; record it if it takes and returns tensors."""
        keywords = dict(kwargs or {})
        result = func(*args, **keywords)
        results, name = list(_tensors(result)), _name(func)
        used = list(_tensors((args, list(keywords.values()))))
        if results and name and (any(id(t) in self.maker or id(t) in self.names for t in used)):
            if len(self.operations) >= MOST_OPERATIONS:
                return result
            self._note(name, used, results, _multiply_adds(name, args, results[0], used))
        return result

    def _note(self, name: str, used: Sequence[Tensor], results: Sequence[Tensor], multiply_adds: int) -> None:
        sources = dict.fromkeys(self.maker[id(tensor)] for tensor in used if id(tensor) in self.maker)
        sizes = [0, 0]
        for tensor in used:
            if id(tensor) in self.names and id(tensor) not in self.counted:
                self.counted.add(id(tensor))
                sizes[_is_bias(self.names[id(tensor)])] += tensor.numel()
        for tensor in results:
            self.maker[id(tensor)] = len(self.operations)
        self.references.append((used, results))
        self.operations.append(
            Operation(
                name, tuple(self.scope), tuple(sources), _shape(results[0]), sizes[0], sizes[1], multiply_adds // BATCH
            )
        )

    @contextmanager
    def calls(self) -> Iterator[None]:
        """Install hooks that track the current module, inside this block."""
        handles: list[RemovableHandle] = []
        try:
            for name, part in self.module.named_modules():
                if name:
                    handles.append(part.register_forward_pre_hook(self._enter(name)))
                    handles.append(part.register_forward_hook(self._leave(name), always_call=True))
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, name: str) -> Callable[..., None]:
        def enter(part: nn.Module, args: Any) -> None:
            self.called[name] = self.called.get(name, 0) + 1
            self.scope.append(name if self.called[name] == 1 else f"{name} ({self.called[name]})")

        return enter

    def _leave(self, name: str) -> Callable[..., None]:
        def leave(part: nn.Module, args: Any, result: Any) -> None:
            self.scope.pop()
            output = next(_tensors(result), None)
            if output is not None:
                self.outputs[name] = _shape(output)

        return leave


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _tensors(part)


_SILENT = {"detach", "requires_grad_", "__get__", "__set__", "to", "data", "type", "is_floating_point"}
_PLAIN = {
    "add_": "add",
    "__add__": "add",
    "__radd__": "add",
    "__iadd__": "add",
    "__mul__": "mul",
    "__rmul__": "mul",
    "__sub__": "sub",
    "__rsub__": "sub",
    "__truediv__": "div",
    "__rdiv__": "div",
    "__matmul__": "matmul",
    "__getitem__": "slice",
    "relu_": "relu",
    "_pad": "pad",
    "__invert__": "not",
    "__eq__": "equal",
    "__and__": "and",
    "multi_head_attention_forward": "multi-head attention",
    "scaled_dot_product_attention": "attention",
    "adaptive_avg_pool2d": "mean pool",
    "max_pool2d": "max pool",
    "avg_pool2d": "mean pool",
    "adaptive_max_pool2d": "max pool",
    "__or__": "or",
    "__ne__": "not equal",
    "__neg__": "negate",
}


def _name(func: Callable[..., Any]) -> str:
    """Return the name of a torch function in the graph, or "" for functions that only inspect a tensor."""
    name = getattr(func, "__name__", "") or str(resolve_name(func)).rpartition(".")[2]
    if name in _SILENT:
        return ""
    plain = _PLAIN.get(name, name)
    for end in ("_with_indices", "_with_indices_", "boolean_dispatch"):
        plain = plain.removesuffix(end)
    return _PLAIN.get(plain, plain).strip("_").replace("_", " ") or "operation"


def _shape(tensor: Tensor) -> tuple[int | None, ...]:
    sizes: list[int | None] = list(tensor.shape)
    if BATCH in sizes[:2]:
        sizes[sizes.index(BATCH)] = None
    return tuple(sizes)


def _is_bias(name: str) -> bool:
    return name.rpartition(".")[2].startswith(("bias", "b_", "in_proj_bias")) or name.endswith("_bias")


def _multiply_adds(name: str, args: Sequence[Any], result: Tensor, used: Sequence[Tensor]) -> int:
    """Return the multiply-adds of one call for the whole batch: matrix products, convolutions, recurrent cells."""
    if name == "linear":
        return result.numel() * int(used[1].shape[1])
    if name.startswith("conv transpose"):
        return used[0].numel() * math.prod(used[1].shape[1:])
    if name.startswith("conv") and name[-1:] == "d":
        return result.numel() * math.prod(used[1].shape[1:])
    if name in ("matmul", "bmm", "mm", "addmm", "baddbmm"):
        first = used[1] if name in ("addmm", "baddbmm") else used[0]
        return result.numel() * int(first.shape[-1])
    if name == "attention":
        query, key, value = used[:3]
        scores = query.numel() * int(key.shape[-2])
        return scores + scores // int(query.shape[-1]) * int(value.shape[-1])
    if name == "multi-head attention":
        return _multi_head(*used[:3])
    if name in ("lstm", "gru", "rnn tanh", "rnn relu"):
        weights = [part for part in used[1:] if part.dim() == 2]
        steps = used[0].numel() // int(used[0].shape[-1])  # of all samples
        return steps * sum(part.numel() for part in weights)
    return 0


def _multi_head(query: Tensor, key: Tensor, value: Tensor) -> int:
    """Return the multiply-adds of projections, scores and weighted sums for (T, N, D)."""
    t, n, d = query.shape
    s = key.shape[0]
    return n * (t * d * d + 2 * s * d * d + 2 * t * s * d + t * d * d)


def _layers(module: nn.Module, watch: _Recorder) -> Iterator[LayerSummary]:
    """Yield a row for every leaf module and every module with parameters, in module order."""
    counted: set[int] = set()
    work: dict[str, int] = {}
    for operation in watch.operations:
        owner = operation.scope[-1].partition(" (")[0] if operation.scope else ""
        work[owner] = work.get(owner, 0) + operation.multiply_adds
    for name, part in module.named_modules():
        whole = isinstance(part, nn.MultiheadAttention)
        under = isinstance(_parent(module, name), nn.MultiheadAttention)
        parameters = [(key, p) for key, p in part.named_parameters(recurse=whole) if id(p) not in counted]
        leaf = not any(True for _ in part.children())
        if under or not (leaf or whole or parameters or work.get(name)):
            continue
        counted |= {id(p) for _, p in parameters}
        biases = sum(p.numel() for key, p in parameters if _is_bias(key))
        shape = watch.outputs.get(name, ()) if name else watch.operations[-1].shape
        yield LayerSummary(
            name,
            type(part).__name__,
            shape,
            sum(p.numel() for _, p in parameters) - biases,
            biases,
            work.get(name, 0),
            math.prod(size for size in shape if size is not None) * BYTES if shape else 0,
        )


def _parent(module: nn.Module, name: str) -> nn.Module | None:
    return module.get_submodule(name.rpartition(".")[0]) if name else None


def _kinds(module: nn.Module) -> dict[str, str]:
    return {name: type(part).__name__ for name, part in module.named_modules()}
