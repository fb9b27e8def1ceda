"""Settings of workers on a Slurm cluster: one variable `DLCORE_SLURM_<NAME>` per field."""

import os
import shlex
from typing import Literal, cast

from dlcore.core.config import Config, choice, number, parse
from dlcore.core.errors import ConfigError

Executor = Literal["local", "slurm"]
PREFIX = "DLCORE_SLURM_"


class ClusterSettings(Config):
    """Options of every job. An empty text, or 0, leaves the choice to the cluster."""

    partition: str = choice("", help="Partition, such as `gpu`.")
    account: str = choice("", help="Account that is charged.")
    minutes: int = number(24 * 60, low=1, high=366 * 24 * 60, unit="min", help="Time limit of a job.")
    memory_gb: float = number(0, low=0, high=1e5, unit="GB", help="Memory per node.")
    cpus: int = number(0, low=0, high=1024, help="Cores per process.")
    gpus: int = number(0, low=0, high=64, help="GPUs per node; a run on `cuda` takes at least one per process.")
    directives: str = choice("", help="Further options of sbatch, such as `--qos=low --constraint=a100`.")

    @property
    def extra(self) -> dict[str, str | bool]:
        """The further options by name; True for one without a value.

        Raises:
            ConfigError: one of them is no option.
        """
        options: dict[str, str | bool] = {}
        for word in shlex.split(self.directives):
            name, equals, value = word.removeprefix("--").partition("=")
            if not name.replace("-", "").isalnum():
                raise ConfigError(f"{PREFIX}DIRECTIVES: '{word[:40]}' is no option of sbatch: write --name=value.")
            options[name] = value if equals else True
        return options


def load() -> ClusterSettings:
    """Return the settings from the environment.

    Raises:
        ConfigError: a variable is no number, out of bounds, or no list of options.
    """
    values = {name: os.environ.get(f"{PREFIX}{name.upper()}", "") for name in ClusterSettings.model_fields}
    try:
        settings = parse(ClusterSettings, {name: value for name, value in values.items() if value})
        _ = settings.extra
    except ValueError as error:  # quotes that do not match
        raise ConfigError(f"{PREFIX}DIRECTIVES: {error}.") from None
    except ConfigError as error:
        raise ConfigError(f"{PREFIX}*: {error}") from None
    return settings


def is_configured() -> bool:
    """Return whether runs can be sent to a cluster: an environment variable names it."""
    return default_executor() == "slurm" or any(name.startswith(PREFIX) for name in os.environ)


def default_executor() -> Executor:
    """Return where workers run unless a run says otherwise: `DLCORE_EXECUTOR`, else `local`.

    Raises:
        ConfigError: the variable is neither `local` nor `slurm`.
    """
    name = os.environ.get("DLCORE_EXECUTOR") or "local"
    if name not in ("local", "slurm"):
        raise ConfigError(f"DLCORE_EXECUTOR={name[:20]}: set it to local or slurm.")
    return cast(Executor, name)
