"""Runs that belong together: several arms (models, or settings), each with several seeds, started as one comparison.

A comparison is nothing but three tags on its runs: which one, its title, and the run's arm. So it is stored with the
runs, works on a team's server, and needs no tidying when a run is deleted.
"""

import contextlib
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

MOST_RUNS = 60
SEARCHED_RUNS = 2_000
"""Number of the newest runs that are searched for comparisons."""
REFERENCE = "reference"
"""Id of the comparison of the reference runs."""


@dataclass(frozen=True)
class Comparison:
    """A comparison at one moment: its runs by arm, in the order in which they were asked for."""

    comparison_id: str
    title: str
    arms: Mapping[str, tuple[Record, ...]]

    @property
    def records(self) -> tuple[Record, ...]:
        """All its runs."""
        return tuple(record for records in self.arms.values() for record in records)

    @property
    def active(self) -> tuple[Record, ...]:
        """Those that run or wait."""
        return tuple(record for record in self.records if record.state in ACTIVE)

    @property
    def created(self) -> float:
        """When its first run was asked for."""
        return min((record.created for record in self.records), default=0.0)


def create(title: str, arms: "Mapping[str, Sequence[RunConfig]]", *, start: bool = True) -> Comparison:
    """Make the runs of a comparison and, unless told otherwise, start them: every arm's first seed, then the second.

    Raises:
        RequestError: fewer than two runs, or more than 60.
        ConfigError, DeviceError: a run cannot be had; none is made then.
        StoreError: the store cannot be written.
    """
    most = max((len(configs) for configs in arms.values()), default=0)
    wanted = [(arm, configs[i]) for i in range(most) for arm, configs in arms.items() if i < len(configs)]
    if not 2 <= len(wanted) <= MOST_RUNS:
        raise RequestError(f"a comparison has 2 to {MOST_RUNS} runs, not {len(wanted)}: choose models and seeds anew.")
    comparison_id = uuid.uuid4().hex[:12]
    run_ids: list[str] = []
    try:
        for arm, config in wanted:
            tags = {"group": comparison_id, "group_title": title.strip()[:120] or "Comparison", "arm": arm}
            run_ids.append(actions.create(config, tags=tags).run_id)
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
    """A project's comparisons, newest first."""
    groups: dict[str, list[RunFolder]] = {}
    for folder in local_store.newest(project, SEARCHED_RUNS):
        if group := local_store.tags(folder).get("group"):
            groups.setdefault(group, []).append(folder)
    return [_read(comparison_id, folders) for comparison_id, folders in groups.items()]


def open_comparison(comparison_id: str) -> Comparison:
    """The comparison of that id.

    Raises:
        RunError: there is none, or its runs were deleted.
    """
    newest = local_store.newest(None, SEARCHED_RUNS)
    folders = [folder for folder in newest if local_store.tags(folder).get("group") == comparison_id]
    if not folders:
        raise RunError(f"there is no comparison '{comparison_id[:40]}': its runs may have been deleted.")
    return _read(comparison_id, folders)


def from_references(project: str) -> Comparison | None:
    """The runs that came with the workbench as a comparison: those of one dataset, or of one share of it (`rows`: its
    test part is thinned too), the one that most of them are of; None where there are fewer than two."""
    alike: dict[tuple[str, int], list[Record]] = {}
    for run in references(project):
        share = int(run.config.data_options.get("rows", 0))
        alike.setdefault((run.record.dataset, share), []).append(run.record)
    records = max(alike.values(), key=len, default=[])
    if len(records) < 2:
        return None
    arms: dict[str, tuple[Record, ...]] = {}
    for record in records:
        name = record.model if record.model not in arms else record.run_id.rpartition("/")[2]
        arms[name] = (record,)
    return Comparison(REFERENCE, "Reference runs", arms)


def from_runs(refs: Sequence[str]) -> Comparison:
    """Any runs as a comparison: those of one model and one set of settings but for the seed make an arm.

    Raises:
        RunError: one of them is not there.
    """
    arms: dict[str, tuple[Record, ...]] = {}
    seen: dict[str, str] = {}
    for ref in refs:
        run = open_run(ref)
        same = run.config.model_copy(update={"seed": 0, "device": "auto"}).model_dump_json()
        label = seen.get(same) or _label(run.record, arms)
        seen[same] = label
        arms[label] = (*arms.get(label, ()), run.record)
    return Comparison("", "Chosen runs", arms)


def stop(comparison: Comparison) -> None:
    """Stop every run that runs or waits; those that have an epoch leave a bundle of their best one."""
    for record in reversed(comparison.active):  # the waiting ones first, so that none moves up
        with contextlib.suppress(RunError):  # it ended between the look and the wish
            actions.stop(record.run_id)


def wait(comparison: Comparison, *, timeout: float) -> Comparison:
    """Wait until none of its runs is active, at most so many seconds; gives it as it is then."""
    deadline = time.monotonic() + timeout
    while comparison.active and time.monotonic() < deadline:
        time.sleep(0.3)
        comparison = open_comparison(comparison.comparison_id)
    return comparison


def _label(record: Record, taken: Mapping[str, object]) -> str:
    if record.model not in taken:
        return record.model
    return f"{record.model} ({'reference' if record.is_reference else record.run_id[:8]})"


def _read(comparison_id: str, folders: Sequence[RunFolder]) -> Comparison:
    arms: dict[str, tuple[Record, ...]] = {}
    for folder in reversed(folders):  # oldest first
        arm = local_store.tags(folder).get("arm", "")
        arms[arm] = (*arms.get(arm, ()), read_record(folder))
    return Comparison(comparison_id, local_store.tags(folders[0]).get("group_title", "Comparison"), arms)
