"""What a user adds to a run: name, note, tags, and whether it is a favorite or hidden.

It is part of the run's state file, so it is listed at no cost and deleted with the run.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from dlcore.core.errors import RequestError, RunError
from dlcore.runs.folder import of_run
from dlcore.runs.lifecycle import read_state, update_state
from dlcore.runs.local_store import newest_states
from dlcore.runs.record import Record
from dlcore.runs.run import open_run, read_records

MAX_NAME, MAX_NOTE, MAX_TAG, MAX_TAGS = 80, 4000, 30, 20


@dataclass(frozen=True)
class Annotation:
    """The annotation of one run; empty for a reference run, which is read-only."""

    name: str = ""
    note: str = ""
    tags: tuple[str, ...] = ()
    is_favorite: bool = False
    is_hidden: bool = False


def read_annotation(run_id: str) -> Annotation:
    """Return the annotation of a run."""
    return from_state(read_state(of_run(run_id))) if ":" not in run_id else Annotation()


def list_annotated() -> list[tuple[Record, Annotation]]:
    """Return every run that the viewer may see with its annotation, newest first."""
    return [(record, from_state(state)) for record, state in read_records(newest_states())]


def from_state(state: Mapping[str, Any]) -> Annotation:
    """Return the annotation in the content of a state file."""
    stored = state.get("annotation") or {}
    known = {name: stored[name] for name in Annotation.__dataclass_fields__ if name in stored}
    return Annotation(**{**known, "tags": tuple(known.get("tags", ()))})


def annotate(run_id: str, **changes: Any) -> Annotation:
    """Change fields of a run's annotation and return it.

    Raises:
        RunError: no such run, or it came with the workbench.
        RequestError: a text is too long, or there are too many tags.
        StoreError: the run's folder cannot be written.
    """
    run = open_run(run_id)
    if run.is_reference:
        raise RunError(f"{run.run_id} came with the workbench and is read-only: fork it to get an editable copy.")
    if "tags" in changes:
        changes["tags"] = clean_tags(changes["tags"])
    annotation = replace(read_annotation(run.run_id), **changes)
    annotation = replace(annotation, name=" ".join(annotation.name.split()), note=annotation.note.strip())
    for text, limit, what in ((annotation.name, MAX_NAME, "name"), (annotation.note, MAX_NOTE, "note")):
        if len(text) > limit:
            raise RequestError(f"the {what} has {len(text):,} characters: at most {limit:,} are stored.")
    folder = of_run(run.run_id)
    update_state(folder, name=annotation.name, is_hidden=annotation.is_hidden, annotation=asdict(annotation))
    return annotation


def share_run(run_id: str, *, is_shared: bool) -> Record:
    """Let the other people of a shared server see a run, or no longer; they may fork it, not change it.

    Raises:
        RunError: no such run of the viewer, or it came with the workbench.
        StoreError: the run's folder cannot be written.
    """
    run = open_run(run_id)
    if run.is_reference:
        raise RunError(f"{run.run_id} came with the workbench: everybody sees it.")
    update_state(of_run(run.run_id), is_shared=is_shared)
    return run.record


def clean_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return tags without repeats and surplus spaces, sorted.

    Raises:
        RequestError: a tag is too long, or there are too many.
    """
    cleaned = sorted({" ".join(tag.replace(",", " ").split()) for tag in tags} - {""})
    if len(cleaned) > MAX_TAGS or any(len(tag) > MAX_TAG for tag in cleaned):
        raise RequestError(f"a run has at most {MAX_TAGS} tags of at most {MAX_TAG} characters: shorten or drop some.")
    return tuple(cleaned)
