"""Paths and settings: environment variables first, the platform's user folders as defaults."""

import os
from pathlib import Path

import platformdirs

from dlcore.core.errors import ConfigError

PACKAGE = Path(__file__).resolve().parents[1]
"""The folder of the package `dlcore` itself."""

IMPORT_ROOT = PACKAGE.parent
"""The folder that must be on a subprocess's `PYTHONPATH` to import this copy of `dlcore`."""

_BUNDLED = PACKAGE / "_bundled"

ROOT = _BUNDLED if _BUNDLED.is_dir() else PACKAGE.parent
"""The folder of `app.py`, `pages/` and `assets/`: inside the package if installed from a wheel, else the checkout."""

ASSETS = ROOT / "assets"


def home() -> Path:
    """Return the folder of all runs: `DLCORE_HOME`, else the user's data folder."""
    return Path(os.environ.get("DLCORE_HOME") or platformdirs.user_data_path("dlcore", appauthor=False)).expanduser()


def cache() -> Path:
    """Return the folder of downloads and decoded data: `DLCORE_CACHE`, else the user's cache folder."""
    return Path(os.environ.get("DLCORE_CACHE") or platformdirs.user_cache_path("dlcore", appauthor=False)).expanduser()


def feature_cache_bytes() -> int:
    """Return the size limit of cached features of pretrained networks, in bytes: `DLCORE_STATES_GB`, else 20 GB.

    Raises:
        ConfigError: the variable is not a number of at least 0.
    """
    value = os.environ.get("DLCORE_STATES_GB", "20")
    try:
        gigabytes = float(value)
    except ValueError:
        gigabytes = -1.0
    if not 0 <= gigabytes < 1e6:
        raise ConfigError(f"DLCORE_STATES_GB={value[:20]}: set it to a number of gigabytes, such as 20.")
    return int(gigabytes * 1e9)


def data_folders() -> list[Path]:
    """Return the folders of `DLCORE_DATA` in order; separated like `PATH`."""
    return [Path(part).expanduser().resolve() for part in os.environ.get("DLCORE_DATA", "").split(os.pathsep) if part]


def tracking_uri() -> str:
    """Address of the MLflow server that mirrors runs: `MLFLOW_TRACKING_URI`; empty if unset."""
    return os.environ.get("MLFLOW_TRACKING_URI", "")


def mirror_url() -> str:
    """Return the download mirror `DLCORE_MIRROR`, which serves `<dataset>/<file>`; empty if unset."""
    return os.environ.get("DLCORE_MIRROR", "").rstrip("/")
