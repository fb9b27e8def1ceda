"""Knobs of a search: written in a line, checked against the settings' own bounds, offered by every project."""

import pytest

from dlcore import projects
from dlcore.core.errors import RequestError
from dlcore.projects import search_space
from dlcore.projects.command import command_line
from dlcore.projects.search_space import SearchParameter


def config(slug: str = "forecast", **chosen):
    return projects.configure(slug, dataset=None, preset="quick", settings=chosen)


def test_a_range_a_choice_and_a_bare_name():
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
    ("text", "said"),
    [
        ("epochs=1..9", "'epochs' cannot be searched"),
        ("unitz=1..9", "no setting 'unitz'"),
        ("units=9..3", "units=9..3 is no range"),
        ("units=1.5..3", "is no range: write it as units=16..256"),
        ("units=1..two", "is no range"),
        ("learning_rate=0.1..inf", "is no range"),
        ("dropout=0..2", "dropout=2.0 is not allowed: it must be a number from 0 to 0.9"),
        ("optimizer=adam,rmsprop", "optimizer='rmsprop' is not allowed"),
        ("optimizer=adam", "two values are the least"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(text, said):
    with pytest.raises(RequestError, match=said.replace(".", r"\.")) as refused:
        search_space.parse_parameter(text, config())
    assert "\n" not in str(refused.value)


def test_a_knob_named_twice_is_refused():
    with pytest.raises(RequestError, match="'units' is given twice"):
        search_space.parse_parameters(["units", "units=8..16"], config())


@pytest.mark.parametrize("slug", list(projects.PROJECTS))
def test_every_project_offers_knobs_whose_usual_ranges_hold(slug):
    for model in projects.get(slug).models:
        base = projects.configure(slug, model=model)
        parameters = search_space.parse_parameters([], base)
        assert "learning_rate" in [knob.name for knob in parameters]
        for knob in parameters:
            assert knob.holds(base.flat[knob.name]) and search_space.parse_parameter(str(knob), base) == knob


def test_the_command_names_only_what_differs_from_the_preset():
    result = command_line(config(units=32, learning_rate=0.01, dropout=0.2))
    assert result.endswith("--preset quick --seed 0 --set learning_rate=0.01 --set units=32")
