"""Config base class: frozen pydantic models whose fields carry bounds, a unit and a help text.

`describe` is the only reader of those fields; forms and command-line flags are built from its result.
"""

import difflib
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args, get_origin

import pydantic

from dlcore.core.errors import ConfigError

Kind = Literal["int", "float", "bool", "choice", "text"]
ConfigType = TypeVar("ConfigType", bound="Config")


class Config(pydantic.BaseModel):
    """Base class of all configs: frozen; rejects unknown keys, infinities and NaN."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True)
class Field:
    """One setting, as forms and command-line flags see it."""

    name: str
    kind: Kind
    default: Any
    help: str
    low: float | None = None
    high: float | None = None
    unit: str = ""
    log: bool = False
    choices: tuple[str, ...] = ()
    optional: bool = False


def number(default: float | None, *, low: float, high: float, unit: str = "", help: str, log: bool = False) -> Any:
    """Define a numeric field between `low` and `high` (inclusive); `log` asks forms for a logarithmic scale."""
    return pydantic.Field(default, ge=low, le=high, description=help, json_schema_extra={"unit": unit, "log": log})


def choice(default: Any, *, help: str) -> Any:
    """Define a field that takes a value of its `Literal`, a switch (`bool`) or a string."""
    return pydantic.Field(default, description=help)


def describe(config: type[Config]) -> list[Field]:
    """Return the fields of a config class, in order."""
    return [_field(name, info) for name, info in config.model_fields.items()]


def parse(config: type[ConfigType], values: Mapping[str, Any]) -> ConfigType:
    """Build a config from names and values; strings from a command line are converted.

    Raises:
        ConfigError: names the field, its bounds and the rejected value.
    """
    try:
        return config.model_validate(dict(values))
    except pydantic.ValidationError as error:
        raise ConfigError(_format_problem(config, error.errors()[0])) from None


def _field(name: str, info: Any) -> Field:
    annotation, optional = info.annotation, False
    if get_origin(annotation) is typing.Union or type(annotation).__name__ == "UnionType":
        annotation = next(part for part in get_args(annotation) if part is not type(None))
        optional = True
    choices = tuple(str(value) for value in get_args(annotation)) if get_origin(annotation) is Literal else ()
    kinds: dict[Any, Kind] = {bool: "bool", int: "int", float: "float"}
    bounds = {type(mark).__name__: mark for mark in info.metadata}
    extra = info.json_schema_extra or {}
    return Field(
        name=name,
        kind="choice" if choices else kinds.get(annotation, "text"),
        default=info.default,
        help=info.description or "",
        low=bounds["Ge"].ge if "Ge" in bounds else None,
        high=bounds["Le"].le if "Le" in bounds else None,
        unit=extra.get("unit", ""),
        log=extra.get("log", False),
        choices=choices,
        optional=optional,
    )


def _format_problem(config: type[Config], problem: Any) -> str:
    name = str(problem["loc"][0]) if problem["loc"] else config.__name__
    known = {field.name: field for field in describe(config)}
    if problem["type"] == "extra_forbidden" or name not in known:
        return unknown_setting(name, known)
    field, value = known[name], problem["input"]
    if field.choices:
        allowed = f"one of {', '.join(field.choices)}"
    elif field.low is not None:
        unit = f" {field.unit}" if field.unit else ""
        allowed = (
            f"{'a whole number' if field.kind == 'int' else 'a number'} from {field.low:g} to {field.high:g}{unit}"
        )
    else:
        allowed = {"bool": "true or false", "int": "a whole number", "float": "a number"}.get(field.kind, "a text")
    return f"{name}={value!r} is not allowed: it must be {allowed}."


def unknown_setting(name: str, known: typing.Iterable[str]) -> str:
    """Return the error message for an unknown setting, with the closest match and all known names."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" did you mean '{near[0]}'?" if near else ""
    return f"unknown setting '{name}':{hint} known are {', '.join(names)}."
