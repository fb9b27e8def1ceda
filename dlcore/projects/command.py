"""The command line that repeats a run."""

import shlex

from dlcore.core.errors import ConfigError, DataError
from dlcore.projects.registry import configure
from dlcore.projects.run_config import RunConfig


def command_line(config: RunConfig) -> str:
    """The command that trains this config again, with the settings that differ from its preset."""
    words = ["python", "-m", "dlcore", "train", config.project, "--model", config.model, "--dataset", config.dataset]
    words += ["--preset", config.preset, "--seed", str(config.seed)]
    if config.device != "auto":
        words += ["--device", config.device]
    if config.devices != 1:
        words += ["--devices", str(config.devices)]
    base = _preset_config(config)
    if base is not None:
        for name, value in config.flat.items():
            if base.flat.get(name) != value:
                words += ["--set", f"{name}={value}"]
    return shlex.join(words)


def _preset_config(config: RunConfig) -> RunConfig | None:
    """The config of model, dataset and preset alone; without the dataset if it is custom and missing."""
    for dataset in (config.dataset, None):
        try:
            return configure(config.project, model=config.model, dataset=dataset, preset=config.preset)
        except DataError:
            continue
        except ConfigError:  # the preset has another name now
            return None
    return None
