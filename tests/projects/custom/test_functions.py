"""Losses and augmentations of custom code: which are found, errors with their line, and runs that use them."""

import math

import numpy as np
import pytest
import torch
from broken_networks import network
from network_styles import ANOMALIES, FORECASTS, IMAGES, TEXTS, save_datasets
from test_check import DATA

from dlcore import projects, runs
from dlcore.core.errors import ConfigError, RequestError
from dlcore.projects.custom import definitions, fields, functions, loading, networks, source
from dlcore.projects.custom.check import Session
from dlcore.runs.execution import Job, execute
from dlcore.runs.folder import RunFolder
from dlcore.runs.metric_log import MemoryMetricLog
from dlcore.runs.worker import checkpoint_scheduler

HEAD = "import torch\nfrom torch import nn\nfrom torch.nn import functional\n"
FUNCTIONS = """
def task_loss(outputs, targets):
    return functional.cross_entropy(outputs, targets)

class FocalLoss(nn.Module):
    def __init__(self, gamma=2.0):
        super().__init__()
        self.gamma = gamma

    def forward(self, outputs, targets):
        likelihood = -functional.cross_entropy(outputs, targets, reduction="none")
        return -((1 - likelihood.exp()) ** self.gamma * likelihood).mean()

def absolute_loss(outputs, targets):
    return (outputs - targets).abs().mean()

def augment(batch):
    batch += 0.1 * torch.randn_like(batch)
    return batch

def augment_words(ids):
    return torch.where(torch.rand(ids.shape, device=ids.device) < 0.1, 1, ids)

def train_with_loss(model, outputs, targets):
    return 0
"""
CASES = {
    "custom": ("digits", IMAGES["tuple output"], "FocalLoss", "augment"),
    "custom_text": ("template_news", TEXTS["bag of embeddings"], "FocalLoss", "augment_words"),
    "custom_forecast": ("custom:weather", FORECASTS["causal dilated convolutions"], "absolute_loss", "augment"),
    "custom_anomaly": ("custom:load", ANOMALIES["recurrent encoder and decoder"], "absolute_loss", "augment"),
}
LINE = len((HEAD + network()).splitlines()) + 1
WRONG = {
    "one value per sample": (
        "def loss(outputs, targets):\n    return functional.cross_entropy(outputs, targets, reduction='none')",
        ("loss", f"line {LINE}", "(32,)", "return its mean"),
    ),
    "detached": (
        "def loss(outputs, targets):\n    return functional.cross_entropy(outputs.detach(), targets)",
        ("loss", f"line {LINE}", "no gradient"),
    ),
    "a number": (
        "def loss(outputs, targets):\n    return functional.cross_entropy(outputs, targets).item()",
        ("loss", f"line {LINE}", "float, not a tensor"),
    ),
    "not finite": (
        "def loss(outputs, targets):\n    return (outputs.sum() * 0).log()",
        ("loss", f"line {LINE}", "inf", "check logarithms"),
    ),
    "raises": (
        "def loss(outputs, targets):\n    return functional.nll_loss(outputs, targets.float())",
        ("loss", f"line {LINE + 1}", "Long"),
    ),
    "with parameters": (
        "class Loss(nn.CrossEntropyLoss):\n    def __init__(self):\n        super().__init__()\n"
        "        self.scale = nn.Parameter(torch.ones(()))\n    def forward(self, outputs, targets):\n"
        "        return super().forward(outputs, targets) * self.scale",
        ("loss", f"line {LINE}", "has parameters"),
    ),
    "other shape": (
        "def augment(batch):\n    return batch[:, :, 1:]",
        ("augmentation", f"line {LINE}", "(32, 1, 8, 8)", "(32, 1, 7, 8)", "keep shape"),
    ),
    "other type": (
        "def augment(batch):\n    return batch.double()",
        ("augmentation", f"line {LINE}", "float64", "keep shape and type"),
    ),
    "nothing": ("def augment(batch):\n    batch.flip(3)", ("augmentation", f"line {LINE}", "NoneType")),
    "error": ("def augment(batch):\n    return batch.fliplr(3)", ("augmentation", f"line {LINE + 1}", "fliplr")),
}


def settings_of(text: str) -> dict[str, str]:
    return {each.setting: each.name for each in source.parse_text(text).functions}


@pytest.fixture(autouse=True)
def unlimited(monkeypatch, tmp_path):
    """Keep the limits of custom code away from the test process; the code of these tests does no harm."""
    monkeypatch.setattr("dlcore.projects.custom.limits.apply", lambda **_: None)
    monkeypatch.setattr(checkpoint_scheduler, "POLL_SECONDS", 0.0)
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path / "home"))
    save_datasets()


def test_name_and_arguments_decide_what_a_function_is():
    parsed = source.parse_text(HEAD + network() + FUNCTIONS)
    assert parsed.target == "Net"  # the loss is no network
    assert list(parsed.functions_of(definitions.LOSS)) == ["task_loss", "FocalLoss", "absolute_loss"]
    assert list(parsed.functions_of(definitions.AUGMENTATION)) == ["augment", "augment_words"]
    model = source.save(parsed)
    options = {field.name: field.choices for field in projects.list_settings("custom", model)["model"]}
    assert options[definitions.LOSS] == ("none", "task_loss", "FocalLoss", "absolute_loss")
    with pytest.raises(ConfigError, match="FocalLoss"):
        projects.configure("custom", model=model, dataset="digits", settings={definitions.LOSS: "train_with_loss"})
    with pytest.raises(ConfigError, match="FocalLoss"):
        networks.check_network(parsed.text, "custom", "digits", settings={definitions.LOSS: "missing"})


@pytest.mark.parametrize("name", WRONG)
def test_wrong_function_is_one_line_that_names_its_line(name):
    code, (check, *words) = WRONG[name]
    text = HEAD + network() + code + "\n"
    torch.manual_seed(0)
    session = Session(source.parse_text(text), *DATA["images"](), functions=settings_of(text))
    results = []
    for step_name, step in session.steps():
        results.append(session.perform(step_name, step))
        if results[-1].status == "failed":
            break
    assert (results[-1].name, results[-1].status) == (check, "failed"), results[-1]
    assert "\n" not in results[-1].sentence
    for word in words:
        assert word in results[-1].sentence, results[-1].sentence


def configure(task: str, **functions: str):
    dataset, text, *_ = CASES[task]
    model = source.save(source.parse_text(HEAD + text + FUNCTIONS), task)
    rows = {"rows": 300} if task == "custom_text" else {}
    settings = {"epochs": 2, "device": "cpu", **rows, **functions}
    return projects.configure(task, model=model, dataset=dataset, preset="quick", settings=settings)


def train(config, folder, *, pause_at=math.inf) -> runs.Bundle:
    """Train in this process, with a pause at the first event from a step on."""
    for stop in (pause_at, math.inf):
        reached = [0]
        job = Job(
            run_id="0" * 32,
            config=config,
            folder=RunFolder(folder),
            bundle=folder / "bundle",
            metric_log=MemoryMetricLog(),
            poll_command=lambda reached=reached, stop=stop: "pause" if reached[0] >= stop else None,
            on_event=lambda event, reached=reached: reached.__setitem__(0, event.step),
        )
        if execute(job).state != "paused":
            return runs.Bundle(folder / "bundle")
    raise AssertionError("paused again")


@pytest.mark.parametrize("task", CASES)
def test_run_uses_the_functions_and_a_pause_changes_nothing(task, tmp_path):
    _, _, loss, augmentation = CASES[task]
    selected = {definitions.LOSS: loss, definitions.AUGMENTATION: augmentation}
    plain = train(configure(task), tmp_path / "plain")
    config = configure(task, **selected)
    ours = train(config, tmp_path / "ours")
    assert {name: ours.config.flat[name] for name in selected} == selected
    assert (ours.folder / source.FILE).read_text() == source.find(config.model).text
    first = [float(bundle.history()["train_loss"].values[0]) for bundle in (plain, ours)]
    assert abs(first[0] - first[1]) > 0.01 * first[0]
    paused = train(config, tmp_path / "paused", pause_at=ours.record.steps_per_epoch + 2)
    weights = [(bundle.folder / "model.safetensors").read_bytes() for bundle in (ours, paused)]
    assert weights[0] == weights[1]
    for name in ("test_scores", "validation_scores"):
        np.testing.assert_array_equal(ours.predictions()[name], paused.predictions()[name])


def test_loss_of_the_task_as_code_equals_the_task(tmp_path):
    """The loss of the code alone changes; validation and evaluation stay those of the task."""
    plain, ours = (
        train(configure("custom", **functions), tmp_path / name)
        for name, functions in (("plain", {}), ("ours", {definitions.LOSS: "task_loss"}))
    )
    assert (plain.folder / "model.safetensors").read_bytes() == (ours.folder / "model.safetensors").read_bytes()
    assert plain.evaluation.metrics == ours.evaluation.metrics


def test_missing_targets_count_nothing_and_functions_stay_in_their_process():
    parsed = source.parse_text(HEAD + network() + FUNCTIONS)
    loss = functions.CustomLoss(parsed, parsed.functions_of(definitions.LOSS)["absolute_loss"])
    outputs, targets = torch.zeros(2, 3, requires_grad=True), torch.tensor([[1.0, float("nan"), 2.0]] * 2)
    loading.BUILT.pop(parsed.network_id, None)
    with pytest.raises(RequestError, match="only in the process that trains"):
        loss(outputs, targets)
    loading.build(parsed, fields.create_config(parsed)(), DATA["images"]()[0])
    value = loss(outputs, targets)
    value.backward()
    assert float(value.detach()) == 1.0
    assert outputs.grad[:, 1].tolist() == [0.0, 0.0]
