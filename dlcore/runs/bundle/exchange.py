"""Export a bundle to a zip file, import one from a zip file or folder. Export and import are inverse.

An imported bundle is untrusted: every file is validated, and nothing is stored unless everything is valid.
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
from itertools import islice
from pathlib import Path
from typing import IO

import dlcore.runs.local_store as local_store
from dlcore.core import settings
from dlcore.core.errors import RequestError, RunError
from dlcore.runs.bundle import inspection, limits
from dlcore.runs.bundle.reader import OPTIONAL, REQUIRED, Bundle
from dlcore.runs.folder import read_json, translate_errors
from dlcore.runs.lifecycle import update_state
from dlcore.runs.metric_file import Row, append_metrics
from dlcore.runs.metric_log import write_gradients
from dlcore.runs.record import Record
from dlcore.runs.run import open_run

STANDALONE = (
    *("train.py", "train.ipynb", "model.py", "data.npz", "model.onnx"),
    *("predict.py", "predict.json", "predictions.csv", "README.md"),
)
"""Files of an export for use without dlcore, which an import leaves out."""
_CHUNK, _ROWS = 2**20, 50_000
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same bundle always gives the same zip, byte for byte


def export_run(ref: str, path: Path) -> Path:
    """Write the run's bundle to a zip file (`path`, or a file in it if it is a folder); returns the path of the file.

    Raises:
        RunError: the run has no bundle yet, or is stored without weights.
        StoreError: the file cannot be written.
    """
    run = open_run(ref)
    bundle = run.finished_bundle
    bundle.require_weights()
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


def import_run(path: Path, *, accepts_code: bool = False) -> Record:
    """Store a bundle (zip or folder) as a finished run.

    accepts_code: whether the code of a custom network in it may be stored and run, in a process with limits. Code that
        is stored on this machine already needs no consent.

    Raises:
        CodeError: it holds code that was not accepted; nothing is stored then.
        RunError: the bundle is invalid; nothing is stored then.
        StoreError: the run folder cannot be written.
    """
    with _staged(path) as draft:
        _accept_code(draft, accepts_code)
        try:
            bundle = inspection.validate_bundle(draft)
        except RequestError as error:  # name the imported file, not the folder it was unpacked to
            raise RunError(str(error).replace(f"{draft}/", "").replace(str(draft), path.name)) from None
        return _store(bundle, path.name)


class CodeError(RequestError):
    """A bundle holds code that was not accepted; `text` is the code."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(
            f"this bundle holds code of a network ({len(text.splitlines())} lines): read it, and import it with --code "
            "if you trust it."
        )


def _accept_code(draft: Path, is_accepted: bool) -> None:
    """Store the code of a bundle's network, if the user has accepted it."""
    from dlcore.projects.custom import source  # its package imports torch

    path = draft / source.FILE
    if not path.exists():
        return
    text = path.read_text(encoding="utf-8", errors="replace")
    config = read_json(draft / "run.json").get("config", {})
    model, project = str(config.get("model", "")), str(config.get("project", ""))
    network = source.parse_text(text, target=model.rpartition("-")[0] if source.list_classes(text) else "")
    if network.network_id != model:
        raise RunError(f"{source.FILE} is not the code of this run: rejected.")
    if source.find(model) is not None:
        return
    source.require_allowed()
    if not is_accepted:
        raise CodeError(text)
    source.save(network, project if project in source.EXAMPLES else source.IMAGES)


def _pack(folder: Path, file: Path) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in (*REQUIRED, *OPTIONAL):
            if (folder / name).exists():
                entry = zipfile.ZipInfo(name, _EPOCH)
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                archive.writestr(entry, (folder / name).read_bytes())


@contextlib.contextmanager
def _staged(path: Path) -> Iterator[Path]:
    """A temporary copy of the bundle, deleted after the block."""
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


def _copy_folder(folder: Path, draft: Path) -> None:
    for name in (*REQUIRED, *OPTIONAL):
        file = folder / name
        if file.is_symlink():
            raise RunError(f"{folder.name}: '{name}' is a link, which a bundle cannot contain: copy the file itself.")
        if file.is_file():
            limits.check_size(name, file.stat().st_size)
            with translate_errors(draft):
                shutil.copyfile(file, draft / name)


def _unpack(source: Path, draft: Path) -> None:
    try:
        with limits.open_zip(source) as archive:
            entries = _entries(archive, source)
            for name, entry in entries.items():
                limits.check_size(name, entry.file_size)
            for name, entry in entries.items():
                with archive.open(entry) as packed:
                    _copy(packed, draft / name, limit=entry.file_size)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise RunError(f"{source.name} is not a readable zip file ({error}): export the run again.") from None


def _entries(archive: zipfile.ZipFile, source: Path) -> dict[str, zipfile.ZipInfo]:
    """Entries of the zip file by their names in a bundle; they may share one folder.

    Raises:
        RunError: a name points outside the bundle, is a link, appears twice, or is not part of a bundle.
    """
    entries: dict[str, zipfile.ZipInfo] = {}
    for entry in archive.infolist():
        parts = entry.filename.replace("\\", "/").split("/")
        if ".." in parts or parts[0] == "" or ":" in parts[0]:
            raise RunError(f"{source.name}: '{entry.filename[:80]}' points outside the bundle: rejected.")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise RunError(f"{source.name}: '{entry.filename[:80]}' is a link, not a file: rejected.")
        if entry.is_dir() or parts[0] == "__MACOSX":
            continue
        if parts[-1] in STANDALONE and len(parts) <= 2:
            continue
        if parts[-1] not in (*REQUIRED, *OPTIONAL) or len(parts) > 2:
            raise RunError(f"{source.name}: '{entry.filename[:80]}' is not part of a bundle: rejected.")
        if parts[-1] in entries:
            raise RunError(f"{source.name}: '{parts[-1]}' appears twice: rejected.")
        entries[parts[-1]] = entry
    return entries


def _copy(packed: IO[bytes], target: Path, *, limit: int) -> None:
    """Unpack one file, never more than its header says."""
    total = 0
    with translate_errors(target), target.open("wb") as file:
        while chunk := packed.read(_CHUNK):
            total += len(chunk)
            if total > limit:
                raise RunError(f"'{target.name}' unpacks to more than its stated size: rejected.")
            file.write(chunk)


def _store(bundle: Bundle, name: str) -> Record:
    """Store an accepted bundle as a run; it becomes visible with its state, which is written last."""
    with local_store.new_folder(bundle.config) as folder:
        with translate_errors(folder.path):
            folder.bundle.parent.mkdir()
            shutil.copytree(bundle.folder, folder.bundle)
        if (gradients := bundle.gradients()) is not None:
            write_gradients(folder.gradients, gradients)
        rows = _rows(bundle)
        while batch := list(islice(rows, _ROWS)):
            append_metrics(folder, batch)
        record = dataclasses.replace(
            bundle.record, state="finished", reason=f"imported from {name}"[:200], parent="", created=time.time()
        )
        update_state(folder, **record.as_state())
    return dataclasses.replace(record, run_id=folder.run_id, pid=None)


def _rows(bundle: Bundle) -> Iterator[Row]:
    for name, curve in bundle.history().items():
        for step, value in zip(curve.steps, curve.values, strict=True):
            yield int(step), {name: float(value)}, 0
