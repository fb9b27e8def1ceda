"""What the administrator of a shared server sees and does: people, their jobs and disk."""

from dataclasses import dataclass

import dlcore.runs.actions as actions
import dlcore.runs.local_store as local_store
from dlcore.core import access, quotas, shared_server
from dlcore.core.access import MACHINE
from dlcore.core.errors import RequestError
from dlcore.runs.folder import RunFolder
from dlcore.runs.lifecycle import LiveState, live_state, request, stored_state
from dlcore.runs.record import ACTIVE


@dataclass(frozen=True)
class Person:
    """One person: jobs are queued or running, stored in bytes, compute in seconds of the quota's period."""

    name: str
    runs: int
    jobs: int
    stored: int
    compute: float


@dataclass(frozen=True)
class ActiveJob:
    """One queued or running run or search of a person."""

    job_id: str
    owner: str
    project: str
    model: str
    live: LiveState


def list_people() -> list[Person]:
    """Return the people with runs or data, those who store most first.

    Raises:
        RequestError: the viewer is no administrator.
    """
    jobs = [job.owner for job in list_jobs()]
    use = quotas.disk_use()
    with access.acting_as(MACHINE):
        owners = [str(stored_state(folder).get("owner", "")) for folder in local_store.newest(None)]
    people = [
        Person(name, owners.count(name), jobs.count(name), size, quotas.compute_seconds(name) if name else 0.0)
        for name, size in use.items()
    ]
    return sorted(people, key=lambda person: -person.stored)


def list_jobs() -> list[ActiveJob]:
    """Return all queued and running runs and searches, running ones first.

    Raises:
        RequestError: the viewer is no administrator.
    """
    _require_administrator()
    with access.acting_as(MACHINE):
        folders = [*local_store.newest(None), *local_store.searches()]
        jobs = [_job(folder) for folder in folders if stored_state(folder).get("state") in ACTIVE]
    return sorted((job for job in jobs if job.live.is_active), key=lambda job: job.live.state != "running")


def stop_job(job_id: str) -> None:
    """Stop a job of any person; a run writes the bundle of its best epoch, a search pauses.

    Raises:
        RequestError: the viewer is no administrator, or the job has ended.
    """
    _require_administrator()
    with access.acting_as(MACHINE):
        folder = next((folder for folder in local_store.searches() if folder.run_id == job_id), None)
        if folder is None:
            actions.stop(job_id)
        else:
            request(folder, "pause")


def _job(folder: RunFolder) -> ActiveJob:
    live = live_state(folder)
    fields = live.fields
    return ActiveJob(
        folder.run_id, str(fields.get("owner", "")), fields.get("project", "search"), fields.get("model", ""), live
    )


def _require_administrator() -> None:
    if not shared_server.is_administrator():
        raise RequestError("only an administrator of this server may do that.")
