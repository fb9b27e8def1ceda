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

from dlcore.core.errors import RequestError, RunError, WorkbenchError
from dlcore.runs import actions, catalogue, store
from dlcore.runs.record import ACTIVE, Record
from dlcore.runs.run import open_run, record_of, references

if TYPE_CHECKING:
    from dlcore.projects.project import RunConfig

MOST_RUNS = 60
LOOKED_AT = 2_000
"""So many of the newest runs are searched for comparisons."""
REFERENCE = "reference"
"""The comparison of the runs that came with the workbench."""


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
    made: list[str] = []
    try:
        for arm, config in wanted:
            record = actions.create(config)
            made.append(record.run_id)
            tags = {"group": comparison_id, "group_title": title.strip()[:120] or "Comparison", "arm": arm}
            store.append(record.run_id, (), tags=tags)
    except WorkbenchError:
        for run_id in made:
            with contextlib.suppress(WorkbenchError):
                actions.delete_run(run_id)
        raise
    if start:
        for run_id in made:
            actions.start(run_id)
    return open_comparison(comparison_id)


def list_comparisons(project: str) -> list[Comparison]:
    """A project's comparisons, newest first."""
    found: dict[str, list[catalogue.Stored]] = {}
    for stored in catalogue.newest(project, LOOKED_AT):
        if stored.tags.get("group"):
            found.setdefault(stored.tags["group"], []).append(stored)
    return [_of(comparison_id, runs) for comparison_id, runs in found.items()]


def open_comparison(comparison_id: str) -> Comparison:
    """The comparison of that id.

    Raises:
        RunError: there is none, or its runs were deleted.
    """
    found = [stored for stored in catalogue.newest(None, LOOKED_AT) if stored.tags.get("group") == comparison_id]
    if not found:
        raise RunError(f"there is no comparison '{comparison_id[:40]}': its runs may have been deleted.")
    return _of(comparison_id, found)


def from_references(project: str) -> Comparison | None:
    """The runs that came with the workbench as a comparison: those of one dataset, or of one share of it (`rows`: its
    test part is thinned too), the one that most of them are of; None where there are fewer than two."""
    alike: dict[tuple[str, int], list[Record]] = {}
    for run in references(project):
        share = int(run.config.flat.get("rows", 0))
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


def _of(comparison_id: str, found: Sequence[catalogue.Stored]) -> Comparison:
    arms: dict[str, tuple[Record, ...]] = {}
    for stored in reversed(found):  # newest first in the catalogue
        arm = stored.tags.get("arm", "")
        arms[arm] = (*arms.get(arm, ()), record_of(stored))
    return Comparison(comparison_id, found[0].tags.get("group_title", "Comparison"), arms)
