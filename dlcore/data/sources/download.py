"""One file over the network: checked, whole or not at all, and never a hang."""

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
_OFFLINE = "what is already on this machine still works: see `python -m dlcore data list`"


class _Bar:
    """What pooch calls a progress bar, reporting to a plain function."""

    def __init__(self, report: Callable[[int, int], None]) -> None:
        self.report, self.total, self.done = report, 0, 0

    def update(self, size: int) -> None:
        self.done += size
        self.report(min(self.done, self.total) if self.total else self.done, self.total)

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        """Nothing to tidy up."""


def download(url: str, target: Path, checksum: str, *, progress: Callable[[int, int], None] | None = None) -> None:
    """Fetch `url` into the file `target`; a file that is there with the right checksum is left as it is.

    The bytes go to a temporary file beside it, which takes the name only once its checksum (`sha256:...`, `md5:...`)
    is right; an empty one is left to the caller to check.

    Raises:
        DataError: the address does not answer, or what it gave has another checksum.
        StoreError: the folder cannot be written.
    """
    logging.getLogger("pooch").setLevel(logging.ERROR)
    _check_name(url)
    fetch = pooch.HTTPDownloader(
        progressbar=_Bar(progress) if progress else False, chunk_size=2**16, timeout=(CONNECT_S, READ_S)
    )
    try:
        pooch.retrieve(url, known_hash=checksum or None, fname=target.name, path=target.parent, downloader=fetch)
    except requests.RequestException as error:
        raise DataError(f"{url} cannot be fetched ({type(error).__name__}): {_OFFLINE}.") from None
    except ValueError as error:
        raise DataError(f"{url} gave a file that is not the one expected: {one_line(error)[:200]}") from None
    except OSError as error:
        raise StoreError(
            f"{target.parent} cannot be written: {one_line(error)}. Set DLCORE_CACHE to a folder that can."
        ) from None


def _check_name(url: str) -> None:
    """Ask for the host's (or proxy's) address first: a connect timeout does not bound that question."""
    proxy = select_proxy(url, get_environ_proxies(url))
    parts = urlsplit(proxy if proxy and "//" in proxy else url)
    host, answers = parts.hostname or "", []

    def ask() -> None:
        try:
            answers.append(socket.getaddrinfo(host, parts.port or 80))
        except OSError:
            return

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(CONNECT_S)
    if not answers:
        raise DataError(f"no network, or no host '{host}': {_OFFLINE}.")


def check_reachable(url: str, *, within: float = ANSWER_S) -> None:
    """Ask whether there is something at `url`, and give up after `within` seconds whatever it waits for.

    Raises:
        DataError: there is no answer in time, or it is an error.
    """
    found: list[str] = []

    def ask() -> None:
        try:
            with requests.get(url, timeout=within, stream=True) as answer:
                found.append("" if answer.ok else f"{url} cannot be fetched (HTTP {answer.status_code}).")
        except requests.RequestException as error:
            found.append(f"{url} cannot be fetched ({type(error).__name__}): no network?")

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(within)
    what = found[0] if found else f"{url} does not answer within {within:g} s: no network?"
    if what:
        raise DataError(f"{what} {_OFFLINE.capitalize()}.")
