"""Config validation and its one-line error messages."""

import json

import pytest

from dlcore import projects
from dlcore.core import config
from dlcore.core.errors import ConfigError
from dlcore.training.config import TrainingConfig


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"learning_rate": 50}, ["learning_rate=50", "1e-07 to 10"]),
        ({"learning_rate": float("nan")}, ["learning_rate=nan", "number"]),
        ({"epochs": "many"}, ["epochs='many'", "whole number", "1 to 10000"]),
        ({"epochs": 2.5}, ["epochs=2.5", "whole number"]),
        ({"optimizer": "lion"}, ["optimizer='lion'", "adam, adamw, sgd"]),
        ({"lerning_rate": 1}, ["lerning_rate", "did you mean 'learning_rate'"]),
    ],
)
def test_error_names_field_bounds_and_value(values, words):
    with pytest.raises(ConfigError) as error:
        config.parse(TrainingConfig, values)
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)


def test_command_line_strings_become_numbers():
    assert config.parse(TrainingConfig, {"epochs": "3", "learning_rate": "1e-2"}).learning_rate == 0.01


def test_every_field_has_help_and_numbers_have_bounds():
    for project in projects.list_projects():
        for entry in project.models.values():
            for part in (TrainingConfig, entry.config, project.data_config):
                for field in config.describe(part):
                    assert field.help, (part, field.name)
                    if field.kind in ("int", "float"):
                        assert field.low is not None and field.high is not None, (part, field.name)


@pytest.mark.parametrize("slug", projects.PROJECTS)
def test_setting_names_are_unique_within_a_project(slug):
    for model in projects.get(slug).models:
        names = [field.name for section in projects.list_settings(slug, model).values() for field in section]
        assert len(names) == len(set(names))


@pytest.mark.parametrize("slug", projects.PROJECTS)
@pytest.mark.parametrize("preset", ["quick", "full"])
def test_config_round_trips_through_json(slug, preset):
    for model in projects.get(slug).models:
        stored = projects.configure(slug, model=model, preset=preset, seed=7)
        assert projects.load_config(json.loads(json.dumps(stored.model_dump()))) == stored


def test_stored_config_with_an_unknown_key_is_rejected():
    data = projects.configure("anomaly").model_dump()
    with pytest.raises(ConfigError, match="sneaky"):
        projects.load_config({**data, "data_options": {**data["data_options"], "sneaky": 1}})


def test_with_settings_keeps_the_other_settings():
    base = projects.configure("anomaly", model="conv", settings={"epochs": 3, "kernel_size": 9})
    changed = projects.with_settings(base, {"batch_size": 32, "seed": 5})
    assert (changed.training.epochs, changed.training.batch_size, changed.seed) == (3, 32, 5)
    assert changed.model_options.model_dump() == {"kernel_size": 9}


@pytest.mark.parametrize(
    ("request_", "word"),
    [({"model": "cnov"}, "did you mean 'conv'"), ({"dataset": "moon"}, "nyc_taxi"), ({"preset": "fast"}, "quick")],
)
def test_unknown_names_raise_an_error_with_the_known_names(request_, word):
    with pytest.raises(ConfigError, match=word):
        projects.configure("anomaly", **request_)
