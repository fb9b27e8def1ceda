"""Checks of a custom network, in the process that runs it: it builds, fits the data, learns."""

import faulthandler
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from dlcore.core.config import parse
from dlcore.core.errors import WorkbenchError
from dlcore.data.custom import registry as custom_registry
from dlcore.projects import registry
from dlcore.projects.custom import definitions, fields, limits, loading, source
from dlcore.projects.custom.functions import CustomAugmentation, CustomLoss
from dlcore.projects.custom.loading import NetworkError
from dlcore.projects.run_config import RunConfig

Status = Literal["ok", "warning", "failed"]
SAMPLES = 32
STEPS, RATE = 60, 3e-3
LEARNED = 0.8
"""Largest loss on one batch after these steps, as a share of that before them."""
_LISTED = 4


@dataclass(frozen=True)
class CheckResult:
    """One check: its status and a sentence, with the line of the code if there is one."""

    name: str
    status: Status
    sentence: str
    line: int = 0


Step = Callable[[str], CheckResult]


def run(request: Mapping[str, Any], report: Callable[[dict[str, Any]], None]) -> None:
    """Run all checks until one fails; report each result, and before each check its name."""
    slug, dataset, seed = request["project"], request["dataset"], int(request.get("seed", 0))
    project = registry.get(slug)
    network = source.parse_text(request["text"], target=request["target"])
    values = {**project.presets["quick"], "train_rows": 256, "rows": 256}
    if custom := custom_registry.find(dataset) if custom_registry.is_custom(dataset) else None:
        values |= project.custom_settings(custom, "")
    known = {name: value for name, value in values.items() if name in project.data_config.model_fields}
    data = parse(project.data_config, known)
    config = RunConfig(project=slug, model="network", dataset=dataset, seed=seed, data_options=data)
    prepared = project.prepare(config)
    batch = tuple(part[:SAMPLES] for part in prepared.train.inputs)
    inputs = prepared.transform(batch, False) if prepared.transform else batch
    targets = prepared.train.targets[:SAMPLES]
    loss = project.objective(config, prepared).loss
    limits.apply(raises=True)
    session = Session(network, dict(prepared.facts), inputs, targets, loss, functions=request.get("functions", {}))
    torch.manual_seed(seed)
    for name, step in session.steps():
        report({"checking": name})
        faulthandler.dump_traceback_later(float(request["seconds"]), exit=True, file=2)
        result = session.perform(name, step)
        report({"result": asdict(result)})
        if result.status == "failed":
            return


class Session:
    """One network with one batch; `functions` are names of its losses and augmentations by setting."""

    def __init__(
        self,
        network: source.NetworkSource,
        facts: dict[str, int],
        inputs: tuple[Tensor, ...],
        targets: Tensor,
        loss: Callable[[Tensor, Tensor], Tensor],
        functions: Mapping[str, str] = {},
    ) -> None:
        self.network, self.facts, self.inputs, self.targets, self.loss = network, facts, inputs, targets, loss
        self.module: nn.Module = nn.Identity()
        self.output: Tensor = targets
        self.functions = {
            setting: definition
            for setting, name in functions.items()
            if (definition := network.functions_of(setting).get(name))
        }

    def steps(self) -> list[tuple[str, Step]]:
        """The checks by name, in order."""
        steps: list[tuple[str, Step]] = [("builds", self.build), ("takes the data", self.feed)]
        steps.append(("output shape", self.shape))
        steps += [("augmentation", self.augment)] if definitions.AUGMENTATION in self.functions else []
        steps += [("loss", self.measure)] if definitions.LOSS in self.functions else []
        return [*steps, ("gradients", self.backward), ("learns a batch", self.learn)]

    def perform(self, name: str, step: Step) -> CheckResult:
        """Run one check; an error of the code is its result."""
        try:
            return step(name)
        except WorkbenchError as error:
            return CheckResult(name, "failed", str(error), getattr(error, "line", 0))

    def build(self, name: str) -> CheckResult:
        """Build the network with the defaults of its constructor."""
        options = fields.create_config(self.network)
        self.module = loading.build(self.network, options(), self.facts)
        return CheckResult(name, "ok", f"`{self.network.target}` builds (line {self.network.line}).")

    def feed(self, name: str) -> CheckResult:
        """Run the batch through it."""
        before = [(part, part._version) for part in self.inputs]
        self.output = self._forward(self.inputs)
        shapes = str(tuple(self.inputs[0].shape))
        total = sum(part.numel() for part in self.module.parameters())
        if not total:
            raise NetworkError(f"line {self.network.line}: `{self.network.target}` has no parameters to train.")
        if "vocabulary" in self.facts:
            try:
                self._forward((self.inputs[0][:, : loading.LEAST_TOKENS],))
            except NetworkError as error:
                short = (len(self.targets), loading.LEAST_TOKENS)
                raise NetworkError(
                    f"line {error.line}: takes texts {shapes}, but not {short}: pool over the words (mean, max, "
                    f"attention); a text has {short[1]} or more.",
                    error.line,
                ) from None
        if any(part._version != version for part, version in before):
            return CheckResult(name, "warning", f"takes {shapes}, but changes its input in place: copy it first.")
        return CheckResult(name, "ok", f"takes inputs {shapes}; {total:,} parameters.")

    def shape(self, name: str) -> CheckResult:
        """Check the output of the last pass."""
        line = self._return_line()
        expected = (len(self.targets), self.facts["classes"]) if "classes" in self.facts else tuple(self.targets.shape)
        if not isinstance(self.output, Tensor):
            raise NetworkError(f"line {line}: forward returns {type(self.output).__name__}, not a tensor.", line)
        if tuple(self.output.shape) != expected:
            raise NetworkError(
                f"line {line}: forward returns shape {tuple(self.output.shape)}, the data needs {expected}: "
                f"{'one output per class' if 'classes' in self.facts else 'one output per target'}.",
                line,
            )
        if not self.output.is_floating_point():
            raise NetworkError(
                f"line {line}: forward returns {self.output.dtype}, not floats: drop argmax or long().", line
            )
        if not bool(torch.isfinite(self.output).all()):
            raise NetworkError(f"line {line}: forward returns NaN or infinite values with its initial weights.", line)
        if "classes" in self.facts and self.facts["classes"] > 1 and _is_probability(self.output):
            return CheckResult(
                name, "warning", f"line {line}: outputs add up to 1: drop softmax, cross-entropy applies it.", line
            )
        return CheckResult(name, "ok", f"returns {tuple(self.output.shape)}.")

    def augment(self, name: str) -> CheckResult:
        """Augment the batch, and run it through the network."""
        function = CustomAugmentation(self.network, self.functions[definitions.AUGMENTATION])
        changed = function.augment(self.inputs[0])
        if changed.is_floating_point() and not bool(torch.isfinite(changed).all()):
            raise function.fail("returns NaN or infinite values.")
        self._forward((changed, *self.inputs[1:]))
        share = float((changed != self.inputs[0]).float().mean())
        status: Status = "ok" if share else "warning"
        return CheckResult(name, status, f"`{function.name}` changes {share:.0%} of the values.", function.line)

    def measure(self, name: str) -> CheckResult:
        """Check the loss of the code on the output, and use it in the next checks."""
        loss = CustomLoss(self.network, self.functions[definitions.LOSS])
        output = self.output.detach().requires_grad_()
        values = [loss(output, self.targets) for _ in range(2)]
        if not all(math.isfinite(float(value.detach())) for value in values):
            raise loss.fail(f"is {float(values[0].detach())} on a batch: check logarithms and divisions.")
        loading.run(self.network.text, values[0].backward)
        if output.grad is None or not output.grad.any():
            raise loss.fail("gives no gradient to the outputs: detach, item or argmax?")
        if not bool(torch.isfinite(output.grad).all()):
            raise loss.fail("gives NaN or infinite gradients to the outputs.")
        self.loss = loss
        return CheckResult(name, "ok", f"`{loss.name}` of a batch is {float(values[0].detach()):.3g}.")

    def backward(self, name: str) -> CheckResult:
        """Check that a gradient reaches every parameter."""
        self.module.zero_grad()
        output = self._forward(self.inputs)
        if not output.requires_grad:
            line = self._detach_line() or self._return_line()
            raise NetworkError(f"line {line}: no gradient reaches the parameters: detach, no_grad or argmax?", line)
        loading.run(self.network.text, lambda: self.loss(output, self.targets).backward())
        parameters = {key: part for key, part in self.module.named_parameters() if part.requires_grad}
        missing = [key for key, part in parameters.items() if part.grad is None]
        if parameters and len(missing) == len(parameters):
            line = self._return_line()
            raise NetworkError(f"line {line}: no gradient reaches the parameters: detach, no_grad or argmax?", line)
        if missing:
            line = self._attribute_line(missing[0])
            listed = ", ".join(missing[:_LISTED]) + (" ..." if len(missing) > _LISTED else "")
            sentence = f"line {line}: no gradient reaches {listed}: forward does not use it."
            return CheckResult(name, "warning", sentence, line)
        return CheckResult(name, "ok", f"reach all {len(parameters)} parameter tensors.")

    def learn(self, name: str) -> CheckResult:
        """Train on the batch for some steps."""
        parameters = [part for part in self.module.parameters() if part.requires_grad]
        optimizer = torch.optim.Adam(parameters, RATE)
        values: list[float] = []
        for _ in range(STEPS):
            value = self.loss(self._forward(self.inputs), self.targets)
            optimizer.zero_grad()
            loading.run(self.network.text, value.backward)
            optimizer.step()
            values.append(float(value.detach()))
            if not math.isfinite(values[-1]):
                raise NetworkError(f"the loss on one batch becomes {values[-1]} at step {len(values)}.")
        change = f"loss on one batch of {len(self.targets)}: {values[0]:.3g} to {values[-1]:.3g} in {STEPS} steps"
        if values[-1] > LEARNED * values[0]:
            return CheckResult(name, "warning", f"{change}: it hardly learns.")
        return CheckResult(name, "ok", f"{change}.")

    def _forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        try:
            output: Tensor = loading.run(self.network.text, lambda: self.module(*inputs))
        except NetworkError as error:
            x = loading.fill_up(inputs[0], self.facts)
            shapes = f"{tuple(x.shape)} {str(x.dtype).removeprefix('torch.')}"
            raise NetworkError(f"{str(error).rstrip()} The data's shape is {shapes}.", error.line) from None
        return output

    def _return_line(self) -> int:
        """Last `return` of the network's forward."""
        lines = self.network.text.splitlines()
        inside = [n for n, line in enumerate(lines, 1) if n > self.network.line and line.strip().startswith("return")]
        starts = [n for n, line in enumerate(lines, 1) if n > self.network.line and "def forward" in line]
        after = [n for n in inside if starts and n > starts[0]]
        ends = [n for n, line in enumerate(lines, 1) if n > self.network.line and line.startswith(("class ", "def "))]
        within = [n for n in after if not ends or n < ends[0]]
        return (within or after or inside or [self.network.line])[-1]

    def _detach_line(self) -> int:
        pattern = re.compile(r"detach\(|no_grad|\.data\b|argmax|\.item\(|\.numpy\(|inference_mode")
        lines = enumerate(self.network.text.splitlines(), 1)
        return next((number for number, line in lines if pattern.search(line)), 0)

    def _attribute_line(self, key: str) -> int:
        """Line that assigns the attribute of a parameter."""
        pattern = re.compile(rf"self\.{re.escape(key.split('.')[0])}\b.*=")
        lines = enumerate(self.network.text.splitlines(), 1)
        return next((number for number, line in lines if pattern.search(line)), self.network.line)


def _is_probability(output: Tensor) -> bool:
    return bool((output >= 0).all()) and bool((output.sum(dim=1) - 1).abs().max() < 1e-4)
