"""Custom networks as models: fields from the constructor, styles of code, equality with a built-in network."""

import faulthandler
import json

import numpy as np
import pytest
import torch
from broken_networks import network
from network_styles import ALL, IMAGES, save_datasets
from test_check import check

from dlcore import projects, runs
from dlcore.core.errors import ConfigError, RunError
from dlcore.projects.custom import check as checks
from dlcore.projects.custom import fields, networks, source
from dlcore.projects.custom.check import CheckResult
from dlcore.runs.bundle.exchange import CodeError

DENSE = '''
from torch import nn

class Dense(nn.Module):
    """Three hidden layers."""

    def __init__(self, in_features, num_classes, dropout=0.0, batch_norm=False):
        super().__init__()
        layers = []
        for before, width in zip((in_features, 256, 128, 64), (256, 128, 64)):
            layers.append(nn.Linear(before, width, bias=not batch_norm))
            if batch_norm:
                layers.append(nn.BatchNorm1d(width))
            layers.append(nn.ReLU())
            if dropout:
                layers.append(nn.Dropout(dropout))
        self.hidden = nn.Sequential(*layers)
        self.classes = nn.Linear(64, num_classes)

    def forward(self, x):
        return self.classes(self.hidden(x.flatten(1)))
'''
QUICK = {"epochs": 2, "device": "cpu"}
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:FutureWarning")  # of a network here


@pytest.fixture(autouse=True)
def unlimited(monkeypatch, tmp_path):
    """Keep the limits of custom code away from the test process; the code of these tests does no harm."""
    monkeypatch.setattr("dlcore.projects.custom.limits.apply", lambda **_: None)
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path / "home"))
    save_datasets()


def save(text: str, project: str = "custom") -> str:
    return source.save(source.parse_text(text), project)


def check_on(project: str, dataset: str, text: str) -> list[CheckResult]:
    """Run the checks on a dataset in this process."""
    reports = []
    request = {"project": project, "dataset": dataset, "text": text, "target": "", "seconds": 60.0}
    checks.run(request, reports.append)
    faulthandler.cancel_dump_traceback_later()
    return [CheckResult(**report["result"]) for report in reports if "result" in report]


@pytest.mark.parametrize(("project", "dataset", "name", "text"), ALL, ids=[each[2] for each in ALL])
def test_style_passes_the_checks_and_trains(project, dataset, name, text, tmp_path):
    results = check_on(project, dataset, text)
    gradients = "warning" if "backcast" in name else "ok"  # nothing reads the last block's backcast
    assert [result.status for result in results[:4]] == [*["ok"] * 3, gradients], results
    assert results[4].status in ("ok", "warning") and "loss on one batch" in results[4].sentence
    settings = {**QUICK, **({"rows": 300} if project == "custom_text" else {})}
    config = projects.configure(project, model=save(text, project), dataset=dataset, preset="quick", settings=settings)
    record = runs.train_here(config, tmp_path / "bundle")
    assert record.epoch == 2 and np.isfinite(record.metrics["validation_loss"])
    assert (tmp_path / "bundle" / "network.py").read_text() == source.find(config.model).text


def test_dense_network_as_text_equals_the_built_in_run(tmp_path):
    custom = projects.configure("custom", model=save(DENSE), dataset="digits", preset="quick", settings=QUICK)
    built_in = projects.configure("fashion", model="dense", dataset="digits", preset="quick", settings=QUICK)
    for config, name in ((custom, "custom"), (built_in, "fashion")):
        runs.train_here(config, tmp_path / name)
    ours, theirs = (runs.Bundle(tmp_path / name) for name in ("custom", "fashion"))
    assert (tmp_path / "custom" / "model.safetensors").read_bytes() == (
        tmp_path / "fashion" / "model.safetensors"
    ).read_bytes()
    np.testing.assert_array_equal(ours.predictions()["test_scores"], theirs.predictions()["test_scores"])
    assert ours.evaluation.metrics == theirs.evaluation.metrics
    for name in ("train_loss", "validation_loss", "batch_loss"):
        np.testing.assert_array_equal(ours.history()[name].values, theirs.history()[name].values)


def test_fields_come_from_the_constructor():
    settings = projects.list_settings("custom", save(DENSE))["model"]
    assert [(field.name, field.kind, field.default) for field in settings] == [
        ("dropout", "float", 0.0),
        ("batch_norm", "bool", False),
    ]
    assert (settings[0].low, settings[0].high) == (0.0, 1.0)
    config = projects.configure("custom", model=save(DENSE), dataset="digits", settings={"batch_norm": True})
    assert projects.load_config(json.loads(json.dumps(config.model_dump()))) == config
    with pytest.raises(ConfigError, match="dropout=2"):
        projects.configure("custom", model=save(DENSE), dataset="digits", settings={"dropout": 2})


def test_data_decides_classes_channels_and_size():
    text = (
        network()
        .replace("(self)", "(self, in_chans, num_classes, img_size, width=3, name='a')")
        .replace("nn.Linear(64, 10)", "nn.Linear(in_chans * img_size**2, num_classes)")
    )
    parsed = source.parse_text(text)
    values = fields.arguments(
        parsed, fields.config_class(save(text))(), {"channels": 3, "height": 16, "width": 16, "classes": 4}
    )
    assert values == {"in_chans": 3, "num_classes": 4, "img_size": 16, "width": 3, "name": "a"}


def test_notebook_gives_its_definitions_only():
    cells = [
        "import torch\nfrom torch import nn\n%matplotlib inline",
        "WIDTH = 32\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.head = nn.Linear(64, 10)\n    def forward(self, x):\n        return self.head(x.flatten(1))",
        "net = Net()\nfor epoch in range(1000000):\n    train(net)",
        "!rm -rf /tmp/nothing",
    ]
    notebook = {
        "cells": [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells],
        "nbformat": 4,
    }
    parsed = source.read_source(json.dumps(notebook).encode(), name="a.ipynb")
    assert "range" not in parsed.text and "rm -rf" not in parsed.text and parsed.target == "Net"
    assert [result.status for result in check(parsed.text)] == ["ok"] * 5


def test_outermost_network_is_the_default_and_any_can_be_named():
    text = IMAGES["module list with residual blocks"]
    assert source.parse_text(text).target == "SmallResNet"
    assert source.parse_text(text, target="Block").target == "Block"
    with pytest.raises(ConfigError, match="SmallResNet"):
        source.parse_text(text, target="Other")


@pytest.mark.faults
def test_bundle_holds_the_code_and_import_asks_first(tmp_path, monkeypatch):
    text = IMAGES["tuple output"]
    config = projects.configure("custom", model=save(text), dataset="digits", preset="quick", settings=QUICK)
    runs.train_here(config, tmp_path / "bundle")
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path / "elsewhere"))
    with pytest.raises(CodeError) as error:
        runs.import_run(tmp_path / "bundle")
    assert error.value.text == text and source.find(config.model) is None
    record = runs.import_run(tmp_path / "bundle", accepts_code=True)
    assert source.find(config.model).text == text
    loaded = runs.open_run(record.run_id).bundle.load()
    x = torch.rand(3, 1, 8, 8)
    with networks.running_here("cpu"):
        module = projects.get("custom").models[config.model].build(config.model_options, loaded.facts).eval()
    from safetensors.torch import load_file

    module.load_state_dict(load_file(tmp_path / "bundle" / "model.safetensors"))
    reference = x.clone().requires_grad_()
    remote = x.clone().requires_grad_()
    for part, net in ((reference, module), (remote, loaded.module)):
        net(part)[:, 1].sum().backward()
    torch.testing.assert_close(loaded.module(x), module(x).detach())
    torch.testing.assert_close(remote.grad, reference.grad)
    loaded.module.host.close()
    (tmp_path / "bundle" / "network.py").write_text(text + "# changed\n")
    with pytest.raises(RunError, match="not the code of this run"):
        runs.import_run(tmp_path / "bundle", accepts_code=True)
