"""The contract of every model of every project, checked on a few samples of the project's data."""

import functools
import os
import tempfile
from pathlib import Path

import pytest
import tiny_bert
from dataset_marks import marks_of

from dlcore import projects
from dlcore.core.errors import DataMissingError
from dlcore.data.sources import locate as sources
from dlcore.data.splits import Prepared
from dlcore.projects import RunConfig, contract

SHARED_ARCHITECTURE = {"reviews_transformer": {"base"}}
"""The models to test of projects whose models are one network with several presets."""
MODELS = [
    pytest.param((slug, name), id=f"{slug}/{name}", marks=marks_of(slug, name))
    for slug in projects.PROJECTS
    for name in projects.get(slug).models
    if name in SHARED_ARCHITECTURE.get(slug, projects.get(slug).models)
]
pytestmark = pytest.mark.anydata
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


@pytest.fixture(params=MODELS)
def case(request) -> contract.ModelCase:
    slug, model = request.param
    return contract.ModelCase(*prepared(slug, model), is_pretrained=slug in PRETRAINED)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", [name for name in contract.CHECKS if name != "learns a batch"])
def test_contract(case, name):
    assert not contract.CHECKS[name](case)


@pytest.mark.timeout(120)
def test_learns_one_batch(case):
    assert not contract.check_learning(case, 0.9 if case.config.model in SLOW else contract.LEARNED)
