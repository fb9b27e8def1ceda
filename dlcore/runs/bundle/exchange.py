"""Bundles out and in: export to a zip, import from a zip or a folder. Export and import are inverse.

A bundle from outside is a stranger's: nothing of it is trusted before it was looked at, and nothing of it is stored
before all of it was accepted.
"""

import contextlib
import dataclasses
import shutil
import stat
import time
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import dlcore.runs.local_store as local_store
from dlcore.core import settings
from dlcore.core.errors import RequestError, RunError
from dlcore.runs.bundle import inspection
from dlcore.runs.bundle.reader import OPTIONAL, REQUIRED, Bundle
from dlcore.runs.folder import translate_errors
from dlcore.runs.lifecycle import update_state
from dlcore.runs.metric_file import Row, append_metrics
from dlcore.runs.metric_log import write_gradients
from dlcore.runs.record import Record
from dlcore.runs.run import open_run

LIMIT_BYTES = 2 * 2**30
"""A bundle may hold so much, unpacked; an upload in the page is held shorter."""
_CHUNK = 2**20
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same bundle always gives the same zip, byte for byte


def export_run(ref: str, path: Path) -> Path:
    """Write the run's bundle to a zip file (`path`, or a file in it where it is a folder); gives the file's path.

    Raises:
        RunError: the run left no bundle yet.
        StoreError: the file cannot be written.
    """
    run = open_run(ref)
    bundle = run.left
    record = run.record
    if path.is_dir():
        path = path / f"{record.project}-{record.model}-{'reference' if run.is_reference else run.run_id[:8]}.zip"
    draft = path.with_name(f".{path.name}.tmp")
    with translate_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _pack(bundle.folder, draft)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    return path


def import_run(path: Path) -> Record:
    """Take a bundle (zip or folder) in as a finished run.

    Raises:
        RunError: what is wrong with it, in one line; nothing of it is stored then.
        StoreError: the store cannot be written.
    """
    with _staged(path) as draft:
        try:
            bundle = inspection.validate_bundle(draft)
        except RequestError as error:  # name the file that was given, not where it was unpacked
            raise RunError(str(error).replace(f"{draft}/", "").replace(str(draft), path.name)) from None
        return _store(bundle, path.name)


def _pack(folder: Path, file: Path) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in (*REQUIRED, *OPTIONAL):
            if (folder / name).exists():
                entry = zipfile.ZipInfo(name, _EPOCH)
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                archive.writestr(entry, (folder / name).read_bytes())


@contextlib.contextmanager
def _staged(path: Path) -> Iterator[Path]:
    """A copy of the bundle in a folder of our own, gone again after the block."""
    if not path.exists():
        raise RunError(f"{path} does not exist: name a bundle's folder or zip file.")
    draft = settings.home() / "runs" / f".import-{uuid.uuid4().hex}"
    with translate_errors(draft):
        draft.mkdir(parents=True)
    try:
        if path.is_dir():
            _copy_folder(path, draft)
        else:
            _unpack(path, draft)
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _copy_folder(source: Path, draft: Path) -> None:
    total = 0
    for name in (*REQUIRED, *OPTIONAL):
        file = source / name
        if file.is_symlink():
            raise RunError(f"{source.name}: '{name}' is a link, which a bundle does not hold: copy the file itself.")
        if file.is_file():
            total += file.stat().st_size
            _within(total, source)
            with translate_errors(draft):
                shutil.copyfile(file, draft / name)


def _unpack(source: Path, draft: Path) -> None:
    try:
        with zipfile.ZipFile(source) as archive:
            entries = _entries(archive, source)
            _within(sum(entry.file_size for entry in entries.values()), source)
            left = LIMIT_BYTES
            for name, entry in entries.items():
                with archive.open(entry) as packed:
                    left -= _copy(packed, draft / name, limit=min(left, entry.file_size))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise RunError(f"{source.name} is no zip file that can be read ({error}): export the run again.") from None


def _entries(archive: zipfile.ZipFile, source: Path) -> dict[str, zipfile.ZipInfo]:
    """The zip's files by their names in a bundle; all may lie in one folder.

    Raises:
        RunError: a name leads out of the folder, is a link, comes twice, or is no part of a bundle.
    """
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in archive.infolist():
        parts = entry.filename.replace("\\", "/").split("/")
        if ".." in parts or parts[0] == "" or ":" in parts[0]:
            raise RunError(f"{source.name}: '{entry.filename[:80]}' leads out of the bundle: refused.")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise RunError(f"{source.name}: '{entry.filename[:80]}' is a link, which a bundle does not hold: refused.")
        if entry.is_dir() or parts[0] == "__MACOSX":
            continue
        if parts[-1] not in (*REQUIRED, *OPTIONAL) or len(parts) > 2:
            raise RunError(f"{source.name}: '{entry.filename[:80]}' is no part of a bundle: refused.")
        if parts[-1] in found:
            raise RunError(f"{source.name}: '{parts[-1]}' comes twice: refused.")
        found[parts[-1]] = entry
    return found


def _copy(packed: IO[bytes], target: Path, *, limit: int) -> int:
    """Unpack one file, never more than its header promised."""
    total = 0
    with translate_errors(target), target.open("wb") as file:
        while chunk := packed.read(_CHUNK):
            total += len(chunk)
            if total > limit:
                raise RunError(f"'{target.name}' unpacks to more than the zip says: refused.")
            file.write(chunk)
    return total


def _within(total: int, source: Path) -> None:
    if total > LIMIT_BYTES:
        raise RunError(f"{source.name} holds {total / 2**30:.1f} GiB; at most {LIMIT_BYTES / 2**30:.0f} GiB are taken.")


def _store(bundle: Bundle, name: str) -> Record:
    """Store an accepted bundle as a run; it becomes visible with its state, which is written last."""
    with local_store.new_folder(bundle.config) as folder:
        with translate_errors(folder.path):
            folder.bundle.parent.mkdir()
            shutil.copytree(bundle.folder, folder.bundle)
        if (gradients := bundle.gradients()) is not None:
            write_gradients(folder.gradients, gradients)
        append_metrics(folder, _rows(bundle))
        record = dataclasses.replace(
            bundle.record, state="finished", reason=f"imported from {name}"[:200], parent="", created=time.time()
        )
        update_state(folder, **record.as_state())
    return dataclasses.replace(record, run_id=folder.run_id, pid=None)


def _rows(bundle: Bundle) -> list[Row]:
    return [
        (step, {name: value}, 0)
        for name, curve in bundle.history().items()
        for step, value in zip(curve.steps.tolist(), curve.values.tolist(), strict=True)
    ]
