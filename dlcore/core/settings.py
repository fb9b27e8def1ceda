"""Where things live: settings come from the environment, with a user's usual folders as defaults."""

import os
from pathlib import Path

import platformdirs

from dlcore.core.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "assets"


def home() -> Path:
    """The folder of all runs: `DLCORE_HOME`, else the user's data folder."""
    return Path(os.environ.get("DLCORE_HOME") or platformdirs.user_data_path("dlcore", appauthor=False)).expanduser()


def cache() -> Path:
    """The folder of downloads and decoded data: `DLCORE_CACHE`, else the user's cache folder."""
    return Path(os.environ.get("DLCORE_CACHE") or platformdirs.user_cache_path("dlcore", appauthor=False)).expanduser()


def feature_cache_bytes() -> int:
    """How much of the disk the kept states of pretrained networks may take: `DLCORE_STATES_GB`, else 20 GB.

    Raises:
        ConfigError: that is no number of at least 0.
    """
    said = os.environ.get("DLCORE_STATES_GB", "20")
    try:
        gigabytes = float(said)
    except ValueError:
        gigabytes = -1.0
    if not 0 <= gigabytes < 1e6:
        raise ConfigError(f"DLCORE_STATES_GB={said[:20]}: wanted is a number of gigabytes, as in 20.")
    return int(gigabytes * 1e9)


def data_folders() -> list[Path]:
    """The folders of `DLCORE_DATA` (several, separated as PATH is), in order."""
    return [Path(part).expanduser().resolve() for part in os.environ.get("DLCORE_DATA", "").split(os.pathsep) if part]


def tracking_uri() -> str:
    """Address of the MLflow server that mirrors runs: `MLFLOW_TRACKING_URI`; empty if unset."""
    return os.environ.get("MLFLOW_TRACKING_URI", "")


def mirror_url() -> str:
    """Where downloads come from instead of their home: `DLCORE_MIRROR`, serving `<dataset>/<file>`; empty if unset."""
    return os.environ.get("DLCORE_MIRROR", "").rstrip("/")
