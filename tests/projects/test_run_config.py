"""Typed parts of a run's config: parsed once, former names of settings, presets that fit their models."""

import dataclasses
import json

import pytest

from dlcore import projects, runs
from dlcore.core.config import describe
from dlcore.core.errors import ConfigError
from dlcore.core.settings import ASSETS
from dlcore.projects.anomaly.project import AnomalyData
from dlcore.projects.command import command_line
from dlcore.projects.run_config import RENAMED
from dlcore.ui.modalities.modality import Modality, load_modality

PARTS = ("training", "model_options", "data_options")


def test_data_config_is_parsed_once_in_a_run(tmp_path, monkeypatch):
    """Regression: it was parsed 34 times."""
    parsed = []
    validate = AnomalyData.model_validate
    monkeypatch.setattr(AnomalyData, "model_validate", lambda values: parsed.append(values) or validate(values))
    config = projects.configure("anomaly", model="dense_32", preset="quick", settings={"epochs": 1})
    runs.train_here(config, tmp_path / "bundle")
    assert len(parsed) == 1, parsed
    assert runs.Bundle(tmp_path / "bundle").config.data_options == config.data_options


def test_json_of_a_config_has_plain_parts():
    config = projects.configure("news")
    data = json.loads(config.model_dump_json())
    assert data["data_options"]["length"] == config.flat["length"] and projects.load_config(data) == config


@pytest.mark.parametrize("part", PARTS)
def test_config_part_that_is_no_object_is_rejected(part):
    data = projects.configure("news").model_dump()
    with pytest.raises(ConfigError, match=part):
        projects.load_config({**data, part: [1]})


OLD = {
    "food": {"optimiser": "sgd", "falling": 0.5, "norms": "kept", "start": "pretrained", "jitter": 0.1, "erase": 8},
    "gradients": {"skip": True, "normalisation": "group", "initialisation": "he"},
    "reviews_lstm": {"readout": "pooled"},
    "questions": {"both_ways": False, "readout": "last"},
    "bert": {"words": True, "falling": 0.8},
}


@pytest.mark.parametrize("slug", OLD)
def test_former_setting_names_are_read(slug):
    config = projects.configure(slug, settings=OLD[slug])
    former = {new: old for old, new in RENAMED.items() if old in OLD[slug]}
    data = json.loads(config.model_dump_json())
    old = {
        **data,
        **{part: {former.get(name, name): value for name, value in data[part].items()} for part in PARTS},
    }
    assert old != data and projects.load_config(old) == config
    assert not set(config.flat) & set(RENAMED)
    values = {RENAMED[name]: value for name, value in OLD[slug].items()}
    assert {name: config.flat[name] for name in values} == {
        name: {"kept": "frozen", "pooled": "mean_max"}.get(value, value) for name, value in values.items()
    }


def test_no_setting_has_a_former_name():
    names = {
        name
        for project in projects.list_projects()
        for model in project.models
        for name in project.setting_names(model)
    }
    assert not names & set(RENAMED) and set(RENAMED.values()) <= names


def test_reference_runs_use_present_setting_names():
    for path in ASSETS.glob("runs/*/*/run.json"):
        stored = json.loads(path.read_text())
        names = {name for part in PARTS for name in stored["config"][part]}
        flags = {word.partition("=")[0] for word in stored["command"].split() if "=" in word}
        assert not (names | flags) & set(RENAMED), path


def test_preset_with_a_setting_that_no_model_has_is_an_error():
    news = projects.get("news")
    with pytest.raises(ConfigError, match="'depth', which every model lacks"):
        dataclasses.replace(news, presets={"quick": {"depth": 3}})
    with pytest.raises(ConfigError, match="'depth', which 'encoder' lacks"):
        dataclasses.replace(news, presets={"quick": {"encoder": {"depth": 3}}})


def test_shared_preset_settings_apply_to_models_that_have_them():
    gradients = projects.get("questions")
    for preset in gradients.presets:
        for model in gradients.models:
            command = command_line(projects.configure("questions", model=model, dataset="trec6", preset=preset))
            assert command.replace(" --set vectors=none", "").count("--set") == 0  # random vectors without GloVe


@pytest.mark.parametrize("project", projects.list_projects(), ids=lambda project: project.slug)
def test_modality_module_has_every_member(project):
    members = [*Modality.__annotations__, *(name for name in vars(Modality) if not name.startswith("_"))]
    assert all(hasattr(load_modality(project), name) for name in members)


@pytest.mark.parametrize("project", projects.list_projects(), ids=lambda project: project.slug)
def test_ignored_settings_are_data_settings(project):
    names = {field.name for field in describe(project.data_config)}
    assert all(set(entry.ignored_settings) <= names for entry in project.models.values())
