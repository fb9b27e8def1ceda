"""From a config back to the command that gives it."""

import shlex
from typing import Any

from dlcore.core.errors import ConfigError
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
    try:
        plain = configure(config.project, model=config.model, dataset=config.dataset, preset=config.preset)
    except ConfigError:  # a run from a version whose presets were called otherwise
        return shlex.join(words)
    usual = _flat(plain)
    for name, value in _flat(config).items():
        if usual.get(name) != value:
            words += ["--set", f"{name}={value}"]
    return shlex.join(words)


def _flat(config: RunConfig) -> dict[str, Any]:
    return {**config.training.model_dump(), **config.model_options, **config.data_options}
