"""A network of custom code that runs in another process; here it looks like an `nn.Module` with gradients."""

import contextlib
import itertools
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterator, Mapping
from typing import IO, Any, Self

import torch
from torch import Tensor, nn

from dlcore.core import settings
from dlcore.core.errors import TrainingError
from dlcore.explanation.attribution import Attribution
from dlcore.projects.custom import messages
from dlcore.projects.custom.loading import FILE
from dlcore.projects.custom.source import NetworkSource

SECONDS = 60.0
"""Longest time of one request."""
_LINE = re.compile(rf'File "{FILE}", line (\d+) in (\S+)')
_COUNTER = itertools.count(1)


class HostProcess:
    """The other process. It ends with this one, or when it is closed or takes too long."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        path = os.pathsep.join(part for part in (str(settings.IMPORT_ROOT), os.environ.get("PYTHONPATH")) if part)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dlcore.projects.custom.host"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        )
        self.lock = threading.Lock()
        self._finalizer = weakref.finalize(self, _end, self.process, self.errors)

    def ask(
        self, do: str, tensors: Mapping[str, Tensor] | None = None, *, seconds: float = SECONDS, **request: Any
    ) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return the answer to one message.

        Raises:
            TrainingError: the code failed, took too long, or ended its process; names the line if it is known.
        """
        for answer, arrays in self.stream(do, tensors, seconds=seconds, **request):
            return answer, arrays
        raise TrainingError(self.describe_end(seconds))

    def stream(
        self, do: str, tensors: Mapping[str, Tensor] | None = None, *, seconds: float = SECONDS, **request: Any
    ) -> Iterator[tuple[dict[str, Any], dict[str, Tensor]]]:
        """Yield answers until the other process stops; the caller leaves when it has the last."""
        assert self.process.stdin is not None and self.process.stdout is not None
        watchdog = threading.Timer(6 * seconds + 300.0, self.close)  # its own timer ends it first
        watchdog.start()
        try:
            with self.lock:
                with contextlib.suppress(OSError):
                    messages.send(self.process.stdin, {"do": do, "seconds": seconds, **request}, tensors)
                while (message := messages.receive(self.process.stdout)) is not None:
                    if "error" in message[0]:
                        raise TrainingError(str(message[0]["error"])[:1000])
                    yield message
        finally:
            watchdog.cancel()

    def describe_end(self, seconds: float) -> str:
        """Why the other process ended, with the line of the code if it is known."""
        _kill(self.process)
        self.errors.seek(0)
        log = self.errors.read(2**20).decode(errors="replace")
        self.close()
        match = _LINE.search(log)
        code = self.process.returncode
        where = ""
        if match is not None:
            line, lines = int(match[1]), self.text.splitlines()
            code_line = lines[line - 1].strip() if 0 < line <= len(lines) else ""
            where = f"line {line}: `{code_line[:120]}`: "
        if "Timeout (" in log:
            late = f"still running after {seconds:.0f} s: an endless loop?"
            return f"{where}{late}" if where else f"the code took more than {seconds:.0f} s."
        if code in (-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGFPE):
            return f"{where}its process crashed in a library that is not Python."
        if code in (-signal.SIGKILL, 137):
            return "its process was killed: perhaps the network needs more memory than this machine has."
        return f"the code ended its process (exit code {code}): remove what ends it."

    def close(self) -> None:
        """End the other process and everything that it started."""
        self._finalizer()


class RemoteModule(nn.Module):
    """Forward passes in another process. A copy shares the process; `reset_parameters` gives it random weights."""

    def __init__(self, source: NetworkSource, options: Mapping[str, Any], facts: Mapping[str, int]) -> None:
        super().__init__()
        self.host = HostProcess(source.text)
        self.seed = 0
        answer, _ = self.host.ask(
            "build",
            text=source.text,
            target="" if source.is_instance else source.target,
            network=source.network_id,
            options=dict(options),
            facts=dict(facts),
        )
        self.shapes: dict[str, tuple[list[int], str]] = answer["state"]
        self.has_word_embedding = bool(answer["words"])

    def forward(self, *inputs: Tensor) -> Tensor:
        """Output of the network."""
        if torch.is_grad_enabled() and inputs[0].requires_grad:
            output: Tensor = _RemoteFunction.apply(self, *inputs)  # type: ignore[no-untyped-call]
            return output
        return self.request(inputs, graph=0)["y"]

    def forward_features(self, *inputs: Tensor) -> tuple[Tensor, Tensor | None]:
        """Output and penultimate features; see `inference.predict.forward_features`."""
        answer = self.request(inputs, graph=0, features=True)
        return answer["y"], answer.get("features")

    def request(self, inputs: tuple[Tensor, ...], *, graph: int, features: bool = False) -> dict[str, Tensor]:
        """Run a forward pass in the other process."""
        tensors = {f"x{number}": part for number, part in enumerate(inputs)}
        return self.host.ask("forward", tensors, seed=self.seed, graph=graph, features=features)[1]

    def attribute_ids(self, ids: Tensor, target: int, *, method: str, baseline: Tensor, steps: int) -> Attribution:
        """Attribution of ids (1, T), computed in the other process; see `explanation.attribution.attribute`."""
        tensors = {"ids": ids, "baseline": baseline.to(ids).expand_as(ids)}
        _, answer = self.host.ask("attribute", tensors, seed=self.seed, target=target, method=method, steps=steps)
        arrays: dict[str, Any] = {"delta": None} | {name: value.numpy() for name, value in answer.items()}
        return Attribution(**arrays)

    def reset_parameters(self) -> None:
        """Draw random weights, from the seed of torch's generator."""
        self.seed = torch.initial_seed() + 1

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:  # type: ignore[override]
        """Names, shapes and types of the weights, without values."""
        return {
            name: torch.empty(shape, dtype=getattr(torch, kind), device="meta")
            for name, (shape, kind) in self.shapes.items()
        }

    def load_state_dict(self, state_dict: Mapping[str, Any], *_: Any, **__: Any) -> None:  # type: ignore[override]
        """Set the weights.

        Raises:
            RuntimeError: they do not fit.
        """
        try:
            self.host.ask("weights", state_dict)
        except TrainingError as error:
            raise RuntimeError(str(error)) from None

    def __deepcopy__(self, _: Any) -> Self:
        copied = object.__new__(type(self))
        nn.Module.__init__(copied)
        copied.host, copied.seed, copied.shapes = self.host, self.seed, self.shapes
        copied.has_word_embedding = self.has_word_embedding
        return copied


class _RemoteFunction(torch.autograd.Function):
    """Forward and backward pass of a remote network for its first input."""

    @staticmethod
    def forward(ctx: Any, module: RemoteModule, *inputs: Tensor) -> Tensor:
        ctx.module, ctx.graph, ctx.extra = module, next(_COUNTER), len(inputs) - 1
        return module.request(inputs, graph=ctx.graph)["y"]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        answer = ctx.module.host.ask("backward", {"gradient": gradients[0]}, graph=ctx.graph)[1]
        return None, answer["gradient"], *[None] * ctx.extra


def _end(process: "subprocess.Popen[bytes]", errors: IO[bytes]) -> None:
    """Kill the process group and close all files."""
    _kill(process)
    for stream in (process.stdin, process.stdout, errors):
        with contextlib.suppress(OSError):
            if stream is not None:
                stream.close()


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(Exception):
        process.wait(timeout=5)
