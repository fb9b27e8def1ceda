"""The training script and the notebook of a run, in plain PyTorch: the source of its network with its settings."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import nn

from dlcore import projects
from dlcore.core import seeds
from dlcore.core.config import Config
from dlcore.core.errors import RunError
from dlcore.core.seeds import generator
from dlcore.data.splits import Prepared
from dlcore.projects.project import RunConfig
from dlcore.runs.standalone.source import CollectedSource, collect, join, order_imports
from dlcore.training.state import count_parameters, thread_count

MOST_LINES = 150
SCRIPT, NOTEBOOK, MODEL_FILE, DATA_FILE = "train.py", "train.ipynb", "model.py", "data.npz"
INITIAL = "initial."
"""Prefix of the arrays of pretrained weights from which training starts."""


@dataclass(frozen=True)
class Section:
    """Consecutive lines of a script under a title; a text and a code cell of the notebook."""

    title: str
    text: str
    code: str
    imports: str = ""
    title_of_class: str = ""


@dataclass(frozen=True)
class TaskCode:
    """What the script of one kind of task needs.

    arrays: the content of its data file. `objects` are functions of dlcore that its code calls. data: code of
    `batch(data, split, rows, training) -> (inputs, targets)` and `epoch_order(data, epoch)`; test: code of
    `validation_loss(model, data)` and `test(model, data) -> metrics`. loss: an expression of `outputs` and `targets`.
    figures: metrics that `test` returns.
    """

    arrays: Mapping[str, np.ndarray]
    data: str
    test: str
    loss: str
    figures: tuple[str, ...]
    data_text: str
    test_text: str
    objects: tuple[Callable[..., Any], ...] = ()


@dataclass(frozen=True)
class Construction:
    """How a network is built: its class and the call as code. `initial` are the weights at the start of training that
    differ from those of a new network: pretrained ones. `threads`: number of threads that suits its size; 0: any."""

    builder: Callable[..., Any]
    call: str
    initial: Mapping[str, np.ndarray]
    threads: int = 0


@dataclass(frozen=True)
class TrainingScript:
    """A script by its sections, and the arrays of its data file.

    `has_model_file`: the network is too long for the script, so it has a file of its helper_texts.
    """

    sections: tuple[Section, ...]
    arrays: Mapping[str, np.ndarray] = field(repr=False)
    has_model_file: bool = False

    @property
    def files(self) -> dict[str, str]:
        """Content of `train.py`, `train.ipynb` and perhaps `model.py`, by name."""
        head, network, *following = self.sections
        files = {NOTEBOOK: self._notebook()}
        parts = [head.code.strip()]
        if self.has_model_file:
            name = network.title_of_class
            imports, settings = parts[0].rsplit("\n\n", 1)
            parts = [f"{imports}\n\nfrom model import {name}\n\n{settings}"]
            docstring = f'"""{name}: {network.text}"""'
            lines = head.imports.splitlines()
            files[MODEL_FILE] = f"{docstring}\n\nfrom __future__ import annotations\n\n" + "\n".join(lines)
            files[MODEL_FILE] += f"\n\n\n{network.code.strip()}\n"
        else:
            following = [network, *following]
        parts += [f"# --- {each.title} ---\n{each.code.strip()}" for each in following[:-1]]
        main = "\n".join(f"    {line}" if line else "" for line in following[-1].code.strip().splitlines())
        parts.append(f'if __name__ == "__main__":\n{main}')
        return {SCRIPT: "\n\n\n".join(parts) + "\n", **files}

    def _notebook(self) -> str:
        """Return the same code as a notebook, a text before each cell."""
        cells: list[dict[str, Any]] = []
        for each in self.sections:
            cells.append({"cell_type": "markdown", "metadata": {}, "source": f"## {each.title}\n\n{each.text}"})
            code = each.code.replace("sys.argv[1] if len(sys.argv) == 2 else ", "").strip()
            cells.append({"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": code})
        for number, cell in enumerate(cells):
            cell["id"] = f"cell-{number}"
        kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
        metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
        return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


def write_script(config: RunConfig, prepared: Prepared, task: TaskCode, metrics: Mapping[str, float]) -> TrainingScript:
    """Return the training script of a run whose test metrics are `metrics`.

    A network that would make it longer than `MOST_LINES` gets a file of its helper_texts.

    Raises:
        RunError: the network or a setting has no form in a short script.
    """
    if config.training.precision == "16-mixed":
        raise RunError("a training script has no 16-bit loss scaling: train with precision 32-true or bf16-mixed.")
    options = ("ema", "recalibrate_norms", "label_smoothing", "first_side")
    if used := [name for name in options if config.flat.get(name)]:
        raise RunError(f"a training script has no {', '.join(used)}: train without, or export the model as ONNX.")
    construction = construct(config, prepared)
    arrays = {**task.arrays, **{f"{INITIAL}{name}": value for name, value in construction.initial.items()}}
    for is_brief, has_model_file in ((False, False), (True, False), (False, True), (True, True)):
        sections = _sections(config, task, construction, metrics, is_brief=is_brief)
        script = TrainingScript(sections, arrays, has_model_file)
        lines = script.files[SCRIPT].count("\n")
        if lines <= MOST_LINES:
            return script
    raise RunError(f"the training script of '{config.model}' would have {lines} lines, more than {MOST_LINES}.")


def construct(config: RunConfig, prepared: Prepared) -> Construction:
    """Return how the network of a run is built before training.

    Raises:
        RunError: an argument of its constructor has no source form.
    """
    entry = projects.get(config.project).models[config.model]
    if entry.training_loop is not None:
        raise RunError(f"'{config.model}' is not trained with autograd, so it has no training script.")
    seeds.seed_everything(config.seed)
    module = entry.build(config.model_options, prepared.facts)
    kind = type(module)
    calls: list[Any] = []
    original: Any = kind.__init__

    def record(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        if type(self) is kind and not calls:
            calls.append((args, kwargs))
        original(self, *args, **kwargs)

    seeds.seed_everything(config.seed)
    with mock.patch.object(kind, "__init__", record):
        entry.build(config.model_options, prepared.facts)
    args, kwargs = calls[0]
    seeds.seed_everything(config.seed)
    plain = kind(*args, **kwargs)
    if prepared.start is not None:
        prepared.start(module)
    before = plain.state_dict()
    initial = {
        name: value.numpy()
        for name, value in module.state_dict().items()
        if name not in before or not torch.equal(value, before[name])
    }
    values = [*map(_literal, args), *(f"{name}={_literal(value)}" for name, value in kwargs.items())]
    threads = 1 if thread_count(count_parameters(module)[0], cores=2) == 1 else 0
    return Construction(kind, f"{kind.__name__}({', '.join(values)})", initial, threads)


def _literal(value: Any) -> str:
    """Return a value as code.

    Raises:
        RunError: it is an object other than a config.
    """
    if isinstance(value, Config):
        return f"SimpleNamespace({', '.join(f'{name}={each!r}' for name, each in value.model_dump().items())})"
    if isinstance(value, str | int | float | bool | tuple | list | type(None)):
        return repr(value)
    raise RunError(f"the network is built from a {type(value).__name__}, which has no form in a script.")


def _sections(
    config: RunConfig,
    task: TaskCode,
    construction: Construction,
    metrics: Mapping[str, float],
    *,
    is_brief: bool,
) -> tuple[Section, ...]:
    project = projects.get(config.project)
    training = _training(config, task)
    main = _main(config, construction)
    uses = "\n".join((training, task.data, task.test, main))
    network = collect([construction.builder], uses=uses, is_brief=is_brief)
    helpers = collect([*task.objects, generator], uses=uses, is_brief=is_brief)
    if clash := [
        name for name in helpers.origins if network.origins.get(name, helpers.origins[name]) != helpers.origins[name]
    ]:
        raise RunError(f"two definitions have the name '{clash[0]}'.")
    helper_texts = [text for name, text in helpers.definitions.items() if name not in network.definitions]
    title = f"{project.title}: {project.models[config.model].title}"
    figures = {name: _with_interval(metrics, name) for name in task.figures if name in metrics}
    reported = "; ".join(f"{name} {value}" for name, value in figures.items())
    docstring = (
        f'"""{title}, in plain PyTorch.\n\nUsage: python train.py [{DATA_FILE}]\n\n'
        f'The run reached {reported} on its test split.\n"""'
    )
    imports = _imports(network, helpers, uses)
    head = f"{docstring}\n\nfrom __future__ import annotations\n\n{imports}\n\n{_settings(config, construction)}"
    sections = (
        Section(title, f"The run reached {reported} on its test split.", head, _imports(network, None, "")),
        Section(
            "Network",
            project.models[config.model].summary,
            join(network.definitions.values()),
            title_of_class=construction.builder.__name__,
        ),
        Section("Data", task.data_text, join((*helper_texts, task.data.strip()))),
        Section("Training", "The script ends with the weights of the lowest validation loss.", training),
        Section("Test", task.test_text, task.test.strip()),
        Section("Run", f"`{DATA_FILE}` is beside this file.", main),
    )
    return tuple(dataclasses.replace(each, code=each.code.strip() + "\n") for each in sections)


def _with_interval(metrics: Mapping[str, float], name: str) -> str:
    low, high = metrics.get(f"{name}_low"), metrics.get(f"{name}_high")
    interval = "" if low is None or high is None else f" [{low:.4f}, {high:.4f}]"
    return f"{metrics[name]:.4f}{interval}"


def _imports(network: CollectedSource, helpers: CollectedSource | None, code: str) -> str:
    """Return the import block: standard library first."""
    known = {
        "copy.": "import copy",
        "math.": "import math",
        "sys.": "import sys",
        "np.": "import numpy as np",
        "torch.": "import torch",
        "nn.": "from torch import nn",
        "Tensor": "from torch import Tensor",
        "functional.": "from torch.nn import functional",
        "SimpleNamespace": "from types import SimpleNamespace",
        "average_precision_score": "from sklearn.metrics import average_precision_score, roc_auc_score",
    }
    lines = (
        network.imports
        | (helpers.imports if helpers else set())
        | {line for word, line in known.items() if word in code}
    )
    return order_imports(lines)


def _settings(config: RunConfig, construction: Construction) -> str:
    training = config.training
    values: dict[str, Any] = {
        "SEED": config.seed,
        "EPOCHS": training.epochs,
        "BATCH_SIZE": training.batch_size,
        "LEARNING_RATE": training.learning_rate,
    }
    names = ", ".join(values)
    lines = [f"{names} = {', '.join(map(repr, values.values()))}"]
    lines.append('DEVICE = "cuda" if torch.cuda.is_available() else "cpu"')
    if construction.threads:
        lines.append(f"torch.set_num_threads({construction.threads})  # the fastest for a network of this size")
    return "\n".join(lines)


def _optimizer(config: RunConfig) -> str:
    training = config.training
    parameters = f"model.parameters(), lr=LEARNING_RATE, weight_decay={training.weight_decay!r}, fused=True"
    if training.optimizer == "sgd":
        return f"torch.optim.SGD({parameters}, momentum={training.momentum!r})"
    return f"torch.optim.{'AdamW' if training.optimizer == 'adamw' else 'Adam'}({parameters})"


RATES = {
    "cosine": "0.5 * (1 + math.cos(math.pi * done))",
    "one_cycle": "0.04 + 0.96 * done / 0.3 if done < 0.3 else 0.5 * (1 + math.cos(math.pi * (done - 0.3) / 0.7))",
    "step": "1.0 if done < 0.6 else 0.1 if done < 0.85 else 0.01",
}
"""Share of the maximum learning rate by schedule, from the share `done` of the steps; see `training.schedules`."""


def _training(config: RunConfig, task: TaskCode) -> str:
    """Return the code of `train(model, data)`: the loop of `training.fit` with the settings of the run."""
    training = config.training
    is_channels_last = training.precision == "bf16-mixed" and projects.get(config.project).modality == "image"
    lines = [
        "def train(model: nn.Module, data: dict[str, Tensor]) -> None:",
        *["    model.to(memory_format=torch.channels_last)  # bf16 is faster"] * is_channels_last,
        f"    optimizer = {_optimizer(config)}",
        "    full, left_over = divmod(len(epoch_order(data, 1)), BATCH_SIZE)",
        "    sizes = [BATCH_SIZE] * full + [left_over] * (left_over > 0)",
        "    if full and left_over == 1:  # batch norm needs two samples",
        "        sizes = [*sizes[:-2], BATCH_SIZE + 1]",
        '    best, weights, step = float("inf"), {}, 0',
        "    for epoch in range(1, EPOCHS + 1):",
        "        model.train()",
        "        for rows in epoch_order(data, epoch).split(sizes):",
    ]
    if training.schedule != "constant":
        lines += [
            "            done = step / (EPOCHS * len(sizes))",
            f"            share = {RATES[training.schedule]}",
            "            for group in optimizer.param_groups:",
            '                group["lr"] = share * LEARNING_RATE',
        ]
    lines.append('            inputs, targets = batch(data, "train", rows, training=True)')
    if training.precision == "bf16-mixed":
        lines += [
            "            with torch.autocast(DEVICE, torch.bfloat16):",
            "                outputs = model(*inputs)",
            "            outputs = outputs.float()",
        ]
    else:
        lines.append("            outputs = model(*inputs)")
    lines += [
        f"            loss = {task.loss}",
        "            optimizer.zero_grad()",
        "            loss.backward()",
    ]
    if training.clip_norm:
        lines.append(f"            nn.utils.clip_grad_norm_(model.parameters(), {training.clip_norm!r})")
    lines += [
        "            optimizer.step()",
        "            step += 1",
        "        model.eval()",
        "        with torch.no_grad():",
        "            value = validation_loss(model, data)",
        '        print(f"epoch {epoch}: validation loss {value:.6f}", flush=True)',
        "        if value < best:",
        f"            best, weights{', best_epoch' if training.patience else ''} = "
        f"value, copy.deepcopy(model.state_dict()){', epoch' if training.patience else ''}",
    ]
    if training.patience:
        lines += [f"        if epoch - best_epoch >= {training.patience}:", "            break"]
    lines += ["    model.load_state_dict(weights)"]
    return "\n".join(lines)


def _main(config: RunConfig, construction: Construction) -> str:
    lines = [
        f'data = load(sys.argv[1] if len(sys.argv) == 2 else "{DATA_FILE}")',
        "torch.manual_seed(SEED)",
        f"model = {construction.call}.to(DEVICE)",
    ]
    if construction.initial:
        lines += [
            "model.load_state_dict(  # pretrained weights",
            f'    {{name[{len(INITIAL)}:]: value for name, value in data.items() if name.startswith("{INITIAL}")}},',
            "    strict=False,",
            ")",
        ]
    lines += [
        "train(model, data)",
        "with torch.no_grad():",
        "    metrics = test(model.eval(), data)",
        'print(*(f"{name} {value:.4f}" for name, value in metrics.items()), sep="\\n")',
    ]
    return "\n".join(lines)


LOAD = """\
def load(path: str) -> dict[str, Tensor]:
    with np.load(path) as file:
        return {name: torch.from_numpy(file[name]) for name in file.files}
"""
