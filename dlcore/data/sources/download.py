"""Downloads one file: checksum, progress, no partial files, bounded waiting times."""

import logging
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pooch
import requests
from requests.utils import get_environ_proxies, select_proxy

from dlcore.core.errors import DataError, StoreError, one_line

CONNECT_S, READ_S, ANSWER_S = 8.0, 30.0, 4.8
OFFLINE = "datasets on this machine still work: see `dlcore data list`"
"""The end of messages about a network that does not answer."""


class _Bar:
    """A progress bar for pooch that calls a function."""

    def __init__(self, report: Callable[[int, int], None]) -> None:
        self.report, self.total, self.done = report, 0, 0

    def update(self, size: int) -> None:
        self.done += size
        self.report(min(self.done, self.total) if self.total else self.done, self.total)

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        """Do nothing."""


def download(url: str, target: Path, checksum: str, *, progress: Callable[[int, int], None] | None = None) -> None:
    """Download `url` to `target`, unless it exists with this checksum.

    A temporary file beside it is renamed only after its checksum (`sha256:...`, `md5:...`) matches; an empty checksum
    is not verified.

    Raises:
        DataError: The server does not answer, or the file has another checksum.
        StoreError: The folder cannot be written.
    """
    logging.getLogger("pooch").setLevel(logging.ERROR)
    check_name(url)
    fetch = pooch.HTTPDownloader(
        progressbar=_Bar(progress) if progress else False, chunk_size=2**16, timeout=(CONNECT_S, READ_S)
    )
    try:
        pooch.retrieve(url, known_hash=checksum or None, fname=target.name, path=target.parent, downloader=fetch)
    except requests.RequestException as error:
        raise DataError(f"{url} cannot be downloaded ({type(error).__name__}): {OFFLINE}.") from None
    except ValueError as error:
        raise DataError(f"{url} returned an unexpected file: {one_line(error)[:200]}") from None
    except OSError as error:
        raise StoreError(
            f"{target.parent} cannot be written: {one_line(error)}. Set DLCORE_CACHE to a writable folder."
        ) from None


def check_name(url: str) -> None:
    """Resolve the name of the host (or proxy) first: connect timeouts do not bound name resolution.

    Raises:
        DataError: There is no network, or no such host.
    """
    proxy = select_proxy(url, get_environ_proxies(url))
    parts = urlsplit(proxy if proxy and "//" in proxy else url)
    host, answers = parts.hostname or "", []

    def resolve() -> None:
        try:
            answers.append(socket.getaddrinfo(host, parts.port or 80))
        except OSError:
            return

    thread = threading.Thread(target=resolve, daemon=True)
    thread.start()
    thread.join(CONNECT_S)
    if not answers:
        raise DataError(f"no network, or no host '{host}': {OFFLINE}.")


def check_reachable(url: str, *, within: float = ANSWER_S) -> None:
    """Check that `url` answers within `within` seconds, even if DNS or the connection hangs.

    Raises:
        DataError: There is no answer in time, or an error.
    """
    problems: list[str] = []

    def request() -> None:
        try:
            with requests.get(url, timeout=within, stream=True) as answer:
                problems.append("" if answer.ok else f"{url} cannot be downloaded (HTTP {answer.status_code}).")
        except requests.RequestException as error:
            problems.append(f"{url} cannot be downloaded ({type(error).__name__}): no network?")

    thread = threading.Thread(target=request, daemon=True)
    thread.start()
    thread.join(within)
    problem = problems[0] if problems else f"{url} does not answer within {within:g} s: no network?"
    if problem:
        raise DataError(f"{problem} {OFFLINE.capitalize()}.")
