"""Parameters of a search: text form, bounds, and defaults of every project."""

import pytest

from dlcore import projects
from dlcore.core.errors import RequestError
from dlcore.projects import search_space
from dlcore.projects.command import command_line
from dlcore.projects.search_space import SearchParameter


def config(slug: str = "forecast", **settings):
    return projects.configure(slug, dataset=None, preset="quick", settings=settings)


def test_range_choice_and_bare_name_are_parsed():
    base = config()
    assert search_space.parse_parameter("learning_rate=1e-4..1e-1", base) == SearchParameter(
        "learning_rate", "float", 1e-4, 1e-1, log=True
    )
    assert search_space.parse_parameter("units=16..256", base) == SearchParameter("units", "int", 16, 256, log=True)
    assert search_space.parse_parameter("dropout=0..0.5", base) == SearchParameter("dropout", "float", 0.0, 0.5)
    assert search_space.parse_parameter("optimizer=adam, adamw", base).choices == ("adam", "adamw")
    assert search_space.parse_parameter("mask_input", base).choices == ("false", "true")
    assert search_space.parse_parameter("learning_rate", base).holds(base.training.learning_rate)
    assert not search_space.parse_parameter("units=128..256", base).holds(64)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs=1..9", "'epochs' cannot be searched"),
        ("unitz=1..9", "no setting 'unitz'"),
        ("units=9..3", "units=9..3 is not a range"),
        ("units=1.5..3", "is not a range: write it as units=16..256"),
        ("units=1..two", "is not a range"),
        ("learning_rate=0.1..inf", "is not a range"),
        ("dropout=0..2", "dropout=2.0 is not allowed: it must be a number from 0 to 0.9"),
        ("optimizer=adam,rmsprop", "optimizer='rmsprop' is not allowed"),
        ("optimizer=adam", "at least two values are needed"),
    ],
)
def test_invalid_parameter_is_rejected_in_one_line(text, message):
    with pytest.raises(RequestError, match=message.replace(".", r"\.")) as rejected:
        search_space.parse_parameter(text, config())
    assert "\n" not in str(rejected.value)


def test_repeated_parameter_is_rejected():
    with pytest.raises(RequestError, match="'units' is repeated"):
        search_space.parse_parameters(["units", "units=8..16"], config())


@pytest.mark.parametrize("slug", list(projects.PROJECTS))
def test_default_ranges_of_every_project_are_valid(slug):
    for model in projects.get(slug).models:
        base = projects.configure(slug, model=model)
        parameters = search_space.parse_parameters([], base)
        assert "learning_rate" in [parameter.name for parameter in parameters]
        for parameter in parameters:
            assert (
                parameter.holds(base.flat[parameter.name])
                and search_space.parse_parameter(str(parameter), base) == parameter
            )


def test_command_names_only_differences_from_the_preset():
    result = command_line(config(units=32, learning_rate=0.01, dropout=0.2))
    assert result.endswith("--preset quick --seed 0 --set learning_rate=0.01 --set units=32")
