"""Form fields of a custom network, from the names and defaults of its constructor's parameters."""

import functools
from collections.abc import Mapping
from typing import Any, Literal

import pydantic

from dlcore.core.config import Config, choice, number
from dlcore.core.errors import ConfigError
from dlcore.data.text.vocabulary import PAD
from dlcore.projects.custom.definitions import AUGMENTATION, LOSS, Parameter
from dlcore.projects.custom.source import NetworkSource, find
from dlcore.training.config import TrainingConfig

DATA_PARAMETERS = {
    "classes": (
        "classes",
        "num_classes",
        "n_classes",
        "nclasses",
        "num_labels",
        "n_labels",
        "n_class",
        "num_class",
        "output_size",
        "output_dim",
        "out_dim",
        "out_features",
        "n_outputs",
        "num_outputs",
        "out_size",
    ),
    "channels": (
        "channels",
        "in_channels",
        "num_channels",
        "n_channels",
        "input_channels",
        "in_chans",
        "in_ch",
        "img_channels",
        "image_channels",
    ),
    "height": ("image_size", "img_size", "input_resolution", "side", "resolution", "height", "img_height"),
    "width": ("img_width", "image_width"),
    "features": (
        "in_features",
        "input_size",
        "input_dim",
        "in_dim",
        "n_features",
        "num_features",
        "n_inputs",
        "num_inputs",
        "in_size",
        "enc_in",
        "c_in",
    ),
    "vocabulary": (
        "vocabulary",
        "vocab_size",
        "vocabulary_size",
        "n_vocab",
        "num_tokens",
        "n_tokens",
        "ntoken",
        "num_embeddings",
    ),
    "length": (
        "length",
        "seq_len",
        "seq_length",
        "max_len",
        "max_length",
        "sequence_length",
        "block_size",
        "context_length",
        "window",
    ),
    "horizon": ("horizon", "pred_len", "steps_ahead", "forecast_length", "out_len"),
    "variables": ("variables", "n_variables", "num_variables", "n_vars", "num_series", "n_series", "c_out"),
    "padding": ("padding_idx", "pad_idx", "pad_id", "pad_token_id"),
}
"""Fact of the data -> names of constructor parameters that take it."""
ONLY_WITHOUT_DEFAULT = {"width": ("width",), "height": ("size",), "features": ("features",)}
"""Names that are a fact of the data only where the constructor has no default for them."""
NO_FUNCTION = "none"
FUNCTIONS = {
    LOSS: "Function of your code that training minimizes; none: the loss of the task. Validation keeps the latter.",
    AUGMENTATION: "Function of your code that changes the inputs of training batches.",
}
"""Help of the settings that name a function of the code."""
MOST_INT, MOST_FLOAT, TIMES = 4096, 10.0, 16


def data_fact(parameter: Parameter) -> str:
    """Name of the fact that a parameter takes from the data; empty for a hyperparameter."""
    for fact, names in DATA_PARAMETERS.items():
        if parameter.name.lower() in names:
            return fact
    for fact, names in ONLY_WITHOUT_DEFAULT.items():
        if not parameter.has_default and parameter.name.lower() in names:
            return fact
    return ""


def arguments(source: NetworkSource, options: Config, facts: Mapping[str, int]) -> dict[str, Any]:
    """Keyword arguments of the constructor: facts of the data, and the hyperparameters of the form.

    Raises:
        ConfigError: a parameter has no default and is no fact of the data; names its line.
    """
    known = known_facts(facts)
    values_by_name = options.model_dump()
    values: dict[str, Any] = {}
    for parameter in source.parameters:
        fact = data_fact(parameter)
        if fact in known:
            values[parameter.name] = known[fact]
        elif parameter.name in values_by_name:
            values[parameter.name] = values_by_name[parameter.name]
        elif not parameter.has_default:
            names = ", ".join(dict.fromkeys(DATA_PARAMETERS[name][0] for name in known if name in DATA_PARAMETERS))
            raise ConfigError(
                f"line {parameter.line}: parameter '{parameter.name}' has no default, and the data does not give it: "
                f"add a default, or name it after what the data gives ({names})."
            )
    return values


def known_facts(facts: Mapping[str, int]) -> dict[str, int]:
    """Facts of the data by the names of `DATA_PARAMETERS`."""
    known = dict(facts)
    if "height" in known:
        known.setdefault("features", known.get("channels", 1) * known["height"] * known["width"])
    if "vocabulary" in known:
        known["padding"] = PAD
    if "window" in known:
        known["length"] = known["window"]
        known["channels"] = known["features"]
        known["classes"] = known["features"]
    if "variables" in known:
        known["horizon"] = known["steps"]
        known["classes"] = known["steps"] * known["variables"]
    return known


@functools.lru_cache(maxsize=64)
def config_class(network_id: str, reserved: tuple[str, ...] = ()) -> type[Config]:
    """Config of a network: a field for each hyperparameter with a number, switch or text as default.

    Names of training and data settings (`reserved`) stay at the default of the constructor.
    """
    network = find(network_id)
    return Config if network is None else create_config(network, reserved)


def create_config(network: NetworkSource, reserved: tuple[str, ...] = ()) -> type[Config]:
    """`config_class` of a network that may not be stored; `loss_function` and `augmentation_function` if it has any."""
    fields: dict[str, Any] = {}
    for setting, text in FUNCTIONS.items():
        if names := tuple(network.functions_of(setting)):
            fields[setting] = (Literal[(NO_FUNCTION, *names)], choice(NO_FUNCTION, help=text))
    for parameter in network.parameters:
        name, default = parameter.name, parameter.default
        if data_fact(parameter) or name in reserved or name in TrainingConfig.model_fields or name.startswith("_"):
            continue
        text = f"Parameter of the constructor, line {parameter.line}."
        if isinstance(default, bool):
            fields[name] = (bool, choice(default, help=text))
        elif isinstance(default, int):
            fields[name] = (
                int,
                number(default, low=min(0, TIMES * default), high=max(MOST_INT, TIMES * default), help=text),
            )
        elif isinstance(default, float):
            high = 1.0 if 0 <= default <= 1 else max(MOST_FLOAT, TIMES * default)
            fields[name] = (float, number(default, low=min(0.0, TIMES * default), high=high, help=text))
        elif isinstance(default, str):
            fields[name] = (str, choice(default, help=text))
    if not fields:
        return Config
    created: type[Config] = pydantic.create_model(
        f"Options_{network.network_id.rpartition('-')[2]}", __base__=Config, **fields
    )
    return created
