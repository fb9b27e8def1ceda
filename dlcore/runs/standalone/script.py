"""The training script and the notebook of a run, in plain PyTorch: the source of its network with its settings."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlcore import projects
from dlcore.core.errors import RunError
from dlcore.core.seeds import generator
from dlcore.data.splits import Prepared
from dlcore.projects import registry
from dlcore.projects.project import RunConfig
from dlcore.runs.standalone.construction import INITIAL, Construction, construct
from dlcore.runs.standalone.custom import construct_custom
from dlcore.runs.standalone.loop import DATA_FILE, main_code, settings_code, training_code
from dlcore.runs.standalone.source import CollectedSource, collect, join, order_imports

MOST_LINES = 150
SCRIPT, NOTEBOOK, MODEL_FILE = "train.py", "train.ipynb", "model.py"


@dataclass(frozen=True)
class Section:
    """Consecutive lines of a script under a title; a text and a code cell of the notebook.

    `imports` and `exports`: what it needs in a separate file, and the names that other sections use.
    """

    title: str
    text: str
    code: str
    imports: str = ""
    exports: tuple[str, ...] = ()


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
class TrainingScript:
    """A script by its sections, and the arrays of its data file.

    `has_model_file`: network and helper functions are too long for the script, so they have a separate file.
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
            imports, settings = parts[0].rsplit("\n\n", 1)
            parts = [f"{imports}\n\nfrom model import {', '.join(network.exports)}\n\n{settings}"]
            docstring = f'"""{network.exports[0]}: {network.text}"""'
            lines = f"{docstring}\n\nfrom __future__ import annotations\n\n{network.imports}"
            files[MODEL_FILE] = f"{lines}\n\n\n{network.code.strip()}\n"
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


def write_script(
    config: RunConfig, prepared: Prepared, task: TaskCode, metrics: Mapping[str, float], *, parameters: int = 0
) -> TrainingScript:
    """Return the training script of a run whose test metrics are `metrics`; `parameters` of a network of custom code.

    If it would be longer than `MOST_LINES`, network and helper functions get a separate file.

    Raises:
        RunError: the network or a setting has no form in a short script.
    """
    if config.training.precision == "16-mixed":
        raise RunError("a training script has no 16-bit loss scaling: train with precision 32-true or bf16-mixed.")
    options = ("ema", "recalibrate_norms", "first_side")
    if used := [name for name in options if config.flat.get(name)]:
        raise RunError(f"a training script has no {', '.join(used)}: train without, or export the model as ONNX.")
    if config.project in registry.NETWORKS:
        construction = construct_custom(config, prepared, parameters=parameters)
    else:
        construction = construct(config, prepared)
    arrays = {**task.arrays, **{f"{INITIAL}{name}": value for name, value in construction.initial.items()}}
    for is_brief, has_model_file in ((False, False), (True, False), (False, True), (True, True)):
        style = {"is_brief": is_brief, "has_model_file": has_model_file}
        sections = _sections(config, task, construction, metrics, **style)
        script = TrainingScript(sections, arrays, has_model_file)
        lines = script.files[SCRIPT].count("\n")
        if lines <= MOST_LINES:
            return script
    raise RunError(f"the training script of '{config.model}' would have {lines} lines, more than {MOST_LINES}.")


def _sections(
    config: RunConfig,
    task: TaskCode,
    construction: Construction,
    metrics: Mapping[str, float],
    *,
    is_brief: bool,
    has_model_file: bool,
) -> tuple[Section, ...]:
    project = projects.get(config.project)
    training, main = training_code(config, task.loss, construction), main_code(construction)
    uses = "\n".join((training, task.data, task.test, main))
    network = construction.collect(uses=uses, is_brief=is_brief)
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
    head = f"{docstring}\n\nfrom __future__ import annotations\n\n{imports}\n\n{settings_code(config, construction)}"
    sections = (
        Section(title, f"The run reached {reported} on its test split.", head),
        Section(
            "Network",
            project.models[config.model].summary,
            join((*network.definitions.values(), *(helper_texts if has_model_file else ()))),
            imports=_imports(network, helpers if has_model_file else None, ""),
            exports=(
                construction.call.partition("(")[0],
                *construction.functions,
                *(each.__name__ for each in (*task.objects, generator)),
            ),
        ),
        Section("Data", task.data_text, join((*(() if has_model_file else helper_texts), task.data.strip()))),
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
