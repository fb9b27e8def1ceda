"""The command line and the Python call that repeat a run."""

import shlex
from typing import Any

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
    if config.nodes != 1:
        words += ["--nodes", str(config.nodes)]
    for name, value in _changed_settings(config).items():
        words += ["--set", f"{name}={value}"]
    return shlex.join(words)


def python_call(config: RunConfig) -> str:
    """The Python code that trains this config again."""
    arguments = {"model": config.model, "dataset": config.dataset, "preset": config.preset, "seed": config.seed}
    arguments |= {"device": config.device} if config.device != "auto" else {}
    arguments |= {name: getattr(config, name) for name in ("devices", "nodes") if getattr(config, name) != 1}
    arguments |= _changed_settings(config)
    lines = "".join(f"    {name}={value!r},\n" for name, value in arguments.items())
    return f"import dlcore\n\nrun = dlcore.train(\n    {config.project!r},\n{lines})\nprint(run.metrics)\n"


def _changed_settings(config: RunConfig) -> dict[str, Any]:
    """Settings that differ from the preset as it is written."""
    try:
        base = preset_settings(config, is_scaled=False)
    except ConfigError:  # the preset was renamed
        return {}
    return {name: value for name, value in config.flat.items() if base[name] != value}
