"""The client of the MLflow server of `MLFLOW_TRACKING_URI`: short timeouts, errors in one line.

MLflow is imported on first use, which takes seconds.
"""

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dlcore.core import settings
from dlcore.core.errors import LockedError, RequestError, StoreError, WorkbenchError, one_line

if TYPE_CHECKING:
    from mlflow import MlflowClient

ANSWER_SECONDS = 8.0
"""Longest wait for the first answer of the server, or for the lock of its database."""
_DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # stdout belongs to the caller
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


@contextlib.contextmanager
def connect() -> Iterator["MlflowClient"]:
    """The client of the server of `MLFLOW_TRACKING_URI`, once that has answered.

    Raises:
        RequestError: `MLFLOW_TRACKING_URI` is not set.
        StoreError: mlflow is not installed, or the server fails inside the block.
    """
    check_uri()
    with _one_line_errors():
        _check_answer(settings.tracking_uri())
        yield _open_client()


def check_uri() -> None:
    """Check that there is an address.

    Raises:
        RequestError: `MLFLOW_TRACKING_URI` is not set.
    """
    if not settings.tracking_uri():
        raise RequestError("MLFLOW_TRACKING_URI is not set: set it to the address of the MLflow server.")


def _check_answer(uri: str) -> None:
    """Ask the server for any answer, because MLflow's client retries for minutes if there is none.

    Raises:
        LockedError: another program locks the database of the mirror.
        requests.RequestException: the server does not answer.
    """
    if uri.startswith(("http://", "https://")):
        import requests

        limit = float(os.environ.get("MLFLOW_HTTP_REQUEST_TIMEOUT") or ANSWER_SECONDS)
        requests.head(uri, timeout=min(limit, ANSWER_SECONDS), allow_redirects=False)
    elif (file := Path(uri.removeprefix("sqlite:///"))).is_file():
        with contextlib.closing(sqlite3.connect(file, timeout=ANSWER_SECONDS, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")


def _open_client() -> "MlflowClient":
    """MLflow's client, without telemetry and with short timeouts."""
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    try:
        from mlflow import MlflowClient
    except ImportError as error:
        raise StoreError("mlflow is not installed, so no run is mirrored: pip install 'dlcore[tracking]'.") from error
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # errors are reported in one line below
    return MlflowClient(tracking_uri=settings.tracking_uri())


@contextlib.contextmanager
def _one_line_errors() -> Iterator[None]:
    """Turn the exceptions of MLflow and its HTTP client into one line.

    Raises:
        StoreError: instead of them.
    """
    try:
        yield
    except WorkbenchError:
        raise
    except Exception as error:
        if "database is locked" in str(error):
            raise LockedError(
                f"the database of the mirror, {settings.tracking_uri()}, is locked by another program: close it. The "
                "run is complete in its folder."
            ) from error
        refusal = StoreError(
            f"the MLflow server at {settings.tracking_uri()} failed ({one_line(error)[:300]}): the run is complete in "
            "its folder."
        )
        refusal.reason = "code"
        raise refusal from error
