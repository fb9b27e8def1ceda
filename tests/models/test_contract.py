"""The contract of every model of every project, checked on a few samples of the project's data."""

import functools
import os
import tempfile
from pathlib import Path

import pytest
import tiny_bert
import torch
from dataset_marks import marks_of
from safetensors.torch import load, save

from dlcore import projects
from dlcore.core.errors import DataMissingError
from dlcore.data.sources import locate as sources
from dlcore.data.splits import Prepared
from dlcore.projects import RunConfig

SHARED_ARCHITECTURE = {"reviews_transformer": {"base"}}
"""The models to test of projects whose models are one network with several presets."""
MODELS = [
    pytest.param((slug, name), id=f"{slug}/{name}", marks=marks_of(slug, name))
    for slug in projects.PROJECTS
    for name in projects.get(slug).models
    if name in SHARED_ARCHITECTURE.get(slug, projects.get(slug).models)
]
pytestmark = pytest.mark.anydata
ROWS = 12
SHALLOW = 6
PRETRAINED = {"bert", "food"}
"""Projects whose models start from pretrained weights."""
SLOW = {"sigmoid", "head"}
"""Models that learn slowly: sigmoids by design, the head because its features come from a random BERT."""


@functools.cache
def bert_folder() -> "tempfile.TemporaryDirectory[str]":
    """A folder with a tiny BERT, deleted when the process ends."""
    folder = tempfile.TemporaryDirectory()
    tiny_bert.write(Path(folder.name))
    return folder


@functools.cache
def prepared(slug: str, model: str) -> tuple[RunConfig, Prepared]:
    project = projects.get(slug)
    available = [name for name in project.datasets if sources.is_available(name)]
    names = {field.name for field in projects.list_settings(project.slug, model)["data"]}
    small = {name: 300 for name in ("rows", "train_rows") if name in names}
    if slug == "gradients":
        small["depth"] = SHALLOW  # at full depth half of the models do not learn, by design
    if slug == "reviews_transformer":
        small["length"] = 24  # six layers over a hundred words are slow
    if slug == "food":
        small |= {"side": 96, "warm_head": False}  # a warm head computes features of the whole set
    if "bert" in names:
        small["bert"] = tiny_bert.NAME
    if "after_layer" in names:
        small["after_layer"] = 2  # the tiny BERT has two layers
    dataset = available[0] if slug == "bert" else available[-1]  # questions load faster than film reviews
    config = projects.configure(project.slug, model=model, dataset=dataset, preset="quick", settings=small)
    try:
        with pytest.MonkeyPatch.context() as patch:
            if "bert" in names:
                patch.setenv("DLCORE_DATA", f"{bert_folder().name}:{os.environ.get('DLCORE_DATA', '')}")
            return config, project.prepare(config)
    except DataMissingError as error:
        pytest.skip(f"data missing: {error.dataset} (set DLCORE_DATA)")  # pretrained weights


class Case:
    """One model with a batch of its data."""

    def __init__(self, slug: str, name: str) -> None:
        project = projects.get(slug)
        self.entry = project.models[name]
        self.config, data = prepared(slug, name)
        self.start = data.start if slug in PRETRAINED else None
        self.objective, self.facts = project.objective(self.config, data), data.facts
        rows = torch.linspace(0, len(data.train) - 1, ROWS).long()  # spread over the data: every class appears
        inputs = tuple(part[rows] for part in data.train.inputs)
        self.inputs = data.transform(inputs, True) if data.transform else inputs
        self.targets = data.train.targets[rows]

    def build(self, seed: int = 0) -> torch.nn.Module:
        torch.manual_seed(seed)
        module = self.entry.build(self.config.model_options, self.facts)
        if self.start is not None:
            self.start(module)
        return module

    def loss(self, module: torch.nn.Module) -> torch.Tensor:
        return self.objective.loss(module(*self.inputs), self.targets)


@pytest.fixture(params=MODELS)
def case(request) -> Case:
    return Case(*request.param)


def test_data_facts_match_the_project(case):
    assert set(case.facts) == set(projects.get(case.config.project).facts)


def test_output_shapes(case):
    outputs = case.build().eval()(*case.inputs)
    assert outputs.dtype == torch.float32 and torch.isfinite(outputs).all()
    if "classes" in case.facts:
        assert outputs.shape == (ROWS, case.facts["classes"])
    elif "symbols" in case.facts:  # logits at each symbol of the longest answer in the batch
        assert outputs.shape == (ROWS, int(case.targets.ne(0).sum(dim=1).max()), case.facts["symbols"])
    else:
        assert outputs.shape == case.targets.shape
    assert case.objective.loss(outputs, case.targets).shape == ()
    if case.objective.correct:
        assert case.objective.correct(outputs, case.targets).shape == (ROWS,)


def test_single_sample_gives_the_output_of_the_batch(case):
    module = case.build().eval()
    together = module(*case.inputs)
    alone = torch.cat([module(*(part[i : i + 1] for part in case.inputs)) for i in range(ROWS)])
    torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-6)


def test_gradient_reaches_every_parameter(case):
    module = case.build().train()
    if not list(module.parameters()):
        pytest.skip("nothing is trained")
    case.loss(module).backward()
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_same_seed_gives_the_same_model(case):
    first, again, other = case.build(1), case.build(1), case.build(2)
    outputs = [module.eval()(*case.inputs) for module in (first, again, other)]
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[2]) or not list(first.parameters())


def test_weights_round_trip(case):
    first, other = case.build(1).eval(), case.build(2).eval()
    other.load_state_dict(load(save(first.state_dict())))
    assert torch.equal(first(*case.inputs), other(*case.inputs))


@pytest.mark.timeout(120)
def test_learns_one_batch(case):
    """At either of two learning rates: deep networks with batch normalization need the smaller one."""
    if not list(case.build().parameters()):
        pytest.skip("nothing is trained")
    assert any(learns(case, rate) for rate in (1e-2, 1e-3))


def learns(case: Case, rate: float, *, rounds: int = 6, steps: int = 20) -> bool:
    """Whether the evaluation loss halves within 120 steps; slow models need a tenth only."""
    module = case.build().eval()
    before = case.loss(module).item()
    optimizer = torch.optim.Adam(module.parameters(), lr=rate)
    for _ in range(rounds):
        module.train()
        for _ in range(steps):
            optimizer.zero_grad()
            case.loss(module).backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            optimizer.step()
        if case.loss(module.eval()).item() < (0.9 if case.config.model in SLOW else 0.5) * before:
            return True
    return False
