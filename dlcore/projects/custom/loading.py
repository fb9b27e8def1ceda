"""Runs the code of custom networks in this process, and names the line in every error."""

import contextlib
import linecache
import re
import traceback
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.parameter import UninitializedParameter

from dlcore.core.config import Config
from dlcore.core.errors import TrainingError, WorkbenchError, one_line
from dlcore.data.text.vocabulary import PAD
from dlcore.projects.custom import fields
from dlcore.projects.custom.source import NetworkSource

FILE = "<network>"
"""File name of the code in tracebacks."""
LEAST_TOKENS = 8
"""Shorter texts are padded."""
BUILT: dict[str, dict[str, Any]] = {}
"""Definitions of the codes that this process has run to build a network, by its id."""
_LONGEST = 400
_SHAPES = re.compile(r"mat1 and mat2 shapes cannot be multiplied \((\d+)x(\d+) and (\d+)x(\d+)\)")
Value = TypeVar("Value")


class NetworkError(TrainingError):
    """Custom code failed; the message names line and code. `line` is 0 if it is unknown."""

    def __init__(self, message: str, line: int = 0) -> None:
        self.line = line
        super().__init__(message)


def build(source: NetworkSource, options: Config, facts: "dict[str, int]") -> nn.Module:
    """Run the code and build its network; lazy layers get the shape of the data.

    It is called with the first input alone: texts have at least `LEAST_TOKENS`, forecasts need no calendar.

    Raises:
        NetworkError: the code fails, or what it builds is no module.
        ConfigError: a parameter has neither default nor value.
    """
    values = {} if source.is_instance else fields.arguments(source, options, facts)

    def construct() -> object:
        module = types.ModuleType("network")
        module.__dict__["__file__"] = FILE
        linecache.cache[FILE] = (len(source.text), None, source.text.splitlines(keepends=True), FILE)
        code = compile(source.text, FILE, "exec")
        exec(code, module.__dict__)
        BUILT[source.network_id] = module.__dict__
        target = module.__dict__.get(source.target)
        return target if source.is_instance or target is None else target(**values)

    with naming_lines(source.text):
        network = construct()
    if not isinstance(network, nn.Module):
        raise NetworkError(f"line {source.line}: '{source.target}' is {type(network).__name__}, not an nn.Module.")
    return run(source.text, lambda: adapt(network, facts))


def adapt(network: nn.Module, facts: Mapping[str, int]) -> nn.Module:
    """Let a network take the first input alone and return one tensor; lazy layers get the shape of the data."""
    network.register_forward_pre_hook(lambda _, inputs: (fill_up(inputs[0], facts),))
    network.register_forward_hook(lambda _, __, output: _as_expected(_first_output(output), facts))
    if any(isinstance(part, UninitializedParameter) for part in network.parameters()):
        network(sample(facts))
    return network


def sample(facts: Mapping[str, int]) -> Tensor:
    """One input: a black image (1, C, H, W), a text of unknown words (1, T), or zeros (1, T, F)."""
    if "height" in facts:
        return torch.zeros(1, facts["channels"], facts["height"], facts["width"])
    if "vocabulary" in facts:
        return torch.ones(1, facts["length"], dtype=torch.int64)
    return torch.zeros(1, facts["window"], facts["features"])


def fill_up(inputs: Tensor, facts: Mapping[str, int]) -> Tensor:
    """Ids (N, T) as int64, with padding up to `LEAST_TOKENS` for convolutions; other inputs as they are."""
    if "vocabulary" not in facts:
        return inputs
    return functional.pad(inputs.long(), (0, max(0, LEAST_TOKENS - inputs.shape[1])), value=PAD)


def _as_expected(output: object, facts: Mapping[str, int]) -> object:
    """Forecasts (N, H * V) as (N, H, V)."""
    if "variables" in facts and isinstance(output, Tensor) and output.dim() == 2:
        steps, variables = facts["steps"], facts["variables"]
        if output.shape[1] == steps * variables:
            return output.unflatten(1, (steps, variables))
    return output


def _first_output(output: object) -> object:
    """Return the logits of a network that returns more: the first of a tuple, or `logits` of a dictionary."""
    if isinstance(output, dict):
        return output.get("logits", next(iter(output.values()), None))
    if isinstance(output, tuple | list) and output and isinstance(output[0], Tensor):
        return output[0]
    return output


def run(text: str, action: Callable[[], Value]) -> Value:
    """Call a function that runs custom code; errors name the line."""
    with naming_lines(text):
        return action()


@contextlib.contextmanager
def naming_lines(text: str) -> Iterator[None]:
    """Turn every error of custom code into one line that names the line of the code.

    Raises:
        NetworkError: the code failed.
    """
    try:
        yield
    except WorkbenchError:
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise describe_error(error, text) from None


def describe_error(error: BaseException, text: str) -> NetworkError:
    """Return an error that names the line of the code that failed, and the code."""
    if isinstance(error, SyntaxError) and error.filename == FILE:
        return NetworkError(f"line {error.lineno}: {error.msg}.", error.lineno or 0)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == FILE]
    if not frames:
        return NetworkError(_explain(error))
    line = frames[-1].lineno or 0
    lines = text.splitlines()
    code = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    return NetworkError(f"line {line}: `{code[:120]}`: {_explain(error)}", line)


def _explain(error: BaseException) -> str:
    message = one_line(error)[:_LONGEST].rstrip(".")
    if match := _SHAPES.search(message):
        rows, width, expected, _ = match.groups()
        return (
            f"the layer takes {expected} features, its input of shape ({rows}, {width}) has {width}: set the layer to "
            f"{width}, or change what comes before."
        )
    if isinstance(error, SystemExit):
        return f"the code calls exit({error.code if error.code is not None else ''}): remove it."
    if isinstance(error, ModuleNotFoundError):
        return f"package '{error.name}' is not installed here: install it, or do without it."
    if isinstance(error, MemoryError) or "can't allocate memory" in message or "not enough memory" in message:
        return "more memory than a network may use here: make the layers smaller."
    if "leaf Variable that requires grad" in message or "leaf variable" in message.lower():
        return f"a parameter is changed in place: {message}; use torch.no_grad() or a new tensor."
    if type(error) in (RuntimeError, ValueError):
        return f"{message}."
    return f"{type(error).__name__}: {message}."
