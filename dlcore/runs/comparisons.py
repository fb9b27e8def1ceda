"""Comparisons: runs of several variants (models or settings), with several seeds each, started together.

A comparison is three tags of its runs: id, title and variant. So it is stored with the runs, and nothing is left over
when they are deleted.
"""

import contextlib
import itertools
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dlcore.runs.actions as actions
import dlcore.runs.local_store as local_store
from dlcore.core.errors import RequestError, RunError, WorkbenchError
from dlcore.runs.folder import RunFolder
from dlcore.runs.record import ACTIVE, Record
from dlcore.runs.run import open_run, read_record, references

if TYPE_CHECKING:
    from dlcore.projects.project import RunConfig

MAX_RUNS = 60
REFERENCE = "reference"
"""Id of the comparison of the reference runs."""


@dataclass(frozen=True)
class Comparison:
    """A comparison at one moment: its runs by variant, in the order of creation."""

    comparison_id: str
    title: str
    variants: Mapping[str, tuple[Record, ...]]

    @property
    def records(self) -> tuple[Record, ...]:
        """All runs of the comparison."""
        return tuple(record for records in self.variants.values() for record in records)

    @property
    def active(self) -> tuple[Record, ...]:
        """The queued and running ones."""
        return tuple(record for record in self.records if record.state in ACTIVE)

    @property
    def created(self) -> float:
        """Creation time of its first run."""
        return min((record.created for record in self.records), default=0.0)


def create(
    title: str, variants: "Mapping[str, Sequence[RunConfig]]", *, start: bool = True, executor: str = ""
) -> Comparison:
    """Create the runs of a comparison and start them: the first seed of every variant, then the second.

    Raises:
        RequestError: fewer than two runs, or more than 60.
        ConfigError, DeviceError: a run cannot be created; then none is.
        StoreError: a run folder cannot be written.
    """
    rounds = itertools.zip_longest(
        *([(variant, config) for config in configs] for variant, configs in variants.items())
    )
    configs = [pair for pairs in rounds for pair in pairs if pair is not None]
    if not 2 <= len(configs) <= MAX_RUNS:
        raise RequestError(f"a comparison has 2 to {MAX_RUNS} runs, not {len(configs)}: choose other models or seeds.")
    comparison_id = uuid.uuid4().hex[:12]
    run_ids: list[str] = []
    try:
        for variant, config in configs:
            tags = {"group": comparison_id, "group_title": title.strip()[:120] or "Comparison", "variant": variant}
            run_ids.append(actions.create(config, tags=tags, executor=executor).run_id)
    except WorkbenchError:
        for run_id in run_ids:
            with contextlib.suppress(WorkbenchError):
                actions.delete_run(run_id)
        raise
    if start:
        for run_id in run_ids:
            actions.start(run_id)
    return open_comparison(comparison_id)


def list_comparisons(project: str) -> list[Comparison]:
    """Return the comparisons of a project, newest first."""
    groups: dict[str, list[RunFolder]] = {}
    for folder in local_store.newest(project):
        if group := local_store.tags(folder).get("group"):
            groups.setdefault(group, []).append(folder)
    return [_read(comparison_id, folders) for comparison_id, folders in groups.items()]


def open_comparison(comparison_id: str) -> Comparison:
    """Return the comparison with that id.

    Raises:
        RunError: it does not exist, or its runs were deleted.
    """
    newest = local_store.newest(None)
    folders = [folder for folder in newest if local_store.tags(folder).get("group") == comparison_id]
    if not folders:
        raise RunError(f"there is no comparison '{comparison_id[:40]}': its runs may have been deleted.")
    return _read(comparison_id, folders)


def from_references(project: str) -> Comparison | None:
    """Return the reference runs as a comparison, or None if fewer than two are comparable.

    Comparable runs share the dataset and its `rows`, which also thin the test split. The largest group is returned.
    """
    groups: dict[tuple[str, int], list[Record]] = {}
    for run in references(project):
        rows = int(run.config.flat.get("rows", 0))
        groups.setdefault((run.record.dataset, rows), []).append(run.record)
    records = max(groups.values(), key=len, default=[])
    if len(records) < 2:
        return None
    variants: dict[str, tuple[Record, ...]] = {}
    for record in records:
        name = record.model if record.model not in variants else record.run_id.rpartition("/")[2]
        variants[name] = (record,)
    return Comparison(REFERENCE, "Reference runs", variants)


def from_runs(refs: Sequence[str]) -> Comparison:
    """Return any runs as a comparison, labeled by what differs; runs that differ only in their seed form one variant.

    Raises:
        RunError: a run does not exist.
    """
    from dlcore.projects.variants import label_configs

    configs: dict[str, RunConfig] = {}
    records: dict[str, tuple[Record, ...]] = {}
    for ref in refs:
        run = open_run(ref)
        config = run.config.model_copy(update={"seed": 0, "device": "auto"})
        key = config.model_dump_json()
        configs[key] = config
        records[key] = (*records.get(key, ()), run.record)
    labels = label_configs(list(configs.values()))
    variants = dict(zip(labels, records.values(), strict=True))
    return Comparison("", "Chosen runs", variants)


def stop(comparison: Comparison) -> None:
    """Stop all queued and running runs; those with a finished epoch write a bundle of the best one."""
    for record in reversed(comparison.active):  # queued runs first, so that none starts
        with contextlib.suppress(RunError):  # it ended before the command
            actions.stop(record.run_id)


def wait(comparison: Comparison, *, timeout: float) -> Comparison:
    """Wait until no run is active, at most `timeout` seconds; return the comparison."""
    deadline = time.monotonic() + timeout
    while comparison.active and time.monotonic() < deadline:
        time.sleep(0.3)
        comparison = open_comparison(comparison.comparison_id)
    return comparison


def _read(comparison_id: str, folders: Sequence[RunFolder]) -> Comparison:
    variants: dict[str, tuple[Record, ...]] = {}
    for folder in reversed(folders):  # oldest first
        variant = local_store.tags(folder).get("variant", "")
        variants[variant] = (*variants.get(variant, ()), read_record(folder))
    return Comparison(comparison_id, local_store.tags(folders[0]).get("group_title", "Comparison"), variants)
