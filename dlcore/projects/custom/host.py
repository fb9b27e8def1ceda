"""The process that runs custom code for another one: `python -m dlcore.projects.custom.host`.

It answers messages on standard input until that closes. Its limits apply before any custom code runs.
"""

import faulthandler
import os
import sys
from collections.abc import Mapping
from typing import IO, Any

import torch
from torch import Tensor, nn

from dlcore.core.config import parse
from dlcore.core.errors import WorkbenchError, one_line
from dlcore.explanation.attribution import attribute
from dlcore.explanation.sanity_checks import randomize_weights
from dlcore.inference import predict as inference
from dlcore.projects.custom import check, fields, limits, loading, messages, source

LARGEST_FILE = 64 * 2**20
"""Bytes of the largest file that this process may write: its standard error."""
START_SECONDS = 300.0
"""Longest time to read the data of a check."""
_MOST_GRAPHS = 4


class Host:
    """The network of this process, its copies with random weights, and graphs that wait for a gradient."""

    def __init__(self) -> None:
        self.text = ""
        self.modules: dict[int, nn.Module] = {}
        self.graphs: dict[int, tuple[Tensor, Tensor]] = {}

    def answer(
        self, request: Mapping[str, Any], tensors: Mapping[str, Tensor]
    ) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return the answer to one message."""
        operations = {
            "build": self._build,
            "weights": self._load,
            "forward": self._forward,
            "backward": self._backward,
            "attribute": self._attribute,
        }
        return operations[request["do"]](request, tensors)

    def _build(self, request: Mapping[str, Any], _: Mapping[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
        network = source.parse_text(request["text"], target=request["target"])
        self.text = network.text
        options = parse(fields.config_class(request["network"]), request["options"])
        limits.apply(raises=True)
        module = loading.build(network, options, request["facts"]).eval()
        self.modules = {0: module}
        shapes = {name: [list(part.shape), str(part.dtype).removeprefix("torch.")] for name, part in _state(module)}
        return {"state": shapes, "words": _find_words(module, request["facts"])}, {}

    def _load(self, _: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
        self.modules = {0: self.modules[0]}
        self.modules[0].load_state_dict(dict(tensors))
        return {}, {}

    def _forward(
        self, request: Mapping[str, Any], tensors: Mapping[str, Tensor]
    ) -> tuple[dict[str, Any], dict[str, Tensor]]:
        inputs = [tensors[f"x{number}"] for number in range(len(tensors))]
        module = self._module(request["seed"])
        if request["features"]:
            output, features = loading.run(self.text, lambda: inference.forward_features(module, *inputs))
            return {}, {"y": output} | ({} if features is None else {"features": features})
        if not request["graph"]:
            with torch.no_grad():
                return {}, {"y": loading.run(self.text, lambda: module(*inputs))}
        x = inputs[0].requires_grad_()
        output = loading.run(self.text, lambda: module(x, *inputs[1:]))
        self.graphs[request["graph"]] = (x, output)
        while len(self.graphs) > _MOST_GRAPHS:
            del self.graphs[next(iter(self.graphs))]
        return {}, {"y": output.detach()}

    def _module(self, seed: int) -> nn.Module:
        """The network, or its copy with random weights of a seed."""
        if seed not in self.modules:
            self.modules[seed] = randomize_weights(self.modules[0], seed=seed)
        return self.modules[seed]

    def _attribute(
        self, request: Mapping[str, Any], tensors: Mapping[str, Tensor]
    ) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Contributions (1, T) of the words of ids (1, T), padded as for the network."""
        module, length = self._module(request["seed"]), tensors["ids"].shape[1]
        ids, baseline = (loading.fill_up(tensors[name], {"vocabulary": 0}) for name in ("ids", "baseline"))
        if not getattr(module, "WORDS", ""):
            return {}, loading.run(self.text, lambda: _hide_each(module, ids, baseline, request["target"], length))
        result = loading.run(
            self.text,
            lambda: attribute(
                module, ids, request["target"], method=request["method"], baseline=baseline, steps=request["steps"]
            ),
        )
        arrays = {name: value for name, value in vars(result).items() if value is not None}
        return {}, {name: torch.from_numpy(value) for name, value in arrays.items()} | {
            "values": torch.from_numpy(result.values[:, :length])
        }

    def _backward(
        self, request: Mapping[str, Any], tensors: Mapping[str, Tensor]
    ) -> tuple[dict[str, Any], dict[str, Tensor]]:
        x, output = self.graphs.pop(request["graph"])
        (gradient,) = torch.autograd.grad(output, x, tensors["gradient"])
        return {}, {"gradient": gradient}


def main() -> None:
    """Answer messages until standard input closes."""
    replies: IO[bytes] = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what the code prints must not look like an answer
    _limit_files()
    faulthandler.enable(file=2)
    torch.set_num_threads(1)
    host = Host()
    while (message := messages.receive(sys.stdin.buffer)) is not None:
        request, tensors = message
        seconds = START_SECONDS if request["do"] == "check" else float(request["seconds"])  # each check has its own
        faulthandler.dump_traceback_later(seconds, exit=True, file=2)
        try:
            if request["do"] == "check":
                check.run(request, lambda report: messages.send(replies, report))
                reply: tuple[dict[str, Any], dict[str, Tensor]] = ({"done": True}, {})
            else:
                reply = host.answer(request, tensors)
        except WorkbenchError as error:
            reply = {"error": str(error)}, {}
        except BaseException as error:
            reply = {"error": f"{type(error).__name__}: {one_line(error)[:500]}"}, {}
        faulthandler.cancel_dump_traceback_later()
        messages.send(replies, *reply)


def _state(module: nn.Module) -> list[tuple[str, Tensor]]:
    return list(module.state_dict().items())


def _find_words(module: nn.Module, facts: Mapping[str, int]) -> str:
    """Name of the embedding of the words, which explanations vary; empty without one."""
    named = [(name, part.num_embeddings) for name, part in module.named_modules() if isinstance(part, nn.Embedding)]
    name = next((name for name, size in named if size == facts.get("vocabulary")), "")
    module.WORDS = name  # type: ignore[assignment]  # read by `attribute`
    return name


def _hide_each(module: nn.Module, ids: Tensor, baseline: Tensor, target: int, words: int) -> dict[str, Tensor]:
    """Change (1, T) of an output if each of the first `words` ids (1, T) is replaced by that of the baseline."""
    hidden = ids.repeat(words, 1)
    places = torch.arange(words)
    hidden[places, places] = baseline[0, :words]
    with torch.no_grad():
        outputs = module(torch.cat([ids, baseline, hidden]))[:, target]
    return {"values": (outputs[0] - outputs[2:])[None], "output": outputs[:1], "baseline_output": outputs[1:2]}


def _limit_files() -> None:
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
