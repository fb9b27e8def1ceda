"""Packs: pip packages that add entries to the registries through entry points. Nothing is imported before it is needed.

A broken entry is left out of its registry, and `list_faults` says in one line what is wrong with it.
"""

import importlib
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import metadata, util
from pathlib import Path
from typing import Any, Generic, TypeVar

from dlcore.core.errors import RequestError, TrainingError, one_line

API = 1
"""Version of the interface of packs; the top-level module of a pack sets `DLCORE_API` to the one it was made for."""
GROUPS = ("dlcore.projects", "dlcore.models", "dlcore.datasets", "dlcore.metrics", "dlcore.explainers")
"""Groups of entry points, one for each registry. A model is named `<project>.<model>`."""
T = TypeVar("T")
Check = Callable[[str, Any], str]
"""(name, object) -> what is wrong with it, or empty."""


@dataclass(frozen=True)
class PackEntry:
    """One entry point of a pack: `value` is the `module:attribute` of what it adds to the registry `group`."""

    group: str
    name: str
    value: str
    pack: str
    version: str

    @property
    def package(self) -> str:
        """The top-level package."""
        return self.value.partition(":")[0].partition(".")[0].strip()

    def __str__(self) -> str:
        return (
            f"pack '{self.pack}' {self.version}, {self.group.removeprefix('dlcore.').removesuffix('s')} '{self.name}'"
        )


@dataclass(frozen=True)
class PackFault:
    """Why an entry of a pack cannot be used."""

    entry: PackEntry
    reason: str

    def __str__(self) -> str:
        return f"{self.entry}: {self.reason.rstrip('.')}. Update the pack, or run `pip uninstall {self.entry.pack}`."


_LOCK = threading.RLock()
_loaded: dict[PackEntry, Any] = {}
_faults: dict[PackEntry, PackFault] = {}
_source_entries: list[PackEntry] = []
"""Entries of folders with the source of a pack, which is not installed."""


@lru_cache(maxsize=1)
def _installed() -> tuple[PackEntry, ...]:
    entries = {
        PackEntry(point.group, point.name, point.value, point.dist.name, point.dist.version)
        for group in GROUPS
        for point in metadata.entry_points(group=group)
        if point.dist is not None
    }
    return tuple(sorted(entries, key=lambda entry: (entry.pack, GROUPS.index(entry.group), entry.name)))


def list_entries(group: str = "") -> list[PackEntry]:
    """Return the entries of all packs, or those of one group; reads metadata and imports nothing."""
    sources = {entry.pack for entry in _source_entries}  # a folder that is checked replaces the installed pack
    entries = [*_source_entries, *(entry for entry in _installed() if entry.pack not in sources)]
    return [entry for entry in entries if group in ("", entry.group)]


def add_source(folder: Path) -> str:
    """Use the pack whose source is in `folder` as if it were installed, in this process; return its name.

    Raises:
        RequestError: the folder holds no pack.
    """
    path = folder / "pyproject.toml"
    try:
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        points = {group: dict(project["entry-points"][group]) for group in GROUPS if group in project["entry-points"]}
        name = str(project["name"])
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise RequestError(f"{path} declares no pack: {type(error).__name__}: {one_line(error)}.") from None
    if not points:
        raise RequestError(f"{path} has no entry points of a pack: add a group such as {GROUPS[0]}.")
    for place in (folder / "src", folder):
        if place.is_dir() and str(place.resolve()) not in sys.path:
            sys.path.insert(0, str(place.resolve()))
    _source_entries[:] = [entry for entry in _source_entries if entry.pack != name]
    version = str(project.get("version", "source"))
    _source_entries.extend(
        PackEntry(group, point, value, name, version) for group in points for point, value in points[group].items()
    )
    return name


def load(entry: PackEntry, check: Check) -> Any:
    """Import what an entry adds; None, with a fault, if that fails. An entry is imported once."""
    with _LOCK:
        if entry not in _loaded:
            _loaded[entry] = None  # the pack may use the registry while it is imported
            try:
                item = _import(entry)
                reason = check(entry.name, item)
            except RequestError as error:
                item, reason = None, one_line(error)
            except (Exception, SystemExit) as error:
                item, reason = None, f"{type(error).__name__}: {one_line(error)}"
            if reason:
                add_fault(entry, reason)
            else:
                _loaded[entry] = item
    return None if entry in _faults else _loaded[entry]


def _import(entry: PackEntry) -> Any:
    version = getattr(importlib.import_module(entry.package), "DLCORE_API", None)
    if version != API:
        raise RequestError(f"made for version {version} of the interface of packs, DLCORE_API here is {API}")
    module, _, attribute = entry.value.partition(":")
    item: Any = importlib.import_module(module.strip())
    for name in attribute.strip().split("."):
        item = getattr(item, name)
    return item


def add_fault(entry: PackEntry, reason: str) -> None:
    """Record that an entry cannot be used."""
    _faults.setdefault(entry, PackFault(entry, reason))


def list_faults() -> list[PackFault]:
    """Return the faults of the entries imported so far."""
    return list(_faults.values())


def find_fault(group: str, name: str) -> PackFault | None:
    """Return the fault of an entry, if it has one."""
    return next((fault for fault in _faults.values() if (fault.entry.group, fault.entry.name) == (group, name)), None)


def clear() -> None:
    """Forget what was imported and which packs are installed; for tests and after an installation."""
    _installed.cache_clear()
    for store in (_loaded, _faults, _source_entries):
        store.clear()


def guard(entry: PackEntry, call: Callable[..., T]) -> Callable[..., T]:
    """Return the function of a pack, whose errors name the pack."""
    return partial(_call, entry, call)


def _call(entry: PackEntry, call: Callable[..., T], *arguments: Any, **options: Any) -> T:
    try:
        return call(*arguments, **options)
    except (RequestError, TrainingError):
        raise  # written for the reader
    except Exception as error:
        raise TrainingError(f"{entry}: {type(error).__name__}: {one_line(error)}.") from error


def page_folders() -> list[Path]:
    """Return the folders `pages` of packs with a project; imports nothing but parent packages' specs."""
    packages = dict.fromkeys(entry.package for entry in list_entries("dlcore.projects"))
    folders = []
    for package in packages:
        try:
            spec = util.find_spec(package)
        except (ImportError, ValueError):
            continue
        places = (spec.submodule_search_locations or []) if spec else []
        folders += [Path(place) / "pages" for place in places if (Path(place) / "pages").is_dir()]
    return folders


class Registry(MutableMapping[str, T], Generic[T]):
    """The entries of the workbench by name, then those of packs in `group`; iterating imports the packs' entries.

    `kind` is the type of an entry of a pack, `check` a further test. A name that exists belongs to the workbench, or
    to the first pack.
    """

    def __init__(self, group: str, entries: dict[str, T], kind: type, check: Check = lambda name, item: "") -> None:
        self.group, self.built_in, self.kind, self.check = group, entries, kind, check

    def packs(self, prefix: str = "") -> dict[str, tuple[PackEntry, Any]]:
        """Return the usable entries of packs whose name begins with `prefix`."""
        usable: dict[str, tuple[PackEntry, Any]] = {}
        for entry in list_entries(self.group):
            if not entry.name.startswith(prefix):
                continue
            if entry.name in self.built_in or entry.name in usable:
                owner = "the workbench" if entry.name in self.built_in else f"pack '{usable[entry.name][0].pack}'"
                add_fault(entry, f"the name '{entry.name}' belongs to {owner}")
                continue
            item = load(entry, self._check)
            if item is not None:
                usable[entry.name] = (entry, item)
        return usable

    def _check(self, name: str, item: Any) -> str:
        if not isinstance(item, self.kind):
            return f"is a {type(item).__name__}, not a {self.kind.__name__}"
        return self.check(name, item)

    def __getitem__(self, name: str) -> T:
        if name in self.built_in:
            return self.built_in[name]
        item: T = self.packs(name)[name][1]
        return item

    def __contains__(self, name: object) -> bool:
        return name in self.built_in or (isinstance(name, str) and name in self.packs(name))

    def __iter__(self) -> Iterator[str]:
        return iter([*self.built_in, *self.packs()])

    def __len__(self) -> int:
        return len(self.built_in) + len(self.packs())

    def __setitem__(self, name: str, item: T) -> None:
        self.built_in[name] = item

    def __delitem__(self, name: str) -> None:
        del self.built_in[name]
