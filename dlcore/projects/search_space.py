"""Parameters of a hyperparameter search: bounds, scale, and their text form.

`learning_rate=1e-4..1e-1` is a range, `optimizer=adam,adamw` a choice; `dropout` alone gets a default range.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dlcore.core.config import Field
from dlcore.core.errors import ConfigError, RequestError
from dlcore.projects.project import Monitor
from dlcore.projects.registry import get, list_settings, with_settings
from dlcore.projects.run_config import RENAMED, RunConfig

FIXED = (
    "epochs",
    "patience",
    "precision",
    "gradient_every",
    "train_rows",
    "validation_rows",
    "rows",
    "train_share",
    "validation_share",
    "test_share",
    "validation",
    "horizon",
)
"""Settings that a search cannot change: budget, precision, amount of data, and what is scored."""
DEFAULT_RANGES = {"weight_decay": "1e-6..1e-1", "clip_norm": "0.3..10", "momentum": "0.5..0.99"}
FIRST = ("learning_rate", "schedule", "dropout", "units", "width", "hidden")
"""Parameters selected by default, if the model has them."""
WIDE = 100.0
"""From this ratio of high to low on, the scale is logarithmic."""


@dataclass(frozen=True)
class SearchParameter:
    """A searched setting: `low` to `high`, both included, or one of `choices` (as text)."""

    name: str
    kind: Literal["int", "float", "choice"]
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    choices: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Text form for `parse_parameter`."""
        if self.kind == "choice":
            return f"{self.name}={','.join(self.choices)}"
        return f"{self.name}={self.low:g}..{self.high:g}"

    def holds(self, value: Any) -> bool:
        """Whether the value is in range."""
        if self.kind == "choice":
            return format_choice(value) in self.choices
        return not isinstance(value, str) and value is not None and self.low <= value <= self.high

    def as_json(self) -> dict[str, Any]:
        """A JSON-able dict; inverse of `from_json`."""
        return {
            "name": self.name,
            "kind": self.kind,
            "low": self.low,
            "high": self.high,
            "log": self.log,
            "choices": list(self.choices),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "SearchParameter":
        """Inverse of `as_json`."""
        return cls(**{**data, "name": RENAMED.get(data["name"], data["name"]), "choices": tuple(data["choices"])})


def fields(slug: str, model: str) -> dict[str, Field]:
    """Searchable settings by name."""
    settings = {field.name: field for section in list_settings(slug, model).values() for field in section}
    return {name: field for name, field in settings.items() if name not in FIXED and field.kind != "text"}


def parse_parameter(text: str, config: RunConfig) -> SearchParameter:
    """Parse a parameter from text, for a search around that config.

    Raises:
        RequestError: the setting cannot be searched, or its range is invalid; the message says what is valid.
        ConfigError: a bound of the range is outside the setting's bounds.
    """
    name, _, values = text.partition("=")
    known = fields(config.project, config.model)
    if name in FIXED:
        raise RequestError(f"'{name}' cannot be searched: use --set to change it for all trials.")
    if name not in known:
        raise RequestError(f"there is no setting '{name}' to search: there are {', '.join(known)}.")
    field = known[name]
    values = values.strip() or default_range(field, config.flat[name])
    parameter = (
        _choice(name, values) if field.kind in ("choice", "bool") or ".." not in values else _range(field, values)
    )
    ends = parameter.choices if parameter.kind == "choice" else (parameter.low, parameter.high)
    for end in ends:
        with_settings(config, {name: end})  # each end must be allowed
    return parameter


def default_range(field: Field, value: Any) -> str:
    """Default range of a setting around its value, as text for `parse_parameter`."""
    if field.kind == "bool":
        return "false,true"
    if field.kind == "choice":
        return ",".join(field.choices)
    if field.name in DEFAULT_RANGES:
        return DEFAULT_RANGES[field.name]
    low, high = field.low or 0.0, field.high if field.high is not None else 1e9
    now = float(value or field.default or 0.0)
    if field.kind == "float" and high <= 1:
        return f"{low:g}..{min(high, max(0.5, now)):g}"
    times = (10 if field.kind == "float" else 4) if field.log else 2
    ends = max(low, now / times), min(high, max(now, 1.0 if field.kind == "int" else 1e-6) * times)
    return f"{int(ends[0])}..{int(ends[1])}" if field.kind == "int" else f"{ends[0]:g}..{ends[1]:g}"


def default_parameters(config: RunConfig) -> list[str]:
    """Names of the parameters that a search uses by default."""
    known = fields(config.project, config.model)
    return [name for name in FIRST if name in known]


def parse_parameters(texts: Sequence[str], config: RunConfig) -> tuple[SearchParameter, ...]:
    """Parse several parameters; the default ones for an empty list.

    Raises:
        RequestError: a parameter cannot be searched, or is repeated.
        ConfigError: a bound of a range is outside the setting's bounds.
    """
    parameters = tuple(parse_parameter(text, config) for text in (texts or default_parameters(config)))
    names = [parameter.name for parameter in parameters]
    double = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if double:
        raise RequestError(f"'{double}' is repeated: list each setting once.")
    return parameters


def goal(slug: str) -> Monitor:
    """The validation metric that a search optimizes."""
    project = get(slug)
    return project.task.goal or project.task.monitor


def format_choice(value: Any) -> str:
    """Text form of a choice."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _choice(name: str, values: str) -> SearchParameter:
    choices = tuple(dict.fromkeys(part.strip() for part in values.split(",") if part.strip()))
    if len(choices) < 2:
        raise RequestError(
            f"{name}={values[:60]}: at least two values are needed: use {name}=1,2 or a range {name}=1..2."
        )
    return SearchParameter(name, "choice", choices=choices)


def _range(field: Field, values: str) -> SearchParameter:
    try:
        low, high = (float(part) for part in values.split(".."))
        whole = field.kind != "int" or (low == int(low) and high == int(high))
    except (ValueError, OverflowError):
        low, high, whole = 0.0, 0.0, True
    if not whole or not low < high < float("inf"):
        example = "16..256" if field.kind == "int" else "0.0001..0.1"
        raise ConfigError(
            f"{field.name}={values[:60]} is not a range: write it as {field.name}={example}, low end first."
        )
    log = low > 0 and (field.log or high / low >= WIDE)
    return SearchParameter(field.name, "int" if field.kind == "int" else "float", low, high, log)
