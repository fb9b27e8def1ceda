"""The runs of `$DLCORE_HOME/runs`: the folders are the store, and the list of runs is an index over their state files.

A run is visible once its state file is written, which comes last. Reading creates nothing.
"""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlcore.core import access, quotas, settings
from dlcore.core.errors import StoreError
from dlcore.runs.folder import SEARCH, RunFolder, at, translate_errors, write_json
from dlcore.runs.legacy import import_old_runs
from dlcore.runs.lifecycle import live_state, read_state, stored_state
from dlcore.runs.record import ACTIVE

if TYPE_CHECKING:
    from dlcore.projects.project import RunConfig

_HEX = frozenset("0123456789abcdef")


@contextlib.contextmanager
def new_folder(config: "RunConfig") -> Iterator[RunFolder]:
    """A new run folder with its config; the block adds the rest, the state last. If it fails, the folder is removed.

    Raises:
        StoreError: the folder cannot be written.
    """
    access.require_person()
    quotas.check_storage()
    folder = RunFolder(root() / uuid.uuid4().hex)
    try:
        with translate_errors(folder.path):
            folder.path.mkdir(parents=True)
            write_json(folder.config, config.model_dump(mode="json"))
        yield folder
    except BaseException:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise


def find(prefix: str) -> list[RunFolder]:
    """Runs whose id starts with `prefix`; at most two, which is enough to know that it is not unique."""
    if not prefix or not _HEX.issuperset(prefix):
        return []
    import_old_runs()
    if is_visible(exact := RunFolder(root() / prefix)):
        return [exact]
    return [folder for folder in _folders() if folder.run_id.startswith(prefix) and is_visible(folder)][:2]


def is_visible(folder: RunFolder) -> bool:
    """Return whether it is complete, and the viewer may see it; one whose state cannot be read is opened, to say so."""
    return bool(read_state(folder)) or (folder.state.exists() and not stored_state(folder) and not access.is_shared())


def newest(project: str | None, limit: int | None = None) -> list[RunFolder]:
    """Runs of one project or all, newest first; at most `limit` of them if it is given."""
    return [folder for folder, _ in newest_states(project, limit)]


def newest_states(project: str | None = None, limit: int | None = None) -> list[tuple[RunFolder, dict[str, Any]]]:
    """Runs of one project or all with the content of their state files, newest first; at most `limit` of them."""
    import_old_runs()
    runs = []
    for folder in _folders():
        state = read_state(folder)
        if state and project in (None, state.get("project")):
            runs.append((float(state.get("created", 0.0)), folder.run_id, folder, state))
    return [run[2:] for run in sorted(runs, key=lambda run: run[:2], reverse=True)[:limit]]


def searches() -> list[RunFolder]:
    """Hyperparameter searches that the viewer may see."""
    stored = (RunFolder(path.parent) for path in (settings.home() / "searches").glob(f"{SEARCH}*/state.json"))
    return [folder for folder in stored if read_state(folder)]


def check_start() -> None:
    """Check that the viewer may start another job.

    Raises:
        RequestError: she has too many queued and running ones, or has used her compute.
    """
    if access.current().name:
        folders = [folder for folder in (*newest(None), *searches()) if access.can_change(read_state(folder))]
        active = [folder for folder in folders if read_state(folder).get("state") in ACTIVE]
        quotas.check_start(sum(live_state(folder).is_active for folder in active))


def tags(folder: RunFolder) -> Mapping[str, Any]:
    """Tags of a run, for example the comparison it belongs to."""
    return read_state(folder).get("tags") or {}


def root() -> Path:
    """The folder of all runs."""
    return settings.home() / "runs"


def _folders() -> list[RunFolder]:
    """Folders of runs, those still being written included."""
    try:
        with os.scandir(root()) as entries:
            return [at(entry.path) for entry in entries if not entry.name.startswith(".")]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(
            f"{root()} cannot be read ({error.strerror}): set DLCORE_HOME to a folder you may read."
        ) from error
