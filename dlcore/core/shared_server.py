"""The settings of a shared server: the TOML file that `DLCORE_SHARED` names."""

import functools
import os
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from dlcore.core import access
from dlcore.core.errors import ConfigError


class SharedServer(BaseModel):
    """Who administers a shared server, which claim of the sign-in names a person, and what each person may use.

    `running_jobs` counts queued and running runs and searches; `compute_seconds` are those of workers that hold a
    device, in the last `compute_days`; `stored_gb` counts runs, searches, the trash and datasets.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    administrators: tuple[Annotated[str, AfterValidator(access.clean_name)], ...] = ()
    claim: Literal["email", "sub", "preferred_username"] = "email"
    running_jobs: int = Field(default=8, ge=1, le=10_000)
    stored_gb: float = Field(default=20.0, gt=0, le=1e6)
    compute_seconds: float = Field(default=7 * 24 * 3600.0, gt=0)
    compute_days: int = Field(default=7, ge=1, le=366)


def load() -> SharedServer:
    """Return the settings.

    Raises:
        ConfigError: the file is missing, or a setting is unknown or out of bounds.
    """
    path = Path(os.environ.get(access.SHARED, ""))
    try:
        return _read(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise ConfigError(f"{access.SHARED}={path} cannot be read ({error.strerror}): name a TOML file.") from None


def is_administrator() -> bool:
    """Return whether the viewer administers the server: named in the settings, or on its machine."""
    viewer = access.current()
    return viewer.sees_all or (bool(viewer.name) and viewer.name in load().administrators)


@functools.lru_cache(maxsize=4)
def _read(path: Path, _modified_ns: int) -> SharedServer:
    try:
        return SharedServer.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML ({error}): correct it.") from None
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{path}: {name}: {first['msg']}.") from None
