"""Storage of custom datasets: each is saved under `DLCORE_HOME` by name and kind, complete or not at all.

A custom dataset never changes: to replace it, remove it and add it again. Its id is `custom:NAME`, so that it cannot be
confused with a public dataset.
"""

import datetime
import json
import re
import shutil
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from dlcore.core import access, quotas, settings
from dlcore.core.errors import DataError, RequestError, StoreError

Kind = Literal["series", "table", "images", "text", "pairs"]

PREFIX = "custom:"
_FOLDER = "custom"
_OLD_PREFIX, _OLD_FOLDER = "own:", "own"
"""Id prefix and folder of earlier releases, still read."""
METADATA = "dataset.json"
SHARED = "shared"
"""File in the folder of a dataset that others may see."""
FORMAT = 1
MAX_DATASETS = 200
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(10))}


@dataclass(frozen=True)
class CustomDataset:
    """Metadata of a saved dataset.

    `checksum` is the sha256 of its content, as its importer defines it; `source` is the name of the imported file;
    `facts` are JSON-serializable values specific to the kind (a series: step, period, labeled windows).
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
        """The dataset id used in run configs."""
        return PREFIX + self.name

    @property
    def folder(self) -> Path:
        """The folder with its files."""
        if not access.is_shared():
            return next((root / self.name for root in _roots() if (root / self.name).is_dir()), _roots()[0] / self.name)
        same = (path for path in _visible(self.name) if (entry := _read(path)) and entry.checksum == self.checksum)
        return next(same, _roots()[0] / self.name)

    @property
    def is_own(self) -> bool:
        """Whether the viewer saved it, or may manage all datasets."""
        return access.current().sees_all or self.folder.parent in _roots()

    @property
    def is_shared(self) -> bool:
        """Whether other people of a shared server see it."""
        return (self.folder / SHARED).exists()

    @property
    def receipt(self) -> tuple[str, ...]:
        """What the import changed, in order; empty for datasets of earlier releases."""
        return tuple(str(line) for line in self.facts.get("receipt", ()))

    def describe(self) -> dict[str, Any]:
        """Describe the dataset as JSON values: the keys of a checked file, with name, source and checksum."""
        content = self.facts.get("content") or _content_of_facts(self.facts)
        problems = self.facts.get("problems", ())
        described = describe(self.kind, self.rows, content, problems=problems, receipt=self.receipt)
        return {"name": self.dataset, **described, "source": self.source, "checksum": self.checksum}


def describe(
    kind: Kind, rows: int, content: Mapping[str, Any], *, problems: Sequence[Any], receipt: Sequence[str]
) -> dict[str, Any]:
    """Describe the data of a file or dataset as JSON values; keys that `content` lacks are empty."""
    empty: dict[str, Any] = {"columns": [], "time": None, "values": {}, "classes": {}, "windows": []}
    return {"kind": kind, "rows": rows, **empty, **content, "problems": list(problems), "receipt": list(receipt)}


def is_custom(dataset: str) -> bool:
    """Return whether a dataset id names a custom dataset."""
    return dataset.startswith((PREFIX, _OLD_PREFIX))


def plain_name(dataset: str) -> str:
    """Return the name without the prefix of a dataset id."""
    return dataset.removeprefix(PREFIX).removeprefix(_OLD_PREFIX)


def normalize_id(dataset: str) -> str:
    """Return the current form of a dataset id: `own:NAME` of earlier releases becomes `custom:NAME`."""
    return PREFIX + plain_name(dataset) if is_custom(dataset) else dataset


def list_datasets(*kinds: Kind) -> list[CustomDataset]:
    """List saved datasets by name, of the given kinds or of all; unreadable ones are skipped."""
    folders = {path.name: path for path in reversed(list(_visible("[!.]*")))}
    entries = [entry for name in sorted(folders) if (entry := _read(folders[name])) is not None]
    return [entry for entry in entries if not kinds or entry.kind in kinds]


def find(name: str) -> CustomDataset | None:
    """Return the dataset with this name or id, or None."""
    return next(_find_all(name), None)


def _find_all(name: str) -> Iterator[CustomDataset]:
    """Yield the dataset with this name or id, then those with the same name that others share."""
    if _NAME.fullmatch(plain := plain_name(name)):
        yield from (entry for path in _visible(plain) if (entry := _read(path)) is not None)


def require(name: str, kind: Kind, *, checksum: str = "") -> CustomDataset:
    """Return the dataset with this name or id, of this kind and, if given, with this checksum.

    Raises:
        DataError: The dataset is missing, of another kind, or has another checksum.
    """
    entries, plain = list(_find_all(name)), plain_name(name)
    entry = next((entry for entry in entries if entry.checksum == checksum), entries[0] if entries else None)
    if entry is None:
        raise DataError(
            f"your dataset '{plain[:40]}' is not on this machine: add its file again "
            f"(`dlcore data add {plain[:40]} FILE`); curves and scores of finished runs work without it."
        )
    if entry.kind != kind:
        raise DataError(f"your dataset '{plain}' is of kind {entry.kind}, not {kind}: choose another.")
    if checksum and checksum != entry.checksum:
        raise DataError(
            f"your dataset '{plain}' differs from the one this run was trained on (sha256 {entry.checksum[:12]} here, "
            f"{checksum[:12]} then): add the original file again, or start a new run on this one."
        )
    return entry


def check_name(name: str, *, reserved: Collection[str] = ()) -> str:
    """Return the name if it is valid and free.

    Raises:
        RequestError: The name is invalid, reserved or taken.
    """
    if not _NAME.fullmatch(name) or name.lower() in _DEVICES:
        raise RequestError(
            f"'{_printable(name)}' is not a valid dataset name: use 1 to 40 letters, digits, - and _, starting with a "
            "letter or digit."
        )
    if name in reserved:
        raise RequestError(f"'{name}' is the name of a public dataset: choose another name.")
    # some file systems ignore case
    same_name = next((entry.name for entry in list_datasets() if entry.name.lower() == name.lower()), None)
    if same_name:
        raise RequestError(
            f"there is a dataset '{same_name}' already: choose another name, or remove it first "
            f"(`dlcore data remove {same_name}`)."
        )
    return name


def save(entry: CustomDataset, write: Callable[[Path], None], *, reserved: Collection[str]) -> CustomDataset:
    """Save a dataset: `write` fills a draft folder, which is then moved into place atomically.

    `reserved` are names of public datasets. A killed process, a full disk or a concurrent writer leaves no partial
    data.

    Raises:
        RequestError: The name is invalid or taken.
        StoreError: The folder cannot be written.
    """
    check_name(entry.name, reserved=reserved)
    quotas.check_storage()
    if len(list_datasets()) >= MAX_DATASETS:
        raise RequestError(f"there are {MAX_DATASETS} custom datasets already: remove one that you no longer need.")
    stamped = CustomDataset(**{**asdict(entry), "added": time.time()})
    with _draft_folder() as draft:
        write(draft)
        (draft / METADATA).write_text(json.dumps({"format": FORMAT, **asdict(stamped)}, indent=1), encoding="utf-8")
        try:
            draft.rename(stamped.folder)
        except OSError:
            check_name(entry.name, reserved=reserved)  # a concurrent writer may have used the name
            raise
    return stamped


def remove(name: str) -> CustomDataset:
    """Delete a dataset and its files; runs trained on it keep their scores.

    Raises:
        RequestError: There is no such dataset.
        StoreError: The folder cannot be written.
    """
    entry = find_own(name)
    with _store_errors():
        trash = entry.folder.parent / f".gone-{uuid.uuid4().hex}"
        entry.folder.rename(trash)  # invisible at once, then deleted
        shutil.rmtree(trash, ignore_errors=True)
    return entry


def find_own(name: str) -> CustomDataset:
    """Return the dataset with this name or id, which the viewer may share or delete.

    Raises:
        RequestError: There is no such dataset, or it belongs to another person.
    """
    entry = find(name)
    if entry is None or not entry.is_own:
        known = ", ".join(entry.name for entry in list_datasets() if entry.is_own) or "none"
        raise RequestError(f"there is no custom dataset '{_printable(name)}' of yours: available are {known}.")
    return entry


def share(name: str, *, is_shared: bool) -> CustomDataset:
    """Let the other people of a shared server see a dataset, or no longer.

    Raises:
        RequestError: There is no such dataset of the viewer.
        StoreError: The folder cannot be written.
    """
    entry = find_own(name)
    with _store_errors():
        if is_shared:
            (entry.folder / SHARED).touch()
        else:
            (entry.folder / SHARED).unlink(missing_ok=True)
    return entry


def clean_name(text: str) -> str:
    """Return a valid name as close as possible to `text`, `messy-tiny` for `messy tiny`; empty if nothing is left."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-_")[:40]


def free_name(suggestion: str, *, reserved: Collection[str] = ()) -> str:
    """Return a valid, free name as close as possible to `suggestion`, for example a file's name."""
    plain = clean_name(suggestion)[:32] or "data"
    for candidate in (plain, *(f"{plain}-{i}" for i in range(2, MAX_DATASETS + 3))):
        try:
            return check_name(candidate, reserved=reserved)
        except RequestError:
            continue
    return uuid.uuid4().hex[:12]


def _content_of_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a series or table of an earlier release by its facts, which hold times in epoch milliseconds."""
    content: dict[str, Any] = {}
    if "first" in facts:
        step, period = facts["step_ms"] / 1000, facts.get("period", 0)
        span = {"first": _iso_time(facts["first"]), "last": _iso_time(facts["last"])}
        content["time"] = {**span, "step_seconds": step, "period": period, "zone": None}
    if isinstance(facts.get("columns"), Mapping):
        content["columns"] = [{"name": name, "role": role} for role, name in facts["columns"].items() if name]
    names = [{"name": name, "role": "value"} for name in facts.get("names", ())]
    if names:
        content["columns"] = [{"name": facts["time"], "role": "time"}, *names]
    content["windows"] = [
        {"start": _iso_time(start), "end": _iso_time(end), "name": name}
        for start, end, name in facts.get("windows", ())
    ]
    return content


def _iso_time(milliseconds: int) -> str:
    moment = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC).replace(tzinfo=None)
    return moment.isoformat()


def _roots() -> tuple[Path, Path]:
    """Return the folder of the viewer's saved datasets, and that of earlier releases."""
    home = access.personal_home()
    return home / _FOLDER, home / _OLD_FOLDER


def _visible(pattern: str) -> Iterator[Path]:
    """Yield folders of datasets that the viewer may see: her own, the administrator's, then those that others share."""
    for root in _roots():
        yield from filter(Path.is_dir, root.glob(pattern))
    if not access.is_shared():
        return
    if access.personal_home() != settings.home():
        yield from (settings.home() / _FOLDER).glob(pattern)
    for path in sorted(access.people().glob(f"*/{_FOLDER}/{pattern}")):
        if path.parent not in _roots() and (access.current().sees_all or (path / SHARED).exists()):
            yield path


def _printable(name: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in name)[:40]


def _read(folder: Path) -> CustomDataset | None:
    try:
        value = json.loads((folder / METADATA).read_bytes())
        entry = CustomDataset(**{name: value[name] for name in CustomDataset.__dataclass_fields__})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return entry if entry.kind in get_args(Kind) and entry.name == folder.name else None


@contextmanager
def _draft_folder() -> Iterator[Path]:
    """Yield a draft folder beside the final one; it is deleted afterwards unless it was moved."""
    draft = _roots()[0] / f".draft-{uuid.uuid4().hex}"
    try:
        with _store_errors():
            draft.mkdir(parents=True)
            yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{settings.home()} cannot be written ({error.strerror or error}): free some space, or set DLCORE_HOME "
            "to a folder that you can write to."
        ) from error
