"""The contract of a model: what training, evaluation and bundles need of it, checked on a few samples of its data."""

from collections.abc import Callable, Mapping

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from dlcore.data.splits import Prepared
from dlcore.projects import registry
from dlcore.projects.run_config import RunConfig

ROWS = 12
LEARNED = 0.5
"""Loss after 120 steps on one batch over the loss before, at most."""
STEPS, ROUNDS, RATES = 20, 6, (1e-2, 1e-3)
"""Deep networks with batch normalization need the smaller learning rate."""


class ModelCase:
    """One model with a batch of its data."""

    def __init__(self, config: RunConfig, data: Prepared, *, is_pretrained: bool = False) -> None:
        """`is_pretrained` applies the start of the data, which loads pretrained weights, to every network."""
        project = registry.get(config.project)
        self.config, self.facts, self.entry = config, data.facts, project.models[config.model]
        self.start = data.start if is_pretrained else None
        self.objective = project.objective(config, data)
        rows = torch.linspace(0, len(data.train) - 1, ROWS).long()  # spread over the data: every class appears
        inputs = tuple(part[rows] for part in data.train.inputs)
        self.inputs = data.transform(inputs, True) if data.transform else inputs
        self.targets = data.train.targets[rows]

    def build(self, seed: int = 0) -> nn.Module:
        """Return the network with weights from a seed."""
        torch.manual_seed(seed)
        module = self.entry.build(self.config.model_options, self.facts)
        if self.start is not None:
            self.start(module)
        return module

    def loss(self, module: nn.Module) -> Tensor:
        """Return the training loss of the batch."""
        return self.objective.loss(module(*self.inputs), self.targets)


def check_facts(case: ModelCase) -> str:
    """The facts of the data are those that the project names."""
    expected = set(registry.get(case.config.project).facts)
    return "" if set(case.facts) == expected else f"the data has the facts {sorted(case.facts)}, not {sorted(expected)}"


def check_output(case: ModelCase) -> str:
    """The output is finite, of type float32, and has the shape that the task needs."""
    outputs = case.build().eval()(*case.inputs)
    if not isinstance(outputs, Tensor) or outputs.dtype != torch.float32 or not bool(torch.isfinite(outputs).all()):
        return "the output is not a finite float32 tensor"
    expected: tuple[int, ...] = tuple(case.targets.shape)
    if "classes" in case.facts:
        expected = (ROWS, case.facts["classes"])
    elif "symbols" in case.facts:  # logits at each symbol of the longest answer in the batch
        expected = (ROWS, int(case.targets.ne(0).sum(dim=1).max()), case.facts["symbols"])
    if tuple(outputs.shape) != expected:
        return f"the output has shape {tuple(outputs.shape)}, expected {expected}"
    if case.objective.loss(outputs, case.targets).shape != ():
        return "the loss is no scalar"
    if case.objective.correct and case.objective.correct(outputs, case.targets).shape != (ROWS,):
        return "the counts of correct predictions have not one value per sample"
    return ""


def check_batching(case: ModelCase) -> str:
    """A single sample gets the output that it has in a batch."""
    module = case.build().eval()
    together = module(*case.inputs)
    alone = torch.cat([module(*(part[i : i + 1] for part in case.inputs)) for i in range(ROWS)])
    is_equal = torch.allclose(alone, together, rtol=1e-4, atol=1e-6)
    return "" if is_equal else "a sample alone has another output than in a batch"


def check_gradients(case: ModelCase) -> str:
    """The gradient reaches every trainable parameter."""
    module = case.build().train()
    if not list(module.parameters()):
        return ""
    case.loss(module).backward()  # type: ignore[no-untyped-call]
    unreached = [
        name
        for name, parameter in module.named_parameters()
        if parameter.requires_grad and (parameter.grad is None or not bool(parameter.grad.abs().sum() > 0))
    ]
    return f"no gradient reaches {', '.join(unreached[:3])}" if unreached else ""


def check_seed(case: ModelCase) -> str:
    """The same seed gives the same network, another seed another one."""
    first, again, other = (module.eval()(*case.inputs) for module in map(case.build, (1, 1, 2)))
    if not torch.equal(first, again):
        return "two networks from the same seed differ"
    return "two seeds give the same network" if torch.equal(first, other) and list(case.build().parameters()) else ""


def check_round_trip(case: ModelCase) -> str:
    """Stored weights give the same output in another network."""
    first, other = case.build(1).eval(), case.build(2).eval()
    other.load_state_dict(load(save(first.state_dict())))
    return "" if torch.equal(first(*case.inputs), other(*case.inputs)) else "stored weights give another output"


def check_learning(case: ModelCase, learned: float = LEARNED) -> str:
    """The network can learn one batch: its loss falls to a share within 120 steps, at either of two rates."""
    if not list(case.build().parameters()) or any(_learns(case, rate, learned) for rate in RATES):
        return ""
    return f"{STEPS * ROUNDS} steps on one batch do not bring the loss to {learned:.0%} of its start"


def _learns(case: ModelCase, rate: float, learned: float) -> bool:
    module = case.build().eval()
    before = case.loss(module).item()
    optimizer = torch.optim.Adam(module.parameters(), lr=rate)
    for _ in range(ROUNDS):
        module.train()
        for _ in range(STEPS):
            optimizer.zero_grad()
            case.loss(module).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            optimizer.step()
        if case.loss(module.eval()).item() < learned * before:
            return True
    return False


CHECKS: Mapping[str, Callable[[ModelCase], str]] = {
    "facts": check_facts,
    "output": check_output,
    "batching": check_batching,
    "gradients": check_gradients,
    "seed": check_seed,
    "weights round trip": check_round_trip,
    "learns a batch": check_learning,
}
"""Each returns what is wrong, or an empty text."""
