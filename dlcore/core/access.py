"""Who may see what on a shared server.

Off by default: one person, who may see everything. `DLCORE_SHARED` names a TOML file (`core.shared_server`); then every
run, search and custom dataset belongs to the person who created it. She sees her own and those that others share.

The pages act as the person who signed in, or anonymously. Any other process acts as the person in `DLCORE_USER`
(workers, `dlcore --user NAME`), else as the machine's administrator: who may read the files sees everything.
"""

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlcore.core import settings
from dlcore.core.errors import RequestError

SHARED, USER = "DLCORE_SHARED", "DLCORE_USER"
MAX_NAME = 200


@dataclass(frozen=True)
class Viewer:
    """A person by name; without one, an anonymous visitor. `sees_all`: the administrator on the server's machine."""

    name: str = ""
    sees_all: bool = False


MACHINE, ANONYMOUS = Viewer(sees_all=True), Viewer()
_acting: ContextVar[Viewer | None] = ContextVar("acting", default=None)
_sessions: list[Callable[[], str]] = []


def is_shared() -> bool:
    """Return whether this server is shared by several people."""
    return bool(os.environ.get(SHARED))


def current() -> Viewer:
    """Return who this code acts for."""
    if not is_shared():
        return MACHINE
    if (acting := _acting.get()) is not None:
        return acting
    if _sessions:
        return Viewer(clean_name(_sessions[-1]()))
    name = clean_name(os.environ.get(USER, ""))
    return Viewer(name) if name else MACHINE


def use_sessions(signed_in: Callable[[], str]) -> None:
    """Let this process act for the person that `signed_in` returns, "" for no one: the web server does."""
    _sessions[:] = [signed_in]


def act_as(name: str) -> None:
    """Let this process, and those it starts, act for one person; "" for the administrator of the machine."""
    os.environ[USER] = clean_name(name)


def environment() -> dict[str, str]:
    """Return the environment variable that lets a child process act for the same viewer."""
    return {USER: current().name} if is_shared() else {}


@contextlib.contextmanager
def acting_as(viewer: Viewer) -> Iterator[None]:
    """Act for another viewer inside the block."""
    token = _acting.set(viewer)
    try:
        yield
    finally:
        _acting.reset(token)


def can_read(fields: Mapping[str, Any]) -> bool:
    """Return whether the viewer may read a run or search with these fields, `owner` and `is_shared` among them."""
    return can_change(fields) or (bool(current().name) and fields.get("is_shared") is True)


def can_change(fields: Mapping[str, Any]) -> bool:
    """Return whether the viewer may change it: her own, or anything on a server that is not shared."""
    viewer = current()
    return viewer.sees_all or (bool(viewer.name) and fields.get("owner") == viewer.name)


def require_person() -> str:
    """Return the viewer's name, "" for the administrator of the machine.

    Raises:
        RequestError: no one is signed in.
    """
    viewer = current()
    if not (viewer.name or viewer.sees_all):
        raise RequestError("you are not signed in: sign in, then try again.")
    return viewer.name


def scope() -> str:
    """Return a key of what the viewer may see; caches of the pages include it."""
    return current().name if is_shared() else ""


def personal_home() -> Path:
    """Return the folder of the viewer's datasets, labels, behavioral tests and monitors; `settings.home()` unless
    the server is shared.
    """
    name = require_person()
    return people() / folder_name(name) if name else settings.home()


def people() -> Path:
    """Return the folder of all personal folders of a shared server."""
    return settings.home() / "people"


def folder_name(name: str) -> str:
    """Return the name of a person's folder: readable, and unique by a digest."""
    plain = re.sub(r"[^a-z0-9]+", "-", name)[:40].strip("-")
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def clean_name(name: str) -> str:
    """Return a person's name as it is compared: no spaces at the ends, lower case."""
    return "".join(sign for sign in name if sign.isprintable()).strip().casefold()[:MAX_NAME]
