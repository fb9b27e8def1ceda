"""Datasets of one's own: checked once, kept under `DLCORE_HOME` by name and kind, and found again like any other.

One mechanism for every kind of data. Whoever takes a file in checks it, and hands `save` what the dataset is and a
function that writes its files; `find` gives both back. A dataset appears whole or not at all, and never changes: to
change one, remove it and add it again. Elsewhere it goes by `own:NAME`, so that it cannot be taken for a public one.
"""

import json
import re
import shutil
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from dlcore.core import settings
from dlcore.core.errors import DataError, RequestError, StoreError

Kind = Literal["series", "images", "text", "table", "pairs"]

PREFIX = "own:"
ABOUT = "dataset.json"
FORMAT = 1
MOST = 200
"""So many datasets of one's own at the most: a list stays a list."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(10))}


@dataclass(frozen=True)
class CustomDataset:
    """What is kept of a dataset beside its files.

    `checksum` is the sha256 of its content, by the rule of its kind; `source` the name of the file it was made from;
    `facts` what only its kind knows (a series: step, period, labelled windows), JSON-able.
    """

    name: str
    kind: Kind
    rows: int
    checksum: str
    source: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    added: float = 0.0

    @property
    def dataset(self) -> str:
        """How a run names it."""
        return PREFIX + self.name

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return _root() / self.name


def is_custom(dataset: str) -> bool:
    """Whether a run's dataset is one's own."""
    return dataset.startswith(PREFIX)


def list_datasets(*kinds: Kind) -> list[CustomDataset]:
    """All that are kept, or those of these kinds, by name; what cannot be read is left out."""
    folders = sorted(path for path in _root().glob("[!.]*") if path.is_dir())
    found = [entry for folder in folders if (entry := _read(folder)) is not None]
    return [entry for entry in found if not kinds or entry.kind in kinds]


def find(name: str) -> CustomDataset | None:
    """The dataset of that name, with or without `own:`; None where there is none."""
    plain = name.removeprefix(PREFIX)
    return _read(_root() / plain) if _NAME.fullmatch(plain) else None


def require(name: str, kind: Kind, *, checksum: str = "") -> CustomDataset:
    """The dataset of that name and kind; with a `checksum`, the very one that a run was made from.

    Raises:
        DataError: it is not here, is of another kind, or is not what it was; says what to do.
    """
    found, plain = find(name), name.removeprefix(PREFIX)
    if found is None:
        raise DataError(
            f"your dataset '{plain[:40]}' is not on this machine: add its file again "
            f"(`python -m dlcore data add {plain[:40]} FILE`); curves and scores of finished runs need it not."
        )
    if found.kind != kind:
        raise DataError(f"your dataset '{plain}' holds {found.kind}, not {kind}: choose another.")
    if checksum and checksum != found.checksum:
        raise DataError(
            f"your dataset '{plain}' is not the one this run was made from (sha256 {found.checksum[:12]} here, "
            f"{checksum[:12]} then): add the first file again, or start a new run on this one."
        )
    return found


def check_name(name: str, *, reserved: Collection[str] = ()) -> str:
    """The name, if a dataset may be called so and none is yet.

    Raises:
        RequestError: says what a name may be, or who has it.
    """
    if not _NAME.fullmatch(name) or name.lower() in _DEVICES:
        shown = "".join(c if c.isprintable() else "?" for c in name)[:40]
        raise RequestError(
            f"'{shown}' is no name for a dataset: take 1 to 40 letters, digits, - and _, a letter or digit first."
        )
    if name in reserved:
        raise RequestError(f"'{name}' is the name of a public dataset: choose another for yours.")
    taken = [
        entry.name for entry in list_datasets() if entry.name.lower() == name.lower()
    ]  # some disks know no capitals
    if taken:
        raise RequestError(
            f"there is a dataset '{taken[0]}' already: choose another name, or remove it first "
            f"(`python -m dlcore data remove {taken[0]}`)."
        )
    return name


def save(entry: CustomDataset, write: Callable[[Path], None], *, reserved: Collection[str]) -> CustomDataset:
    """Keep a dataset: `write` puts its files into the folder it is handed, which then moves to its place at once.

    `reserved` are names of public datasets. A kill, a full disk or a second writer leaves nothing half there.

    Raises:
        RequestError: the name will not do.
        StoreError: the folder cannot be written.
    """
    check_name(entry.name, reserved=reserved)
    if len(list_datasets()) >= MOST:
        raise RequestError(f"there are {MOST} datasets of your own already: remove one that you no longer need.")
    stamped = CustomDataset(**{**asdict(entry), "added": time.time()})
    with _drafted() as draft:
        write(draft)
        (draft / ABOUT).write_text(json.dumps({"format": FORMAT, **asdict(stamped)}, indent=1), encoding="utf-8")
        try:
            draft.rename(stamped.folder)
        except OSError:
            check_name(entry.name, reserved=reserved)  # somebody was faster: say so
            raise
    return stamped


def remove(name: str) -> CustomDataset:
    """Delete a dataset and its files; runs made from it keep their scores.

    Raises:
        RequestError: there is none of that name.
        StoreError: the folder cannot be written.
    """
    found = find(name)
    if found is None:
        known = ", ".join(entry.name for entry in list_datasets()) or "none"
        shown = "".join(c if c.isprintable() else "?" for c in name)[:40]
        raise RequestError(f"there is no dataset of your own named '{shown}': yours are {known}.")
    with _writing():
        gone = _root() / f".gone-{uuid.uuid4().hex}"
        found.folder.rename(gone)  # at once out of sight, then deleted
        shutil.rmtree(gone, ignore_errors=True)
    return found


def free_name(wish: str, *, reserved: Collection[str] = ()) -> str:
    """A name that is free and as like the wish (a file's name, say) as can be."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", wish).strip("-_")[:32] or "mine"
    for attempt in (plain, *(f"{plain}-{i}" for i in range(2, MOST + 3))):
        try:
            return check_name(attempt, reserved=reserved)
        except RequestError:
            continue
    return uuid.uuid4().hex[:12]


def _root() -> Path:
    return settings.home() / "own"


def _read(folder: Path) -> CustomDataset | None:
    try:
        value = json.loads((folder / ABOUT).read_bytes())
        entry = CustomDataset(**{name: value[name] for name in CustomDataset.__dataclass_fields__})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return entry if entry.kind in get_args(Kind) and entry.name == folder.name else None


@contextmanager
def _drafted() -> Iterator[Path]:
    """A folder to write into, beside the place it will have; gone after the block unless it was moved."""
    draft = _root() / f".draft-{uuid.uuid4().hex}"
    try:
        with _writing():
            draft.mkdir(parents=True)
            yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{_root()} cannot be written ({error.strerror or error}): free some space, or set DLCORE_HOME to a folder "
            "you may write to."
        ) from error
