"""Where alarms are sent: a file of JSON lines, a webhook, a command, or a service known to apprise.

Addresses and commands come from the command line or a settings file of the machine's owner, never from a page.
"""

import contextlib
import hashlib
import json
import os
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from dlcore.core.errors import DataError, RequestError, one_line
from dlcore.runs.folder import translate_errors

TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 60.0
SETTINGS = ("webhook", "command", "notify")
"""Names in a settings file, each one text or a list of texts."""
Send = Callable[[Mapping[str, Any]], None]


class DeliveryError(Exception):
    """An alarm could not be sent; it will be tried again."""


@dataclass(frozen=True)
class Sink:
    """`send` sends one alarm or raises a DeliveryError; `key` is the same in every process and holds no secret."""

    key: str
    title: str
    send: Send


def make_sinks(
    *, output: Path | None = None, webhook: Sequence[str] = (), command: Sequence[str] = (), notify: Sequence[str] = ()
) -> tuple[Sink, ...]:
    """Return the sinks for a file, addresses, commands and apprise addresses.

    Raises:
        RequestError: an address or command cannot be used, or apprise is not installed.
    """
    sinks = [] if output is None else [_file(output)]
    sinks += [_webhook(url) for url in webhook]
    sinks += [_command(text) for text in command]
    return (*sinks, *(_apprise(url) for url in notify))


def read_settings(path: Path) -> dict[str, list[str]]:
    """Read `webhook`, `command` and `notify` from a TOML file.

    Raises:
        DataError: the file cannot be read, or holds anything else.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"{path}: {one_line(error)}: write lines such as webhook = 'https://...'.") from None
    lists = {name: [value] if isinstance(value, str) else value for name, value in values.items()}
    for name, texts in lists.items():
        if name not in SETTINGS or not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise DataError(
                f"{path}: '{name[:40]}' is not a setting: use {', '.join(SETTINGS)}, each a text or a list."
            )
    return lists


def _key(kind: str, text: str) -> str:
    return f"{kind}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:12]}"


def _file(path: Path) -> Sink:
    if not path.parent.is_dir() or path.is_dir():
        raise RequestError(f"-o {path}: name a file in a folder that exists.")

    def send(alarm: Mapping[str, Any]) -> None:
        """Append a line, unless the file has it: a kill may come between writing and remembering that."""
        with translate_errors(path), path.open("a+b") as file:
            file.seek(0)
            content = file.read()
            if str(alarm["id"]).encode() in content:
                return
            if content and not content.endswith(b"\n"):  # a line that a kill cut off
                file.truncate(content.rfind(b"\n") + 1)
            file.write(json.dumps(alarm).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    return Sink(_key("file", str(path.resolve())), str(path), send)


def _webhook(url: str) -> Sink:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RequestError(f"--webhook {url[:60]}: write an address that starts with http:// or https://.")

    def send(alarm: Mapping[str, Any]) -> None:
        headers = {"Idempotency-Key": str(alarm["id"])}
        try:
            reply = requests.post(url, json=dict(alarm), headers=headers, timeout=TIMEOUT_S, allow_redirects=False)
        except (requests.RequestException, ValueError) as error:  # not its text: it may repeat a secret of the address
            raise DeliveryError(f"no answer ({type(error).__name__})") from None
        if not 200 <= reply.status_code < 300:
            raise DeliveryError(f"answered {reply.status_code}")

    return Sink(_key("webhook", url), f"webhook {parts.hostname}", send)


def _command(text: str) -> Sink:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise RequestError(f"--command {text[:60]}: {error}: quote it as in a shell.") from None
    if not words:
        raise RequestError("--command is empty: name a program.")

    def send(alarm: Mapping[str, Any]) -> None:
        environment = os.environ | {"DLCORE_ALARM_ID": str(alarm["id"]), "DLCORE_ALARM_REASON": str(alarm["reason"])}
        try:
            done = subprocess.run(
                words,
                input=json.dumps(alarm).encode(),
                env=environment,
                stdout=subprocess.DEVNULL,
                timeout=COMMAND_TIMEOUT_S,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise DeliveryError(type(error).__name__) from None
        if done.returncode:
            raise DeliveryError(f"exit code {done.returncode}")

    return Sink(_key("command", text), f"command {words[0]}", send)


def _apprise(url: str) -> Sink:
    try:
        import apprise
    except ImportError:
        raise RequestError("--notify needs the package apprise: pip install apprise.") from None
    service = apprise.Apprise()
    if not service.add(url):
        raise RequestError(
            f"--notify {url.partition(':')[0][:40]}:...: apprise knows no such service, or it is incomplete."
        )

    def send(alarm: Mapping[str, Any]) -> None:
        with contextlib.suppress(TypeError):  # apprise: a service failed to load
            if service.notify(title=f"Alarm: {alarm['series']} {alarm['start']}", body=str(alarm["reason"])):
                return
        raise DeliveryError("apprise could not send it")

    return Sink(_key("notify", url), f"notification {url.partition(':')[0]}", send)
