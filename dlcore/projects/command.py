"""The command line that repeats a run."""

import contextlib
import shlex

from dlcore.core.errors import ConfigError
from dlcore.projects.registry import preset_settings
from dlcore.projects.run_config import RunConfig


def command_line(config: RunConfig) -> str:
    """The command that trains this config again, with the settings that differ from its preset as it is written."""
    words = ["python", "-m", "dlcore", "train", config.project, "--model", config.model, "--dataset", config.dataset]
    words += ["--preset", config.preset, "--seed", str(config.seed)]
    if config.device != "auto":
        words += ["--device", config.device]
    if config.devices != 1:
        words += ["--devices", str(config.devices)]
    with contextlib.suppress(ConfigError):  # the preset was renamed
        base = preset_settings(config, is_scaled=False)
        for name, value in config.flat.items():
            if base[name] != value:
                words += ["--set", f"{name}={value}"]
    return shlex.join(words)
