"""From a config back to the command that gives it."""

import shlex
from typing import Any

from dlcore.core.errors import ConfigError, DataError
from dlcore.projects.project import RunConfig
from dlcore.projects.registry import configure


def command_line(config: RunConfig) -> str:
    """The command that trains this very config again: settings that differ from the preset are spelt out."""
    words = ["python", "-m", "dlcore", "train", config.project, "--model", config.model, "--dataset", config.dataset]
    words += ["--preset", config.preset, "--seed", str(config.seed)]
    if config.device != "auto":
        words += ["--device", config.device]
    if config.devices != 1:
        words += ["--devices", str(config.devices)]
    usual = _usual(config)
    if usual is None:
        return shlex.join(words)
    for name, value in _flat(config).items():
        if usual.get(name) != value:
            words += ["--set", f"{name}={value}"]
    return shlex.join(words)


def _usual(config: RunConfig) -> dict[str, Any] | None:
    """The settings that model, dataset and preset give; without the dataset where it is one's own and not here."""
    for dataset in (config.dataset, None):
        try:
            return _flat(configure(config.project, model=config.model, dataset=dataset, preset=config.preset))
        except DataError:
            continue
        except ConfigError:  # a run from a version whose presets were called otherwise
            return None
    return None


def _flat(config: RunConfig) -> dict[str, Any]:
    return {**config.training.model_dump(), **config.model_options, **config.data_options}
