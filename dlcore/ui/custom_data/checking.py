"""Opening and validation of an uploaded file: computed once per file, options and repairs, with progress."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dlcore.core import progress
from dlcore.core.config import parse
from dlcore.core.errors import WorkbenchError, one_line
from dlcore.data.custom.importer import Importer, Inspection, Preview
from dlcore.data.repairs import Problem, Repairs

Value = TypeVar("Value")
STAGES = ("opened", "guesses", "preview", "choices", "guessed", "name", "kind")
SECONDS = 0.2
"""Between two updates of the progress bar."""


@dataclass(frozen=True)
class OpenedFile:
    """A parsed file, its columns, and what opening it met: problems and receipt."""

    parsed: Any
    inspection: Inspection
    repairs: Repairs


@dataclass(frozen=True)
class CheckedFile:
    """The outcome of a validation: a preview, or an error in one line; with the problems met so far."""

    preview: Preview[Any] | None = None
    error: str = ""
    problems: tuple[Problem, ...] = ()


def open_file(importer: Importer[Any], file: UploadedFile) -> OpenedFile | CheckedFile:
    """Open a file with the chosen repairs; again only after a choice that opening depends on."""
    last = _load(importer, file, "opened")
    choices = choices_of(importer, file)
    if isinstance(last, OpenedFile) and all(
        choices.get(problem.kind, "") == problem.selected for problem in last.repairs.problems
    ):
        return last
    repairs = Repairs(dict(choices))
    try:
        with progress_bar("Reading the file"):
            parsed = importer.open(file if importer.accepts_folders else file.getvalue(), repairs)
            opened = OpenedFile(parsed, importer.inspect_file(parsed), repairs)
    except WorkbenchError as error:
        return _failed(importer, file, error, repairs)
    _store(importer, file, "opened", opened)
    return opened


def check(importer: Importer[Any], file: UploadedFile, values: Mapping[str, Any], *, stage: str) -> CheckedFile:
    """Validate the opened file with these options and the chosen repairs; the session holds one result per stage."""
    opened, choices = _load(importer, file, "opened"), choices_of(importer, file)
    stamp = (opened.repairs, dict(values), dict(choices))
    last_stamp, last = _load(importer, file, stage) or (None, None)
    if last_stamp == stamp:
        return cast(CheckedFile, last)
    repairs = Repairs(dict(choices), problems=[*opened.repairs.problems], receipt=[*opened.repairs.receipt])
    try:
        with progress_bar("Checking the file"):
            preview = importer.check(opened.parsed, parse(importer.options, values), repairs)
    except WorkbenchError as error:
        return _failed(importer, file, error, repairs)
    checked = CheckedFile(preview, problems=preview.problems)
    _store(importer, file, stage, (stamp, checked))
    return checked


def remember_guesses(importer: Importer[Any], file: UploadedFile, preview: Preview[Any] | None) -> Mapping[str, Any]:
    """Return the options that the last successful validation guessed."""
    if preview is not None:
        _store(importer, file, "guessed", preview.guesses)
    return _load(importer, file, "guessed") or {}


def once(importer: Importer[Any], file: UploadedFile, stage: str, value: Value) -> Value:
    """Return the first value of a file at a stage."""
    if _load(importer, file, stage) is None:
        _store(importer, file, stage, value)
    return cast(Value, _load(importer, file, stage))


def choices_key(importer: Importer[Any]) -> str:
    """Return the session key of the repairs chosen for the uploaded file."""
    return _key(importer, "choices")


def choices_of(importer: Importer[Any], file: UploadedFile) -> dict[str, str]:
    """Return the repairs chosen for a file, by kind of problem."""
    return once(importer, file, "choices", {})


def forget(importer: Importer[Any]) -> None:
    """Free what the session holds of a file."""
    for stage in STAGES:
        st.session_state.pop(_key(importer, stage), None)


@contextmanager
def progress_bar(what: str) -> Iterator[None]:
    """Show a spinner, and a progress bar once the work reports progress; each update also lets a person stop it."""
    place = st.empty()
    last = 0.0

    def show(step: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= SECONDS:
            last = now
            place.progress(min(1.0, done / max(1, total)), text=f"{step}: {done:,} of {total:,}")

    with st.spinner(what), progress.listening(show):
        yield
    place.empty()


def _failed(importer: Importer[Any], file: UploadedFile, error: WorkbenchError, repairs: Repairs) -> CheckedFile:
    """Return the error; start again without choices that are no longer ones of their problem."""
    choices = choices_of(importer, file)
    stale = [each.kind for each in repairs.problems if choices.get(each.kind) and not each.accepts(choices[each.kind])]
    for kind in stale:
        del choices[kind]
    if stale:
        st.rerun()
    return CheckedFile(error=one_line(error), problems=tuple(repairs.problems))


def _load(importer: Importer[Any], file: UploadedFile, stage: str) -> Any:
    file_id, value = st.session_state.get(_key(importer, stage), ("", None))
    return value if file_id == file.file_id else None


def _store(importer: Importer[Any], file: UploadedFile, stage: str, value: Any) -> None:
    st.session_state[_key(importer, stage)] = (file.file_id, value)


def _key(importer: Importer[Any], stage: str) -> str:
    return f"custom-{importer.kind}-{stage}"
